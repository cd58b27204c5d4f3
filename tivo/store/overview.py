"""The count pyramid: how many events stand in every second, ten seconds, minute … day."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tivo.model.timeline import DAY_US, HOUR_US, MILLISECOND_US, MINUTE_US, SECOND_US, Window

LEVELS = (SECOND_US, 10 * SECOND_US, MINUTE_US, 10 * MINUTE_US, HOUR_US, DAY_US)
"""Widths of the cells that are counted at write, finest first. Each divides the next, so that cells nest."""

EXACT = 0
"""In place of a level: no cell is fine enough, pages are counted, and the events of those that reach across an edge."""

_FINE_WIDTHS = tuple(n * unit * MILLISECOND_US for unit in (1, 10, 100) for n in (1, 2, 5))
_WIDTHS = (
    *(n * SECOND_US for n in (1, 2, 5, 10, 20, 30)),
    *(n * MINUTE_US for n in (1, 2, 5, 10, 20, 30)),
    *(n * HOUR_US for n in (1, 2, 3, 6, 12)),
)


class Slices(NamedTuple):
    """Equal slices that cover a window.

    Up to 12 hours wide they are laid out from 1970, so that they stand still while the window moves;
    of whole days, from the window's first day.
    """

    start_us: int
    width_us: int
    number: int

    def of(self, time_us: int) -> int:
        """The number of the slice that a time lies in."""
        return (time_us - self.start_us) // self.width_us


class Part(NamedTuple):
    """A stretch of a window and the level that counts it exactly (EXACT: look at the pages)."""

    level_us: int
    start_us: int
    end_us: int


def slices(window: Window, at_most: int) -> Slices:
    """The finest even slices, at most so many, for a bounded window.

    A window longer than a minute is never cut finer than by the second: finer slices are counted
    from the pages, and those of a minute are few enough to look at.
    """
    assert at_most > 0 and window.start_us is not None and window.end_us is not None
    if window.is_empty:
        return Slices(window.start_us, SECOND_US, 0)
    widths = _WIDTHS if window.end_us - window.start_us > MINUTE_US else _FINE_WIDTHS + _WIDTHS
    for width_us in widths:
        cut = _cut(window.start_us, window.end_us, width_us)
        if cut.number <= at_most:
            return cut
    first_us = window.start_us - window.start_us % DAY_US
    days = -((first_us - window.end_us) // (at_most * DAY_US))
    return Slices(first_us, days * DAY_US, -((first_us - window.end_us) // (days * DAY_US)))


def _cut(start_us: int, end_us: int, width_us: int) -> Slices:
    first_us = start_us - start_us % width_us
    return Slices(first_us, width_us, -((first_us - end_us) // width_us))


def parts(window: Window, width_us: int) -> list[Part]:
    """How to count a bounded window exactly, in time order: coarse cells inside, finer ones towards its two edges."""
    assert window.start_us is not None and window.end_us is not None
    level = sum(width_us % level_us == 0 for level_us in LEVELS)
    return list(_parts(window.start_us, window.end_us, level))


def _parts(start_us: int, end_us: int, level: int) -> Iterator[Part]:
    if end_us <= start_us:
        return
    if level == 0:
        yield Part(EXACT, start_us, end_us)
        return
    level_us = LEVELS[level - 1]
    first_us = start_us + -start_us % level_us
    last_us = end_us - end_us % level_us
    if last_us <= first_us:
        yield from _parts(start_us, end_us, level - 1)
        return
    yield from _parts(start_us, first_us, level - 1)
    yield Part(level_us, first_us, last_us)
    yield from _parts(last_us, end_us, level - 1)


def tally(counts: list[int], cut: Slices, times_us: Sequence[int]) -> None:
    """Add events at these times, in order, to the counts of their slices."""
    at = 0
    while at < len(times_us):
        number = cut.of(times_us[at])
        behind = bisect_left(times_us, cut.start_us + (number + 1) * cut.width_us, at)
        counts[number] += behind - at
        at = behind


def count(times_us: Sequence[int]) -> list[dict[int, int]]:
    """Events per cell, by start of the cell, for each of LEVELS, of times in order."""
    seconds, at = {}, 0
    while at < len(times_us):
        start_us = times_us[at] - times_us[at] % SECOND_US
        behind = bisect_left(times_us, start_us + SECOND_US, at)
        seconds[start_us] = behind - at
        at = behind
    levels = [seconds]
    for level_us in LEVELS[1:]:
        coarser: Counter[int] = Counter()
        for start_us, events in levels[-1].items():
            coarser[start_us - start_us % level_us] += events
        levels.append(coarser)
    return levels
