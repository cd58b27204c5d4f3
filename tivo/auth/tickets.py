"""Tickets: each lets the bearer of a token in once, within seconds, where a token itself cannot be sent.

A ticket may stand in an address, which ends up in logs and histories: by then it is worth nothing.
Only hashes are kept. Whoever makes one brings the randomness.
"""

from typing import NamedTuple

from tivo.auth.tokens import digest
from tivo.model.errors import AuthenticationError
from tivo.model.timeline import SECOND_US, Now

TICKET_US = 30 * SECOND_US
MOST_TICKETS = 10_000
"""Beyond it the oldest are worth nothing any more."""


class _Kept(NamedTuple):
    token: str | None
    until_us: int


class Tickets:
    """The tickets that nobody has used yet."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def issue(self, ticket: str, token: str | None, now: Now) -> None:
        """Keep a new ticket for the bearer of a token, or for whoever comes where none is asked for."""
        self._forget(now)
        self._kept[digest(ticket)] = _Kept(token, now.steady_us + TICKET_US)

    def redeem(self, ticket: str, now: Now) -> str | None:
        """The token that a ticket stands for. Raises AuthenticationError where it is none, was used or is too old."""
        kept = self._kept.pop(digest(ticket), None)
        if kept is None or kept.until_us <= now.steady_us:
            raise AuthenticationError("the ticket is unknown, was used already or is too old")
        return kept.token

    def _forget(self, now: Now) -> None:
        """All have the same life, so the oldest stand first."""
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest].until_us > now.steady_us and len(self._kept) < MOST_TICKETS:
                return
            del self._kept[oldest]
