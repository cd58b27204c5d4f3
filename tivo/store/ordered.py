"""Pages that overlap in time, read into one order: no page is unpacked before its turn (pure)."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from operator import attrgetter
from typing import NamedTuple

from tivo.model.event import Event
from tivo.store.selection import Selection

_TIME: Callable[[Event], int] = attrgetter("time_us")


class PlacedPage(NamedTuple):
    """Where a packed page lies: its times, both inclusive, and its offsets base ≤ offset < next."""

    page: int
    partition: int
    min_us: int
    max_us: int
    base: int
    next: int
    raw_bytes: int


def in_order(
    pages: Iterable[PlacedPage], load: Callable[[PlacedPage], list[Event]], asked: Selection, limit: int
) -> list[Event]:
    """The first `limit` events asked for, out of pages that come by their first time (by their last one, backwards).

    Pages are loaded until so many events lie ahead of the next one, so what is held is bounded by how
    many pages overlap, and pages behind the last event wanted are never loaded.
    """
    key = _backwards if asked.reverse else _TIME
    runs: list[list[Event]] = []
    held = 0
    for page in pages:
        if not asked.touches(page.partition, page.base, page.next):
            continue
        begin = -page.max_us if asked.reverse else page.min_us
        if held >= limit and sum(bisect_left(run, begin, key=key) for run in runs) >= limit:
            break
        run = asked.take_partition(load(page), limit, base=page.base, next_offset=page.next)
        if run:
            runs.append(run)
            held += len(run)
    if held > limit:
        bound = _bound(runs, limit, key)
        runs = [run[: bisect_right(run, bound, key=key)] for run in runs]
    events = [event for run in runs for event in run]
    events.sort(reverse=asked.reverse)
    return events[:limit]


def last_first(pages: Iterable[PlacedPage], span_at: Callable[[int], int]) -> Iterator[PlacedPage]:
    """Pages by their last time, latest first, out of pages by their first time, latest first.

    `span_at` tells the longest time that a page spans which begins in the bucket of a time.
    """
    held: list[tuple[int, PlacedPage]] = []
    for page in pages:
        latest_us = page.min_us + span_at(page.min_us)  # of this page and of all that are still to come
        while held and -held[0][0] >= latest_us:
            yield heappop(held)[1]
        heappush(held, (-page.max_us, page))
    while held:
        yield heappop(held)[1]


def _bound(runs: list[list[Event]], limit: int, key: Callable[[Event], int]) -> int:
    """A key up to which the runs hold `limit` events and few more, so that few more are sorted than are wanted.

    Four partitions read 500 events at a time would else have 2,000 sorted, which costs as much as to unpack them.
    """
    low = min(key(run[0]) for run in runs)
    high = max(key(run[-1]) for run in runs)
    while low < high:
        middle = (low + high) // 2
        found = sum(bisect_right(run, middle, key=key) for run in runs)
        if found < limit:
            low = middle + 1
        elif found > limit + limit // 4:
            high = middle
        else:
            return middle
    return high


def _backwards(event: Event) -> int:
    return -event.time_us
