"""How many sessions there may be, in all and from one client."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tivo.gateway.guard import is_loopback
from tivo.gateway.problems import Problem
from tivo.gateway.stay import stay_of

MAX_SESSIONS = 512
MAX_SESSIONS_PER_CLIENT = 64
RETRY_SECONDS = 5


class Sessions:
    """The seats. A client is a principal, or an address where nobody is asked; on loopback everybody shares
    one, so only the bound on all counts there.
    """

    def __init__(
        self, *, max_sessions: int = MAX_SESSIONS, max_sessions_per_client: int = MAX_SESSIONS_PER_CLIENT
    ) -> None:
        self.max_sessions = max_sessions
        self.max_sessions_per_client = max_sessions_per_client
        self._by_client: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._by_client.total()

    def limits(self) -> dict[str, int]:
        """As told in `hello`."""
        return {"max_sessions": self.max_sessions, "max_sessions_per_client": self.max_sessions_per_client}

    @contextmanager
    def seat(self, client: str) -> Iterator[None]:
        """Hold a seat. Raises Problem 429 where none is left."""
        if self.taken >= self.max_sessions:
            raise _full(f"all {self.max_sessions} sessions of this gateway are taken")
        if not is_loopback(client) and self._by_client[client] >= self.max_sessions_per_client:
            raise _full(f"{client} has {self.max_sessions_per_client} sessions already")
        self._by_client[client] += 1
        try:
            yield
        finally:
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]


def client_of(scope: Mapping[str, Any]) -> str:
    """Who sent a request: the principal, where one was asked for, else the address that it comes from."""
    return stay_of(scope).client or address_of(scope)


def address_of(scope: Mapping[str, Any]) -> str:
    """The address that a request comes from."""
    client = scope.get("client")
    return client[0] if client else "127.0.0.1"


def _full(detail: str) -> Problem:
    return Problem(429, "too_many_sessions", detail, headers={"Retry-After": str(RETRY_SECONDS)})
