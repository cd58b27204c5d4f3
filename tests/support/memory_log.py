"""A Kafka cluster in a few lists, for tests of whatever leans on the log."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from uuid import NAMESPACE_DNS, uuid5

from tests.support.manual_clock import ManualClock
from tivo.client.cluster import Extent, TopicInfo
from tivo.client.fetcher import Place
from tivo.client.live_consumer import Arrived, OutOfRange
from tivo.client.producer import NewRecord, Produced
from tivo.model.errors import BrokerError, RecordError, UnknownTopic
from tivo.model.event import Event, Lost, Page
from tivo.model.record import Record, to_event
from tivo.model.timeline import to_kafka_ms
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef
from tivo.store.base import Store

MAX_VALUE = 2**20


@dataclass(slots=True)
class _Topic:
    info: TopicInfo
    logs: dict[int, list[Event]]
    starts: dict[int, int] = field(default_factory=dict)
    spoilt: set[tuple[int, int]] = field(default_factory=set)

    def given(self, events: Sequence[Event]) -> tuple[list[Event], list[Lost]]:
        """Some events as a reader gets them."""
        spoilt = [each for each in events if (each.partition, each.offset) in self.spoilt]
        lost = [Lost(each.partition, each.offset, each.offset + 1, "quarantine") for each in spoilt]
        return [each for each in events if each not in spoilt], lost


class MemoryLog:
    """Cluster, producer and log reader in one. `away` makes every question fail as a broker that is gone."""

    def __init__(self, now: ManualClock) -> None:
        self.away = False
        self._now = now
        self._topics: dict[str, _Topic] = {}
        self._made = 0
        self.changed = asyncio.Event()

    # ---------------------------------------------------------------- the cluster

    async def topics(self) -> dict[str, TopicInfo]:
        self._check()
        return {name: topic.info for name, topic in self._topics.items()}

    async def topic_ids(self, names: Collection[str]) -> dict[str, bytes]:
        self._check()
        return {name: self._topics[name].info.topic_id for name in names if name in self._topics}

    async def extents(self, topics: Collection[str]) -> dict[str, Extent]:
        self._check()
        held = {name: self._topics[name] for name in topics if name in self._topics}
        return {
            name: Extent(
                topic.info.topic_id,
                starts={partition: topic.starts.get(partition, 0) for partition in topic.logs},
                ends={partition: len(log) for partition, log in topic.logs.items()},
            )
            for name, topic in held.items()
        }

    async def log_starts(self, topic: str) -> dict[int, int]:
        found = self._find(topic)
        return {partition: found.starts.get(partition, 0) for partition in found.logs}

    async def log_ends(self, topic: str) -> dict[int, int]:
        return {partition: len(log) for partition, log in self._find(topic).logs.items()}

    async def create_topic(self, name: str, *, partitions: int = 1, settings: Mapping[str, str] | None = None) -> None:
        self._check()
        self.make(name, partitions=partitions)

    async def delete_topic(self, name: str) -> None:
        self._find(name)
        del self._topics[name]

    def make(self, name: str, *, partitions: int = 1) -> TopicRef:
        """Make a topic, or add partitions to one that stands."""
        known = self._topics.get(name)
        if known is None:
            self._made += 1
        topic_id = known.info.topic_id if known else uuid5(NAMESPACE_DNS, f"{name}/{self._made}").bytes
        numbers = tuple(range(partitions))
        info = TopicInfo(name=name, topic_id=topic_id, partitions=numbers, internal=name.startswith("__"))
        logs = {number: known.logs.get(number, []) if known else [] for number in numbers}
        self._topics[name] = _Topic(info, logs) if known is None else _Topic(info, logs, known.starts, known.spoilt)
        return TopicRef(name, topic_id, numbers)

    # ---------------------------------------------------------------- records in

    async def send(self, topic: str, records: Sequence[NewRecord], *, acks: int = -1) -> list[Produced | RecordError]:
        self._find(topic)
        return [self.append(topic, record) for record in records]

    def append(self, topic: str, record: NewRecord) -> Produced | RecordError:
        if record.value is not None and len(record.value) > MAX_VALUE:
            return RecordError(f"the value has {len(record.value)} bytes, {MAX_VALUE} are allowed")
        partition = record.partition or 0
        log = self._topics[topic].logs.get(partition)
        if log is None:
            return RecordError(f"{topic} has no partition {partition}")
        time_us = self._now.wall_us if record.time_us is None else record.time_us
        read = Record(topic, partition, len(log), to_kafka_ms(time_us), record.key, record.value, record.headers)
        log.append(to_event(read, received_us=self._now.wall_us))
        self.changed.set()
        return Produced(partition=partition, offset=len(log) - 1, time_us=time_us)

    def fill(self, topic: str, count: int, *, partition: int = 0, start_us: int = 0, every_us: int = 1_000) -> None:
        """Append records `0`, `1`, … at even times."""
        for number in range(count):
            time_us = start_us + number * every_us
            self.append(topic, NewRecord(value=b"%d" % number, partition=partition, time_us=time_us))

    def trim(self, topic: str, partition: int, start: int) -> None:
        self._topics[topic].starts[partition] = start

    def spoil(self, topic: str, partition: int, offset: int) -> None:
        """No reader can decode what stands there, or will."""
        self._topics[topic].spoilt.add((partition, offset))

    async def store_all(self, topic: str, store: Store) -> None:
        """Bring a store up to the log ends, as the agent does."""
        found = self._topics[topic]
        frontier = await store.frontier(found.info.topic_id)
        for partition, log in found.logs.items():
            base = frontier.get(partition, 0)
            if base < len(log):
                page = Page(
                    topic=topic,
                    topic_id=found.info.topic_id,
                    partition=partition,
                    base=base,
                    next=len(log),
                    events=tuple(log[base:]),
                )
                await store.write(page)

    # ---------------------------------------------------------------- records out

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int) -> list[TailSlice]:
        found = self._find(topic.name)
        if found.info.topic_id != topic.topic_id:
            raise UnknownTopic(topic.name)
        slices, left = list[TailSlice](), max_bytes
        for place in places:
            slices.append(_slice(place, found, found.starts.get(place.partition, 0), left, is_first=left == max_bytes))
            left -= _size(slices[-1].events)
        return slices

    def log(self, topic: str, partition: int) -> list[Event]:
        """A partition's events."""
        return self._topics[topic].logs[partition]

    def standing(self, place: Place) -> list[Event] | None:
        """The events of a place; None where its topic is gone, or another one has its name."""
        found = self._topics.get(place.topic)
        return None if found is None or found.info.topic_id != place.topic_id else found.logs.get(place.partition)

    def arrived(self, place: Place, position: int) -> Arrived:
        """What a place has from a position on."""
        found = self._topics[place.topic]
        log = found.logs[place.partition]
        events, lost = found.given(log[position:])
        return Arrived(place, events, len(log), len(log), lost)

    def start(self, topic: str, partition: int) -> int:
        return self._topics[topic].starts.get(partition, 0)

    def _find(self, topic: str) -> _Topic:
        self._check()
        if topic not in self._topics:
            raise UnknownTopic(topic)
        return self._topics[topic]

    def _check(self) -> None:
        if self.away:
            raise BrokerError("no broker answers")


