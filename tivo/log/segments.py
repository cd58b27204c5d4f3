"""The segments of a partition, in order: at least one, of which the last is the active one."""

from bisect import bisect_right
from collections.abc import Sequence
from threading import Lock

from tivo.log.segment import Segment

MAX_OPEN_SEALED = 4
"""Sealed segments whose files stay open between reads: each costs a descriptor and up to 650 KB of index."""


class Segments:
    """Changed by one thread at a time. A reader on another thread sees them as they were before or after."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._all = tuple(segments)
        self._recent: dict[int, Segment] = {}
        self._using = Lock()

    @property
    def all(self) -> tuple[Segment, ...]:
        return self._all

    @property
    def active(self) -> Segment:
        return self._all[-1]

    @property
    def size_bytes(self) -> int:
        return sum(segment.size for segment in self._all)

    def at_or_after(self, offset: int) -> tuple[Segment, ...]:
        """The segment that holds an offset, and all behind it."""
        segments = self._all
        return segments[max(bisect_right(segments, offset, key=_base) - 1, 0) :]

    def unsealed(self) -> list[Segment]:
        """Segments before the active one that are not sealed yet, oldest first."""
        first = len(self._all) - 1
        while first > 0 and not self._all[first - 1].sealed:
            first -= 1
        return list(self._all[first:-1])

    def add(self, segment: Segment) -> None:
        """Let a new segment be the active one."""
        self._all = (*self._all, segment)

    def drop_before(self, offset: int) -> list[Segment]:
        """Let go of the segments that lie before an offset whole; they are given back, to be removed."""
        kept = self.at_or_after(offset)
        dropped = list(self._all[: len(self._all) - len(kept)])
        self._all = kept
        with self._using:
            for segment in dropped:
                self._recent.pop(segment.base, None)
        return dropped

    def replace(self, replaced: Sequence[Segment], segment: Segment) -> None:
        """Let one segment stand where some did that follow upon each other."""
        at = self._all.index(replaced[0])
        self._all = (*self._all[:at], segment, *self._all[at + len(replaced) :])
        with self._using:
            for one in replaced:
                self._recent.pop(one.base, None)

    def use(self, segment: Segment) -> None:
        """A segment is about to be read: the sealed one that was read longest ago is closed where too many are open."""
        if not segment.sealed or segment.is_replaced:
            return
        oldest = None
        with self._using:
            self._recent.pop(segment.base, None)
            self._recent[segment.base] = segment
            if len(self._recent) > MAX_OPEN_SEALED:
                oldest = self._recent.pop(next(iter(self._recent)))
        if oldest is not None:
            oldest.release()  # waits for who is just opening it, and keeps no other reader waiting

    def clear(self) -> None:
        """Let go of all of them. Their files close when the last reader is done."""
        self._all = ()
        with self._using:
            self._recent = {}


def _base(segment: Segment) -> int:
    return segment.base
