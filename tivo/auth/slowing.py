"""Slows those who guess: the more wrong tokens come from an address, the later each is answered.

Answers to one address stand in a line, so that many connections guess no faster than one. Whoever
brings a right token never waits: a guesser cannot shut out others behind the same address.
"""

from typing import NamedTuple

from tivo.model.timeline import SECOND_US, Now

FIRST_GAP_US = SECOND_US // 10
LONGEST_GAP_US = 2 * SECOND_US
LONGEST_LINE_US = 5 * SECOND_US
"""Who would have to wait longer is turned away at once. Clients give up on a socket that takes 10 s to open."""
FORGET_US = 60 * SECOND_US
MOST_ADDRESSES = 10_000


class _Guesser(NamedTuple):
    failures: int
    free_us: int
    """When the answer to the last attempt is due."""


class Slowing:
    """The addresses from which wrong tokens came lately."""

    def __init__(self) -> None:
        self._guessers: dict[str, _Guesser] = {}

    def __len__(self) -> int:
        return len(self._guessers)

    def knows(self, address: str) -> bool:
        """Whether something wrong came from there lately."""
        return address in self._guessers

    def failed(self, address: str, now: Now) -> int | None:
        """How long to wait with the answer to a wrong attempt, in µs; None: turn it away."""
        self._forget(now)
        guesser = self._guessers.get(address) or _Guesser(0, now.steady_us)
        gap_us = min(FIRST_GAP_US << min(guesser.failures, 16), LONGEST_GAP_US)
        due_us = max(guesser.free_us, now.steady_us) + gap_us
        if due_us - now.steady_us > LONGEST_LINE_US:
            return None
        self._guessers.pop(address, None)
        self._guessers[address] = _Guesser(guesser.failures + 1, due_us)
        return due_us - now.steady_us

    def _forget(self, now: Now) -> None:
        """Those that have been quiet, and the longest quiet ones where there are too many."""
        while self._guessers:
            oldest = next(iter(self._guessers))
            is_quiet = self._guessers[oldest].free_us + FORGET_US <= now.steady_us
            if not is_quiet and len(self._guessers) < MOST_ADDRESSES:
                return
            del self._guessers[oldest]
