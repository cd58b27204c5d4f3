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
"""Beyond it the oldest of whoever has most are worth nothing any more: nobody pushes out those of others."""


class _Kept(NamedTuple):
    owner: str | None
    token: str | None
    until_us: int


class Tickets:
    """The tickets that nobody has used yet."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._by_owner: dict[str | None, dict[str, None]] = {}  # the keys of `_kept`, the oldest first

    def __len__(self) -> int:
        return len(self._kept)

    def issue(self, ticket: str, token: str | None, now: Now, *, owner: str | None) -> None:
        """Keep a new ticket for a user who has shown a token, or for whoever comes where none is asked for."""
        self._make_room(now)
        key = digest(ticket)
        self._kept[key] = _Kept(owner, token, now.steady_us + TICKET_US)
        self._by_owner.setdefault(owner, {})[key] = None

    def redeem(self, ticket: str, now: Now) -> str | None:
        """The token that a ticket stands for. Raises AuthenticationError where it is none, was used or is too old."""
        key = digest(ticket)
        if key not in self._kept or (kept := self._take(key)).until_us <= now.steady_us:
            raise AuthenticationError("the ticket is unknown, was used already or is too old")
        return kept.token

    def _make_room(self, now: Now) -> None:
        """All have the same life, so the oldest stand first."""
        while self._kept and self._kept[oldest := next(iter(self._kept))].until_us <= now.steady_us:
            self._take(oldest)
        if len(self._kept) >= MOST_TICKETS:
            most = max(self._by_owner.values(), key=len)
            self._take(next(iter(most)))

    def _take(self, key: str) -> _Kept:
        kept = self._kept.pop(key)
        theirs = self._by_owner[kept.owner]
        del theirs[key]
        if not theirs:
            del self._by_owner[kept.owner]
        return kept
