"""Which of the stored events a reader wants: those whose key matches a glob, and of which an expression holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.datastructures import QueryParams

from tivo.model.event import Event
from tivo.playback.topics import key_filter
from tivo.playback.values import MOST_GLOBS, names
from tivo.query.evaluate import compile_expression

Passes: TypeAlias = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """Globs of keys, the text of an expression, and both as a function; None where every event is wanted."""

    keys: tuple[str, ...] = ()
    where: str = ""
    passes: Passes | None = field(default=None, compare=False)

    def kept(self, events: list[Event]) -> list[Event]:
        """Those that are wanted."""
        return events if self.passes is None else [*filter(self.passes, events)]

    def query(self) -> dict[str, str | list[str]]:
        """As parameters of an address, for the next page."""
        return {**({"key": [*self.keys]} if self.keys else {}), **({"where": self.where} if self.where else {})}


def selection_of(query: QueryParams) -> Selection:
    """What `key`, which may come more than once, and `where` ask for. Raises CommandError and QueryError."""
    keys = names(query.getlist("key"), "key", most=MOST_GLOBS, code="bad_request", least=0)
    return select(keys, query.get("where", ""))


def select(keys: tuple[str, ...], where: str) -> Selection:
    """Raises QueryError where the expression says nothing; an empty one lets every event pass."""
    by_key, by_where = key_filter(keys), compile_expression(where) if where else None
    if by_key is None or by_where is None:
        return Selection(keys, where, by_key or by_where)
    return Selection(keys, where, lambda event: by_key(event) and by_where(event))
