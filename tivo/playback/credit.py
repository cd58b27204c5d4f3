"""How far behind its frames a viewer is: judged by what it has taken, in time, never by size alone."""

from collections import deque
from dataclasses import dataclass, field

SLOW_US = 1_000_000
"""A viewer that takes a frame later than this is slow."""

LOST_US = 10_000_000
"""A viewer that takes nothing for so long is gone."""

_MOST_FRAMES = 2_048


@dataclass(slots=True)
class Credit:
    """Frames sent less frames taken.

    A viewer that ever sent an `ack` is judged by its acks; until then, and for one that never does,
    progress is the outbox taking bytes.
    """

    counted: bool = False
    full: bool = False
    _since_us: int = 0
    _unacked: deque[tuple[int, int]] = field(default_factory=deque)

    def sent(self, n: int, steady_us: int) -> None:
        """Frame `n` went out."""
        if not self._unacked and not self.full:
            self._since_us = steady_us
        if self.counted or len(self._unacked) < _MOST_FRAMES:
            self._unacked.append((n, steady_us))

    def acked(self, n: int, steady_us: int) -> None:
        """The viewer has taken everything up to frame `n`."""
        self.counted = True
        while self._unacked and self._unacked[0][0] <= n:
            self._unacked.popleft()
            self._since_us = steady_us

    def outbox(self, *, full: bool, steady_us: int) -> None:
        """The outbox passed its high mark, or fell below its low one."""
        self.full = full
        if not self.counted:
            self._unacked.clear()
            self._since_us = steady_us

    def forget(self) -> None:
        """A new epoch: frames of the old one may never arrive, nobody waits for their acks."""
        self._unacked.clear()

    def blocked(self, steady_us: int) -> bool:
        """Whether no frame may be sent now."""
        if self.full:
            return True
        return self.counted and (len(self._unacked) >= _MOST_FRAMES or self.slow(steady_us))

    def slow(self, steady_us: int) -> bool:
        """Whether the viewer is more than a second behind."""
        slow_us = self.slow_us
        return slow_us is not None and slow_us <= steady_us

    @property
    def outstanding(self) -> bool:
        """Whether the viewer has something to take."""
        return bool(self._unacked) if self.counted else self.full

    @property
    def slow_us(self) -> int | None:
        """Steady time from which on the viewer is slow, if nothing happens; None where nothing is outstanding."""
        if self.counted:
            return self._unacked[0][1] + SLOW_US if self._unacked else None
        return self._since_us + SLOW_US if self.full else None

    @property
    def lost_us(self) -> int | None:
        """Steady time from which on the viewer is gone, if nothing happens; None where nothing is outstanding."""
        return self._since_us + LOST_US if self.outstanding else None
