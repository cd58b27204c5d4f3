"""Several topics and partitions in one total order, out of bounded buffers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter

from tivo.model.event import Cursor, Event

FIRST = Cursor(-(1 << 63), "", -1, -1)
"""Before every event."""

LAST = Cursor(1 << 63, "", -1, -1)
"""Behind every event."""

FRAME_BYTES = 256 << 10
"""What the events of a frame may weigh together; one alone may weigh more."""

_TIME = attrgetter("time_us")


def behind(time_us: int) -> Cursor:
    """Behind every event of this time and before every later one."""
    return Cursor(time_us + 1, "", -1, -1)


def order_key(event: Event) -> Cursor:
    """Where an event stands in the playback order."""
    return Cursor(event.time_us, event.topic, event.partition, event.offset)


def weight(event: Event) -> int:
    """About how many bytes an event takes in a frame."""
    return len(event.value or b"") + len(event.key or b"") + 200


class Buffer:
    """Events read ahead of one topic, in playback order unless they are told to stay as they came."""

    __slots__ = ("_events", "_head")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._head = 0

    def __len__(self) -> int:
        return len(self._events) - self._head

    @property
    def first(self) -> Event | None:
        """The event that is taken next."""
        return self._events[self._head] if self._head < len(self._events) else None

    def first_behind(self, cursor: Cursor) -> Event | None:
        """The first event behind a place; those at or before it came in late."""
        first = self.first
        if first is None or order_key(first) > cursor:
            return first
        place = bisect_right(self._events, cursor, self._head, key=order_key)
        return self._events[place] if place < len(self._events) else None

    def add(self, events: Sequence[Event], *, in_order: bool = True) -> None:
        """Put events in at their places, or behind all others where not `in_order`."""
        del self._events[: self._head]
        self._head = 0
        self._events += events
        if in_order:
            # Sorting runs that are sorted already is linear.
            self._events.sort()

    def upto(self, bound: Cursor, count: int) -> list[Event]:
        """The first events that lie at or before `bound`, at most `count`; they stay in."""
        events, head = self._events, self._head
        stop = min(len(events), head + count)
        if stop == head or events[head].time_us > bound.time_us:
            return []
        if order_key(events[stop - 1]) <= bound:
            return events[head:stop]
        # By time alone first: that needs no key of our own to be made for every comparison.
        first = bisect_left(events, bound.time_us, head, stop, key=_TIME)
        while first < stop and order_key(events[first]) <= bound:
            first += 1
        return events[head:first]

    def all(self) -> list[Event]:
        """Everything in it; it stays in."""
        return self._events[self._head :]

    def drop(self, count: int) -> None:
        """Take the first events out."""
        self._head += count

    def sort(self) -> None:
        """From now on in playback order."""
        self.add([], in_order=True)

    def clear(self) -> None:
        """Take everything out."""
        self._events.clear()
        self._head = 0


def merged(runs: Iterable[list[Event]], count: int) -> list[Event]:
    """The first `count` events of several sorted runs, in one order.

    Concatenated and sorted: timsort merges sorted runs in linear time, without a call per event.
    """
    filled = [run for run in runs if run]
    if len(filled) == 1:
        return filled[0][:count]
    together = [event for run in filled for event in run]
    together.sort()
    return together[:count]
