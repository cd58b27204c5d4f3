"""Which events of a store a read asks for, in which order it takes them, and where it ends (pure)."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile
from operator import attrgetter
from sys import maxsize

from tivo.model.event import Cursor, Event, Frontier
from tivo.model.timeline import Window
from tivo.store.base import Found

_TIME: Callable[[Event], int] = attrgetter("time_us")
_ORDER: Callable[[Event], tuple[int, str, int, int]] = attrgetter("time_us", "topic", "partition", "offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The bounds of one read, as `Store.read` takes them."""

    window: Window
    above: Frontier | None = None
    upto: Frontier | None = None
    after: Cursor | None = None
    until: Cursor | None = None
    reverse: bool = False

    @property
    def start_us(self) -> int | None:
        """No event before this time is asked for. None is unbounded."""
        if self.after is None or self.reverse:
            return self.window.start_us
        return _latest(self.window.start_us, self.after.time_us)

    @property
    def end_us(self) -> int | None:
        """No event at or after this time is asked for. None is unbounded."""
        end_us = self.window.end_us
        if self.until is not None:
            end_us = _earliest(end_us, self.until.time_us + 1)
        if self.after is not None and self.reverse:
            end_us = _earliest(end_us, self.after.time_us + 1)
        return end_us

    @property
    def is_empty(self) -> bool:
        """No event can be asked for, whatever a store holds."""
        return Window(self.start_us, self.end_us).is_empty

    def offsets(self, partition: int) -> tuple[int, int]:
        """First offset of a partition that is asked for, and the one behind the last."""
        low = 0 if self.above is None else self.above.get(partition, 0)
        high = maxsize if self.upto is None else self.upto.get(partition, 0)
        return low, high

    def touches(self, partition: int, base: int, next_offset: int) -> bool:
        """Whether any offset of a partition in base ≤ offset < next_offset is asked for."""
        low, high = self.offsets(partition)
        return base < high and low < next_offset

    def take(self, events: Sequence[Event], limit: int) -> list[Event]:
        """The first `limit` events asked for among events in playback order; newest first where `reverse`."""
        low, high = self._slice(events)
        found: Iterator[Event] = (
            events[at] for at in (reversed(range(low, high)) if self.reverse else range(low, high))
        )
        if self.above is not None or self.upto is not None:
            found = filter(self._has_offset_of, found)
        return list(islice(found, limit))

    def take_partition(self, events: Sequence[Event], limit: int, *, base: int, next_offset: int) -> list[Event]:
        """`take` for events of one partition whose offsets lie in base ≤ offset < next_offset.

        A page wholly inside the bounds, the common case, is cut out in one slice and no event of it is looked at.
        """
        if not events:
            return []
        wanted_low, wanted_high = self.offsets(events[0].partition)
        if base < wanted_low or wanted_high < next_offset:
            return self.take(events, limit)
        low, high = self._slice(events)
        if self.reverse:
            return list(events[max(low, high - limit) : high])[::-1]
        return list(events[low : min(high, low + limit)])

    def _has_offset_of(self, event: Event) -> bool:
        low, high = self.offsets(event.partition)
        return low <= event.offset < high

    def _slice(self, events: Sequence[Event]) -> tuple[int, int]:
        low, high = 0, len(events)
        if self.window.start_us is not None:
            low = bisect_left(events, self.window.start_us, key=_TIME)
        if self.window.end_us is not None:
            high = bisect_left(events, self.window.end_us, key=_TIME)
        if self.until is not None:
            high = min(high, _behind(events, self.until))
        if self.after is not None and self.reverse:
            high = min(high, _before(events, self.after))
        elif self.after is not None:
            low = max(low, _behind(events, self.after))
        return low, max(low, high)


def event_bytes(event: Event) -> int:
    """Bytes of an event's key, value and headers."""
    size = len(event.value or b"") + len(event.key or b"")
    for name, value in event.headers:
        size += len(name) + len(value or b"")
    return size


def end(events: list[Event], *, limit: int, max_bytes: int | None) -> Found:
    """What a read gives of events in the order asked for, all that there are or at least one more than `limit`.

    `max_bytes` None: the events are known to be smaller, and are not measured.
    """
    asked = events[:limit]
    if max_bytes is not None:
        sizes = accumulate(map(event_bytes, asked))
        within = sum(1 for _ in takewhile(max_bytes.__ge__, sizes))
        asked = asked[: within + 1]
    return Found(asked, len(asked) == len(events))


def _before(events: Sequence[Event], cursor: tuple[int, str, int, int]) -> int:
    return bisect_left(events, cursor, key=_ORDER)


def _behind(events: Sequence[Event], cursor: tuple[int, str, int, int]) -> int:
    return bisect_right(events, cursor, key=_ORDER)


def _latest(bound_us: int | None, time_us: int) -> int:
    return time_us if bound_us is None else max(bound_us, time_us)


def _earliest(bound_us: int | None, time_us: int) -> int:
    return time_us if bound_us is None else min(bound_us, time_us)
