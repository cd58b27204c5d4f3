"""Where events and answers come from, for a session and for everything else that reads."""

from dataclasses import dataclass

from tivo.gateway.answers import Answers
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Tail
from tivo.gateway.near import Near
from tivo.gateway.states import States
from tivo.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The store for the past, the tail for the live edge and the log behind it."""

    store: Store
    tail: Tail
    catalogue: Catalogue
    answers: Answers
    near: Near
    images: States
