"""The newest events of a topic in memory, bounded in bytes, shared by everybody who tails it."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from typing import TypeAlias

from tivo.model.event import Event, Lost, lost_between
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice

EVENT_BYTES = 250
"""What an event weighs beside its key, value and headers; measured, rounded up. A loss is taken for as much."""

_COMPACT_AT = 1_024
"""Places of events that were dropped are given back so many at a time; the events themselves go at once."""


def weight(event: Event) -> int:
    """About how many bytes of memory an event takes."""
    size = EVENT_BYTES + len(event.key or b"") + len(event.value or b"")
    for name, value in event.headers:
        size += len(name) + len(value or b"") + 150
    return size


_Entry: TypeAlias = Event | Lost


class Ring:
    """Per partition everything from `base` to `next`; the oldest events go first, whatever their partition.

    What cannot be given stands among them in its turn, and goes as they do.
    """

    def __init__(self, *, starts: dict[int, int], max_bytes: int) -> None:
        """It begins empty, at the offset in `starts` of every partition."""
        self._runs = {partition: _Run(offset) for partition, offset in starts.items()}
        self._arrivals: deque[int] = deque()  # the partition of every entry, oldest first
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

    def append(
        self, partition: int, events: Sequence[Event], *, next: int, log_end: int, lost: Sequence[Lost] = ()
    ) -> None:
        """Take what lies from the partition's position up to `next`: these events by offset, losses, and holes."""
        run = self._runs[partition]
        entries: Sequence[_Entry] = events
        if lost:
            entries = sorted([*events, *lost], key=_begin)
        sizes = [EVENT_BYTES if isinstance(entry, Lost) else weight(entry) for entry in entries]
        self._arrivals.extend(repeat(partition, len(sizes)))
        self._bytes += sum(sizes)
        run.append(entries, sizes, next=next, log_end=log_end)
        self.shrink(self._bytes - self._max_bytes)

    def shrink(self, size: int) -> int:
        """Drop the oldest events, at least `size` bytes of them where there are so many. How many bytes that were."""
        before = self._bytes
        while before - self._bytes < size and self._arrivals:
            self._bytes -= self._runs[self._arrivals.popleft()].drop_first()
        return before - self._bytes

    def add(self, partition: int) -> None:
        """A partition that has just been made, from its first offset on."""
        self._runs.setdefault(partition, _Run(0))

    def restart(self, partition: int, offset: int) -> None:
        """Go on at another offset: what lies between is not here."""
        self._arrivals = deque(owner for owner in self._arrivals if owner != partition)
        self._bytes -= self._runs[partition].bytes
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
        """What lies from a place on that the ring reaches: about `max_bytes`, at least one event where there is one.

        A loss is bounded as if it were an event.
        """
        assert place.offset is not None, "only a place with an offset is reached"
        run = self._runs[place.partition]
        events, lost, next_offset = run.take(place.offset, upto=place.upto, limit=place.limit, max_bytes=max_bytes)
        return TailSlice(
            partition=place.partition,
            base=place.offset,
            next=next_offset,
            log_start=run.log_start,
            log_end=max(run.log_end, run.next),
            events=events,
            lost=lost_between(lost, place.offset, next_offset),
        )


def _begin(entry: _Entry) -> int:
    return entry.base if isinstance(entry, Lost) else entry.offset


def _end(entry: _Entry) -> int:
    return entry.next if isinstance(entry, Lost) else entry.offset + 1


class _Run:
    """One partition's part of the ring."""

    __slots__ = ("_entries", "_first", "_offsets", "_sizes", "base", "log_end", "log_start", "next")

    def __init__(self, offset: int) -> None:
        self.base = offset
        self.next = offset
        self.log_start = 0
        self.log_end = offset
        self._entries: list[_Entry | None] = []
        self._offsets: list[int] = []
        self._sizes: list[int] = []
        self._first = 0

    @property
    def bytes(self) -> int:
        return sum(self._sizes[self._first :])

    def append(self, entries: Sequence[_Entry], sizes: Sequence[int], *, next: int, log_end: int) -> None:
        self._entries += entries
        self._sizes += sizes
        self._offsets += map(_begin, entries)
        self.next = max(self.next, next)
        self.log_end = log_end

    def drop_first(self) -> int:
        """How many bytes that frees."""
        freed = self._sizes[self._first]
        dropped = self._entries[self._first]
        assert dropped is not None, "what was dropped lies before `first`"
        self.base = _end(dropped)
        self._entries[self._first] = None
        self._first += 1
        if self._first >= _COMPACT_AT and 2 * self._first >= len(self._entries):
            del self._entries[: self._first]
            del self._offsets[: self._first]
            del self._sizes[: self._first]
            self._first = 0
        return freed

    def take(self, offset: int, *, upto: int | None, limit: int, max_bytes: int) -> tuple[list[Event], list[Lost], int]:
        """What lies from `offset` on within these bounds, and the offset behind that and the holes that follow."""
        begin = self._first_of(offset)
        end = len(self._offsets) if upto is None else bisect_left(self._offsets, upto, lo=begin)
        read = begin
        for size in self._sizes[begin : min(end, begin + limit)]:
            read += 1
            max_bytes -= size
            if max_bytes <= 0:
                break
        entries = self._entries[begin:read]
        taken = [entry for entry in entries if isinstance(entry, Event)]
        lost = [entry for entry in entries if isinstance(entry, Lost)] if len(taken) < len(entries) else []
        if read < end:
            return taken, lost, self._offsets[read]
        return taken, lost, self.next if upto is None else max(min(self.next, upto), offset)

    def _first_of(self, offset: int) -> int:
        """Where the entry stands that an offset lies in or before."""
        at = bisect_left(self._offsets, offset, lo=self._first)
        before = self._entries[at - 1] if at > self._first else None
        return at - 1 if before is not None and _end(before) > offset else at
