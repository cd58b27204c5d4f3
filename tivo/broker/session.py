"""What is known of the client at the other end of a connection: through which door it came, and who it is."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tivo.auth.principals import ANONYMOUS, Principal
from tivo.broker.listeners import Endpoint


class Exchange(Protocol):
    """A way of logging in, under way: a message comes, a message goes."""

    principal: Principal | None

    def receive(self, message: bytes) -> bytes:
        """Raises AuthenticationError where it ends without success."""


@dataclass(slots=True, kw_only=True)
class Session:
    """`principal` is None until the client has said who it is; `endpoint` is what it is told of this broker."""

    endpoint: Endpoint
    principal: Principal | None = ANONYMOUS
    mechanism: str | None = field(default=None)
    """How it logs in, once it has chosen."""
    exchange: Exchange | None = field(default=None)
    is_bare: bool = False
    """Whether its messages of logging in come without headers (SaslHandshake v0)."""
    is_over: bool = False
    """Nothing more is taken: the connection closes behind the reply that is on its way."""

    @property
    def who(self) -> Principal:
        """The principal. Nothing but logging in is served before there is one."""
        assert self.principal is not None, "a request was served before the client had said who it is"
        return self.principal

    @property
    def may_choose(self) -> bool:
        """Whether the client is to choose how it logs in."""
        return self.principal is None and self.mechanism is None and not self.is_over


class Caller(NamedTuple):
    """Who sent a request, and in which version of the API."""

    version: int
    client_id: str
    host: str
    session: Session
