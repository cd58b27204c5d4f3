"""A world in virtual time: logs that are trimmed and made anew, producers, an agent that lags, a store that pages.

Everything is decided by one seeded generator, so a seed is a history.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from tivo.model.event import Cursor, Event, Frontier, Lost, ValueKind
from tivo.model.timeline import Now, Window
from tivo.playback.effects import ReadNear
from tivo.playback.facts import Scanned, TailSlice, TopicRef
from tivo.playback.merge import behind, order_key

EPOCH_US = 1_700_000_000_000_000
"""Wall time at which every world begins; its steady time is then 0."""


class Timeline:
    """Virtual time: what is to happen, in order."""

    def __init__(self) -> None:
        self.steady_us = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def now(self) -> Now:
        return Now(EPOCH_US + self.steady_us, self.steady_us)

    def at(self, steady_us: int, act: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._heap, (max(steady_us, self.steady_us), self._count, act))

    def after(self, span_us: int, act: Callable[[], None]) -> None:
        self.at(self.steady_us + span_us, act)

    def run(self, until_us: int, most: int = 60_000) -> None:
        """Let happen what is to happen until then."""
        heap = self._heap
        for _ in range(most):
            if not heap or heap[0][0] > until_us:
                self.steady_us = max(self.steady_us, until_us)
                return
            self.steady_us, _, act = heappop(heap)
            act()
        raise AssertionError(f"more than {most} things happened: the session never rests")


@dataclass
class Partition:
    """One partition: its log, and what a store holds of it."""

    start: int = 0
    end: int = 0
    events: list[Event] = field(default_factory=list)
    stored: int | None = None

    def slice(self, offset: int, upto: int, limit: int) -> list[Event]:
        first = bisect_left(self.events, offset, key=_offset)
        return self.events[first : min(first + limit, bisect_left(self.events, upto, key=_offset))]


def _offset(event: Event) -> int:
    return event.offset


def _set_aside(event: Event) -> Lost:
    return Lost(event.partition, event.offset, event.offset + 1, "quarantine")


@dataclass
class Topic:
    """A topic as it stands, with everything that the store holds of it, in playback order."""

    ref: TopicRef
    partitions: dict[int, Partition]
    stored: list[Event] = field(default_factory=list)
    ever: list[Event] = field(default_factory=list)
    stored_us: dict[tuple[int, int], int] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)


class World:
    """Topics, a store and an agent."""

    def __init__(self, random: Random, timeline: Timeline) -> None:
        self.random = random
        self.timeline = timeline
        self.topics: dict[str, Topic] = {}
        self.ever: dict[bytes, Topic] = {}
        self.ring_length = random.choice([0, 2, 5, 20, 1000])
        self.agent_up = True
        self.changed: list[Callable[[], None]] = []
        self.troubled = False
        self.sets_aside = False
        self.trimmed = False
        self._made = 0

    @property
    def catalogue(self) -> dict[str, TopicRef]:
        return {name: topic.ref for name, topic in self.topics.items()}

    def _tell(self) -> None:
        waiting, self.changed = self.changed, []
        for act in waiting:
            act()

    # ------------------------------------------------------------ topics and records

    def make(self, name: str, partitions: int) -> Topic:
        self._made += 1
        ref = TopicRef(name, self._made.to_bytes(16), tuple(range(partitions)))
        topic = Topic(ref, {p: Partition() for p in range(partitions)})
        self.topics[name] = topic
        self.ever[ref.topic_id] = topic
        return topic

    def grow(self, name: str) -> None:
        topic = self.topics[name]
        count = len(topic.partitions)
        topic.partitions[count] = Partition()
        topic.ref = topic.ref._replace(partitions=tuple(range(count + 1)))

    def produce(self, name: str, partition: int, time_us: int) -> None:
        log = self.topics[name].partitions[partition]
        # A natural hole now and then: compaction, a transaction marker.
        if self.random.random() < 0.05:
            log.end += self.random.randint(1, 3)
        key, wall_us = b"k%d" % (log.end % 3), self.timeline.now.wall_us
        event = Event(time_us, name, partition, log.end, key, b"1", (), wall_us, ValueKind.JSON)
        log.events.append(event)
        self.topics[name].ever.append(event)
        log.end += 1
        if self.changed:
            self._tell()

    def trim(self, name: str) -> None:
        """Retention, a piece of it: only of partitions that the store knows."""
        topic = self.topics[name]
        self.trimmed = True
        for log in topic.partitions.values():
            if log.stored is None or not self.random.getrandbits(1):
                continue
            start = self.random.randint(log.start, log.end)
            log.start = start
            log.events = log.slice(start, log.end, 1 << 30)
        self._tell()

    # ------------------------------------------------------------ the agent and the store

    def persist(self, most: int) -> None:
        """The agent moves on: some records of some partitions come to rest."""
        for topic in self.topics.values():
            for log in topic.partitions.values():
                if self.random.random() < 0.8:
                    self._store(topic, log, most)

    def _store(self, topic: Topic, log: Partition, most: int) -> None:
        number = next(number for number, other in topic.partitions.items() if other is log)
        place = max(log.stored or 0, log.start)
        if log.stored is not None and log.stored < place:
            topic.lost.append(Lost(number, log.stored, place, "retention"))
        events = log.slice(place, log.end, most)
        for event in events:
            if self._is_set_aside(event):
                topic.lost.append(_set_aside(event))
                continue
            insort(topic.stored, event)
            topic.stored_us[event.partition, event.offset] = self.timeline.now.wall_us
        if len(events) == most:
            log.stored = events[-1].offset + 1
        elif events or log.stored is not None:
            log.stored = max(log.end, log.stored or 0)

    def _is_set_aside(self, event: Event) -> bool:
        """What the agent cannot store the gateway cannot read either."""
        return self.sets_aside and event.offset % 7 == 3

    def frontier(self, topic_id: bytes) -> dict[int, int]:
        topic = self.ever[topic_id]
        return {number: log.stored for number, log in topic.partitions.items() if log.stored is not None}

    def lost(self, topic_id: bytes, above: Frontier, upto: Frontier) -> list[Lost]:
        """`Store.lost`. Nothing is known here of the times, so any of it may have lain in any window."""
        return [
            lost
            for lost in self.ever[topic_id].lost
            if lost.next > above.get(lost.partition, 0) and lost.base < upto.get(lost.partition, 0)
        ]

    def read(
        self,
        topic_id: bytes,
        window: Window,
        above: dict[int, int],
        upto: dict[int, int],
        after: Cursor | None,
        until: Cursor | None,
        limit: int,
    ) -> list[Event]:
        """`Store.read`."""
        stored = self.ever[topic_id].stored
        first = 0 if window.start_us is None else bisect_left(stored, behind(window.start_us - 1), key=order_key)
        if after is not None:
            first = max(first, bisect_right(stored, after, key=order_key))
        found: list[Event] = []
        for event in stored[first:]:
            if until is not None and order_key(event) > until:
                break
            if window.end_us is not None and event.time_us >= window.end_us:
                break
            if above.get(event.partition, 0) <= event.offset < upto.get(event.partition, 0):
                found.append(event)
                if len(found) == limit:
                    break
        return found

    def near(self, wanted: ReadNear) -> tuple[list[Event], Frontier]:
        """What lies to one side of a place, nearest first, and what was looked at. No log that was looked at before."""
        ref, scanned = wanted.topic, wanted.scanned
        held: list[Event] = []
        if scanned is None:
            held, scanned = self._scan(ref, None, 1 << 30)
        stored = self.ever[ref.topic_id].stored
        held += [event for event in stored if event.offset < scanned.stored.get(event.partition, 0)]
        return _beside(held, wanted), scanned.read

    def scan(self, wanted: ReadNear, most: int) -> tuple[list[Event], Scanned]:
        """Of each partition so many offsets that the log holds beyond the store, and what is left after that."""
        held, scanned = self._scan(wanted.topic, wanted.scanned, most)
        return _beside(held, wanted), scanned

    def _scan(self, ref: TopicRef, before: Scanned | None, most: int) -> tuple[list[Event], Scanned]:
        topic, frontier, ends = self.ever[ref.topic_id], self.frontier(ref.topic_id), self.ends(ref)
        stored, read, left = before or Scanned(frontier, frontier, ends)
        read, held = {**read}, list[Event]()
        for partition, end in left.items():
            base = max(read.get(partition, 0), topic.partitions[partition].start)
            read[partition] = max(min(end, base + most), base)
            held += topic.partitions[partition].slice(base, read[partition], 1 << 30)
        left = {partition: end for partition, end in left.items() if read[partition] < end}
        return [event for event in held if not self._is_set_aside(event)], Scanned(stored, read, left)

    def below(self, ref: TopicRef, until: Cursor, upto: Frontier) -> list[Event]:
        """What the store and the log hold at or before a place, of the offsets below these."""
        return [
            event
            for event in self.held(ref)
            if order_key(event) <= until and (not upto or event.offset < upto.get(event.partition, 0))
        ]

    def held(self, ref: TopicRef) -> list[Event]:
        """Everything that the store and the log hold."""
        found, scanned = self._scan(ref, None, 1 << 30)
        return [e for e in self.ever[ref.topic_id].stored if e.offset < scanned.stored.get(e.partition, 0)] + found

    # ------------------------------------------------------------ the tail

    def ends(self, ref: TopicRef) -> dict[int, int]:
        return {number: log.end for number, log in self.ever[ref.topic_id].partitions.items()}

    def tail(self, ref: TopicRef, partition: int, offset: int | None, upto: int | None, limit: int) -> TailSlice:
        log = self.ever[ref.topic_id].partitions[partition]
        base = log.start if offset is None else offset
        end = log.end if upto is None else min(upto, log.end)
        if base < log.start or base >= end:
            return TailSlice(partition, base, base, log.start, log.end, ())
        events = log.slice(base, end, limit)
        moved = events[-1].offset + 1 if len(events) == limit else end
        given = [event for event in events if not self._is_set_aside(event)]
        lost = [_set_aside(event) for event in events if self._is_set_aside(event)]
        return TailSlice(partition, base, moved, log.start, log.end, given, lost=lost)

    def in_ring(self, ref: TopicRef, partition: int, offset: int | None) -> bool:
        log = self.ever[ref.topic_id].partitions[partition]
        return (offset or 0) >= log.end - self.ring_length


def _beside(events: list[Event], wanted: ReadNear) -> list[Event]:
    """Those of some events that are wanted, nearest first."""
    found = [
        event
        for event in events
        if event.time_us in wanted.window
        and (order_key(event) < wanted.beside if wanted.reverse else order_key(event) > wanted.beside)
    ]
    return sorted(found, reverse=wanted.reverse)
