"""The newest events of a topic in memory, bounded in bytes, shared by everybody who tails it."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from tivo.model.event import Event
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice

EVENT_BYTES = 250
"""What an event weighs beside its key, value and headers; measured, rounded up."""

_COMPACT_AT = 1_024
"""Places of events that were dropped are given back so many at a time; the events themselves go at once."""


def weight(event: Event) -> int:
    """About how many bytes of memory an event takes."""
    size = EVENT_BYTES + len(event.key or b"") + len(event.value or b"")
    for name, value in event.headers:
        size += len(name) + len(value or b"") + 150
    return size


class Ring:
    """Per partition everything from `base` to `next`; the oldest events go first, whatever their partition."""

    def __init__(self, *, starts: dict[int, int], max_bytes: int) -> None:
        """It begins empty, at the offset in `starts` of every partition."""
        self._runs = {partition: _Run(offset) for partition, offset in starts.items()}
        self._arrivals: deque[tuple[int, int]] = deque()  # (partition, weight), oldest first
        self._bytes = 0
        self._max_bytes = max_bytes

    @property
    def positions(self) -> dict[int, int]:
        """Per partition the offset behind the newest event."""
        return {partition: run.next for partition, run in self._runs.items()}

    @property
    def bytes(self) -> int:
        """What its events weigh."""
        return self._bytes

    def append(self, partition: int, events: Sequence[Event], *, next: int, log_end: int) -> None:
        """Take what lies from the partition's position up to `next`: these events, in offset order, and holes."""
        run = self._runs[partition]
        for event in events:
            size = weight(event)
            self._arrivals.append((partition, size))
            self._bytes += size
        run.append(events, next=next, log_end=log_end)
        self.shrink(self._bytes - self._max_bytes)

    def shrink(self, size: int) -> int:
        """Drop the oldest events, at least `size` bytes of them where there are so many. How many bytes that were."""
        before = self._bytes
        while before - self._bytes < size and self._arrivals:
            oldest, freed = self._arrivals.popleft()
            self._bytes -= freed
            self._runs[oldest].drop_first()
        return before - self._bytes

    def add(self, partition: int) -> None:
        """A partition that has just been made, from its first offset on."""
        self._runs.setdefault(partition, _Run(0))

    def restart(self, partition: int, offset: int) -> None:
        """Go on at another offset: what lies between is not here."""
        kept: deque[tuple[int, int]] = deque()
        for owner, size in self._arrivals:
            if owner == partition:
                self._bytes -= size
            else:
                kept.append((owner, size))
        self._arrivals = kept
        self._runs[partition] = _Run(offset)

    def reaches(self, place: TailPlace) -> bool:
        """Whether everything from a place on that the gateway has seen is here."""
        run = self._runs.get(place.partition)
        return run is not None and place.offset is not None and run.base <= place.offset <= run.next

    def has_moved(self, place: TailPlace) -> bool:
        """Whether there is anything behind a place that the ring reaches."""
        run = self._runs.get(place.partition)
        return run is None or place.offset is None or place.offset < run.next

    def slice(self, place: TailPlace, *, max_bytes: int) -> TailSlice:
        """What lies from a place on that the ring reaches: about `max_bytes`, at least one event where there is one."""
        assert place.offset is not None, "only a place with an offset is reached"
        run = self._runs[place.partition]
        events, next_offset = run.take(place.offset, upto=place.upto, limit=place.limit, max_bytes=max_bytes)
        return TailSlice(
            partition=place.partition,
            base=place.offset,
            next=next_offset,
            log_start=run.log_start,
            log_end=max(run.log_end, run.next),
            events=events,
        )


class _Run:
    """One partition's part of the ring."""

    __slots__ = ("_events", "_first", "_offsets", "base", "log_end", "log_start", "next")

    def __init__(self, offset: int) -> None:
        self.base = offset
        self.next = offset
        self.log_start = 0
        self.log_end = offset
        self._events: list[Event | None] = []
        self._offsets: list[int] = []
        self._first = 0

    def append(self, events: Sequence[Event], *, next: int, log_end: int) -> None:
        self._events += events
        self._offsets += [event.offset for event in events]
        self.next = max(self.next, next)
        self.log_end = log_end

    def drop_first(self) -> None:
        self.base = self._offsets[self._first] + 1
        self._events[self._first] = None
        self._first += 1
        if self._first >= _COMPACT_AT and 2 * self._first >= len(self._events):
            del self._events[: self._first]
            del self._offsets[: self._first]
            self._first = 0

    def take(self, offset: int, *, upto: int | None, limit: int, max_bytes: int) -> tuple[list[Event], int]:
        """The events from `offset` on within these bounds, and the offset behind them and the holes that follow."""
        begin = bisect_left(self._offsets, offset, lo=self._first)
        end = len(self._offsets) if upto is None else bisect_left(self._offsets, upto, lo=begin)
        taken: list[Event] = []
        for event in self._events[begin : min(end, begin + limit)]:
            assert event is not None, "what was dropped lies before `first`"
            taken.append(event)
            max_bytes -= weight(event)
            if max_bytes <= 0:
                break
        if begin + len(taken) < end:
            return taken, taken[-1].offset + 1
        return taken, self.next if upto is None else max(min(self.next, upto), offset)