class MemoryLive:
    """The live edge of a MemoryLog."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._positions: dict[Place, int] = {}

    async def start(self) -> None:
        await self._log.topics()

    async def stop(self) -> None:
        self._positions = {}

    def assign(self, positions: Mapping[Place, int]) -> None:
        self._positions = dict(positions)
        self._log.changed.set()

    @property
    def assigned(self) -> set[tuple[str, int]]:
        return {(place.topic, place.partition) for place in self._positions}

    async def take(self) -> list[Arrived]:
        while not (arrived := self._arrived()):
            self._log.changed.clear()
            await self._log.changed.wait()
        return arrived

    def _arrived(self) -> list[Arrived]:
        arrived = []
        for place, position in self._positions.items():
            log = self._log.standing(place)
            if log is None:
                continue
            if not self._log.start(place.topic, place.partition) <= position <= len(log):
                raise OutOfRange({place: position})
            if position < len(log):
                self._positions[place] = len(log)
                arrived.append(self._log.arrived(place, position))
        return arrived


def _size(events: Sequence[Event]) -> int:
    return sum(len(event.value or b"") for event in events)


def _slice(place: TailPlace, topic: _Topic, start: int, room: int, *, is_first: bool) -> TailSlice:
    """What a place holds, as far as there is room: of the first that holds anything one event at least."""
    log = topic.logs[place.partition]
    base = start if place.offset is None else place.offset
    if not start <= base <= len(log):
        return TailSlice(place.partition, base, base, start, len(log), (), truncated=base > len(log))
    end = min(len(log), base + place.limit, len(log) if place.upto is None else max(place.upto, base))
    sizes = accumulate(_size([event]) for event in log[base:end])
    end = min(end, base + max(sum(size <= room for size in sizes), 1 if is_first else 0))
    events, lost = topic.given(log[base:end])
    return TailSlice(place.partition, base, end, start, len(log), events, lost=lost)
