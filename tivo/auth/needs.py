"""What somebody must be allowed before something is done, and what can be said where he is not."""

from typing import NamedTuple

from tivo.auth.principals import ANONYMOUS
from tivo.auth.tokens import Bearer
from tivo.auth.users import Permit, Scope

EVERYBODY = Bearer(ANONYMOUS, (Scope("admin", ""),))
"""Whoever comes where nobody is asked: he may do everything."""

NOBODY = Bearer(ANONYMOUS, ())
"""Whoever was not asked where others are: he may do what needs no scope."""

EVERY_TOPIC = ""
SOME_TOPIC = None


class Need(NamedTuple):
    """To be allowed this in a topic; in `EVERY_TOPIC`; or in `SOME_TOPIC`, whichever it is."""

    permit: Permit
    topic: str | None

    def is_met_by(self, bearer: Bearer) -> bool:
        if self.topic is SOME_TOPIC:
            return any(scope.permit in (self.permit, "admin") for scope in bearer.scopes)
        return bearer.may(self.permit, self.topic)

    @property
    def scope(self) -> str:
        """The scope that would do, as the users file has it."""
        return f"{self.permit}:{self.topic}" if self.topic else self.permit
