"""The expression of a filter, `filter.where`: its text, and what it says of an event.

The language is none of the session's: whoever makes one gives it what compiles a text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from tivo.model.errors import CommandError, QueryError
from tivo.model.event import Event

Passes: TypeAlias = Callable[[Event], bool]
CompileWhere: TypeAlias = Callable[[str], Passes]
"""Makes a text a function of an event. Raises QueryError where the text says nothing."""


@dataclass(frozen=True, slots=True)
class Where:
    """An expression; every event passes an empty one. Two are the same where their texts are."""

    text: str = ""
    passes: Passes | None = field(default=None, compare=False)

    @classmethod
    def of(cls, text: str, compile_where: CompileWhere) -> "Where":
        """Raises CommandError `bad_filter` with the place at which the text says nothing."""
        try:
            return cls(text, compile_where(text) if text else None)
        except QueryError as error:
            raise CommandError(str(error), code="bad_filter", field="filter.where") from None


def no_expressions(text: str) -> Passes:
    """What compiles for a session to which nothing was given that does."""
    raise CommandError("where is not offered by this gateway", code="not_offered", field="filter.where")
