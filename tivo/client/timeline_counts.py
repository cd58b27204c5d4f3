"""How many events lie before a time, by the counts of an overview (pure)."""

from collections.abc import Sequence
from itertools import accumulate


class TimelineCounts:
    """Counts per bucket of equal width; `total` is their sum."""

    def __init__(self, start_us: int, width_us: int, counts: Sequence[int]) -> None:
        self._start_us = start_us
        self._width_us = width_us
        self._before = [0, *accumulate(counts)]
        self.total = self._before[-1]

    def before(self, time_us: int) -> int:
        """Events of the buckets that end at a time or before it."""
        passed = (time_us - self._start_us) // max(self._width_us, 1)
        return self._before[min(max(passed, 0), len(self._before) - 1)]
