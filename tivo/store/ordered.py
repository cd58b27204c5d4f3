"""Pages that overlap in time, read into one order: no page is unpacked before its turn (pure)."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from tivo.model.event import Event
from tivo.store.base import Found
from tivo.store.selection import Selection, end, event_bytes

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
    pages: Iterable[PlacedPage],
    load: Callable[[PlacedPage], list[Event]],
    asked: Selection,
    *,
    limit: int,
    max_bytes: int,
) -> Found:
    """What a read finds in pages that come by their first time (by their last one, backwards).

    Pages are loaded until enough events lie ahead of the next one, so what is held is bounded by how
    many pages overlap, and pages behind the last event wanted are never loaded.
    """
    runs = _Runs(asked, limit + 1, max_bytes)  # one more tells whether there are more
    for page in pages:
        if asked.touches(page.partition, page.base, page.next):
            if runs.suffice_before(page):
                break
            runs.add(page, load(page))
    return end(runs.first(), limit=limit, max_bytes=max_bytes if runs.bytes > max_bytes else None)


class _Runs:
    """Events in order, a run for every page loaded."""

    def __init__(self, asked: Selection, limit: int, max_bytes: int) -> None:
        self._asked = asked
        self._limit = limit
        self._max_bytes = max_bytes
        self._key = _backwards if asked.reverse else _TIME
        self._runs: list[list[Event]] = []
        self._held = 0
        self.bytes = 0  # at most: of whole pages

    def add(self, page: PlacedPage, events: list[Event]) -> None:
        run = self._asked.take_partition(events, self._limit, base=page.base, next_offset=page.next)
        if run:
            self._runs.append(run)
            self._held += len(run)
            self.bytes += page.raw_bytes

    def suffice_before(self, page: PlacedPage) -> bool:
        """Whether the read ends among the events that no event of this page, or of a later one, can come before."""
        if self._held < self._limit and self.bytes <= self._max_bytes:
            return False
        begin = -page.max_us if self._asked.reverse else page.min_us
        ready = [run[: bisect_left(run, begin, key=self._key)] for run in self._runs]
        if sum(map(len, ready)) >= self._limit:
            return True
        return self.bytes > self._max_bytes and self._bytes_before_last(ready) > self._max_bytes

    def _bytes_before_last(self, runs: list[list[Event]]) -> int:
        """Bytes of all events but the last one in order, which tells that there are more."""
        lasts = [run[-1] for run in runs if run]
        if not lasts:
            return 0
        last = min(lasts) if self._asked.reverse else max(lasts)
        return sum(event_bytes(event) for run in runs for event in run) - event_bytes(last)

    def first(self) -> list[Event]:
        """The first events of all runs in order, all that there are or at least the limit."""
        runs = self._runs
        if self._held > self._limit:
            bound = _bound(runs, self._limit, self._key)
            runs = [run[: bisect_right(run, bound, key=self._key)] for run in runs]
        events = list(chain.from_iterable(runs))
        events.sort(reverse=self._asked.reverse)
        return events


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
