"""The live edge of the log, for any number of readers over one consumer.

A topic that somebody tails has a ring of its newest events. A read is answered out of the ring
where that reaches back to the place asked for, else out of the log itself; a read that waits is
parked until its topic moves. Nothing is pushed at anybody: a slow reader simply asks later, and
what the ring has dropped by then is still in the log.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from tivo.client.fetcher import Place
from tivo.client.live_consumer import Arrived, OutOfRange
from tivo.client.ring import Ring, weight
from tivo.client.tailed import Tailed
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.timeline import SECOND_US, Now
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef

log = logging.getLogger(__name__)

RING_BYTES = 16 * 2**20
RINGS = 16
"""All rings together may be as large as so many full ones."""
IDLE_US = 30 * SECOND_US
"""A topic that nobody has tailed for so long is read no more."""
RETRY_SECONDS = 0.5


class TailAnswer(NamedTuple):
    """A slice per place that has anything to tell. `behind`: some events came out of the log, not the ring."""

    slices: list[TailSlice]
    behind: bool


class Live(Protocol):
    """What reads the partitions that are tailed, as `LiveConsumer` does."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, positions: Mapping[Place, int]) -> None: ...

    async def take(self) -> Sequence[Arrived]: ...


class Log(Protocol):
    """What reads the log at any offset, as `LogReader` does."""

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int) -> list[TailSlice]: ...


class Ends(Protocol):
    """What knows topics and where their logs start and end, as `Cluster` does."""

    async def topic_ids(self, names: Collection[str]) -> Mapping[str, bytes]: ...

    async def log_starts(self, topic: str) -> Mapping[int, int]: ...

    async def log_ends(self, topic: str) -> Mapping[int, int]: ...


class Tail:
    """Rings of the topics that are tailed. Its owner keeps `run` running in a task."""

    def __init__(
        self,
        *,
        live: Live,
        log: Log,
        ends: Ends,
        now: Callable[[], Now],
        ring_bytes: int = RING_BYTES,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._live = live
        self._log = log
        self._ends = ends
        self._now = now
        self._ring_bytes = ring_bytes
        self._all_rings_bytes = RINGS * ring_bytes
        self._retry_seconds = retry_seconds
        self._tailed: dict[str, Tailed] = {}
        self._wanted = asyncio.Event()
        self._running = False

    def open(self, topic: TopicRef) -> None:
        """Keep the ring of this topic filled from now on, until `close` was called as often."""
        self._take_up(topic).tails += 1

    def close(self, topic: TopicRef) -> None:
        """The counterpart of `open`."""
        tailed = self._tailed.get(topic.name)
        if tailed is not None and tailed.topic.topic_id == topic.topic_id:
            tailed.tails -= 1
            tailed.idle_from_us = self._now().steady_us

    def keep(self, topics: Mapping[str, TopicRef]) -> None:
        """The topics there are now: rings of others end, new partitions are tailed from their beginning."""
        for name, tailed in list(self._tailed.items()):
            current = topics.get(name)
            if current is None or current.topic_id != tailed.topic.topic_id:
                self._end(tailed)
            elif current.partitions != tailed.topic.partitions:
                tailed.topic = current
                if tailed.ring is not None:
                    for partition in current.partitions:
                        tailed.ring.add(partition)
                    self._tell_positions()

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int, wait: bool) -> TailAnswer:
        """What lies at these places; where `wait`, once one of them has anything new, and only those that have.

        Raises UnknownTopic where the topic was deleted or made anew, BrokerError where the log is away.
        """
        if not wait:
            return await self._read(topic, places, max_bytes)
        with self._tailing(topic) as tailed:
            while True:
                seen = tailed.changes
                moved = await self._moved(tailed, topic, places, max_bytes)
                if moved.slices:
                    return moved
                await tailed.changed_since(seen)

    async def run(self) -> None:
        """Fill the rings. Outlives a broker that goes away."""
        while True:
            try:
                await self._live.start()
                self._running = True
                self._tell_positions()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._join_wanted())
                    tasks.create_task(self._pump())
            except* BrokerError:
                pass  # told by whoever watches the broker; here there is only to try again
            finally:
                self._running = False
                await self._live.stop()
            await asyncio.sleep(self._retry_seconds)

    # ------------------------------------------------------------------ reading

    async def _moved(self, tailed: Tailed, topic: TopicRef, places: Sequence[TailPlace], max_bytes: int) -> TailAnswer:
        ring = await tailed.joined()
        if all(ring.reaches(place) for place in places):
            places = [place for place in places if ring.has_moved(place)]
        if not places:
            return TailAnswer([], behind=False)
        answer = await self._read(topic, places, max_bytes)
        news = [each for place, each in zip(places, answer.slices, strict=True) if _is_news(place, each)]
        return TailAnswer(news, answer.behind)

    async def _read(self, topic: TopicRef, places: Sequence[TailPlace], max_bytes: int) -> TailAnswer:
        read: dict[int, TailSlice] = {}
        left = max_bytes
        while far := self._far(topic, [place for place in places if place.partition not in read]):
            # By the time the log has answered, the ring may have dropped what it reached before.
            for each in await self._log.read(topic, far, max_bytes=max(left, 1)):
                read[each.partition] = each
                left -= _weight(each)
        behind = any(each.events for each in read.values())
        ring = self._ring(topic)
        for place in places:
            if place.partition not in read:
                assert ring is not None, "what no ring reaches was read from the log"
                read[place.partition] = ring.slice(place, max_bytes=left)
                left -= _weight(read[place.partition])
        return TailAnswer([read[place.partition] for place in places], behind)

    def _far(self, topic: TopicRef, places: Sequence[TailPlace]) -> list[TailPlace]:
        """Those of some places that the ring does not reach now."""
        ring = self._ring(topic)
        return [place for place in places if ring is None or not ring.reaches(place)]

    def _ring(self, topic: TopicRef) -> Ring | None:
        """The ring of this topic, where it has begun; it is read now."""
        tailed = self._tailed.get(topic.name)
        if tailed is None or tailed.topic.topic_id != topic.topic_id:
            return None
        tailed.read_us = self._now().steady_us
        return tailed.ring

    @contextmanager
    def _tailing(self, topic: TopicRef) -> Iterator[Tailed]:
        tailed = self._take_up(topic)
        tailed.tails += 1
        try:
            yield tailed
        finally:
            tailed.tails -= 1
            tailed.idle_from_us = self._now().steady_us

    def _take_up(self, topic: TopicRef) -> Tailed:
        tailed = self._tailed.get(topic.name)
        if tailed is not None and tailed.topic.topic_id != topic.topic_id:
            self._end(tailed)
            tailed = None
        if tailed is None:
            tailed = self._tailed[topic.name] = Tailed(topic)
            self._wanted.set()
        return tailed

    # ------------------------------------------------------------------ filling

    async def _join_wanted(self) -> None:
        """Give every topic that has none its ring, beginning at the log end of this moment."""
        while True:
            for tailed in [each for each in self._tailed.values() if each.ring is None]:
                await self._join(tailed)
            self._tell_positions()
            await self._wanted.wait()
            self._wanted.clear()

    async def _join(self, tailed: Tailed) -> None:
        name = tailed.topic.name
        try:
            ends = await self._ends.log_ends(name)
            current = (await self._ends.topic_ids([name])).get(name)
        except UnknownTopic:
            current = None
        if current != tailed.topic.topic_id:
            self._end(tailed)
            return
        starts = {partition: ends.get(partition, 0) for partition in tailed.topic.partitions}
        tailed.begin(Ring(starts=starts, max_bytes=self._ring_bytes))

    async def _pump(self) -> None:
        while True:
            try:
                arrivals = await self._live.take()
            except OutOfRange as error:
                for place, position in error.positions.items():
                    await self._restart(place, position)
                self._tell_positions()
                continue
            for arrived in arrivals:
                self._arrived(arrived)
            self._shrink()
            self._drop_idle()

    def _arrived(self, arrived: Arrived) -> None:
        tailed, partition = self._standing(arrived.place), arrived.place.partition
        if tailed is None or tailed.ring is None:
            return
        if arrived.next > tailed.ring.positions.get(partition, arrived.next):
            tailed.ring.append(partition, arrived.events, next=arrived.next, log_end=arrived.log_end, lost=arrived.lost)
            tailed.change()
            for lost in arrived.lost:
                log.warning("%s/%d cannot be read from offset %d to %d", arrived.place.topic, *lost[:3])

    async def _restart(self, place: Place, position: int) -> None:
        """The log was trimmed beyond a position, or ends before it: go on where there is something."""
        tailed, name, partition = self._standing(place), place.topic, place.partition
        if tailed is None or tailed.ring is None:
            return
        try:
            starts, ends = await self._ends.log_starts(name), await self._ends.log_ends(name)
            current = (await self._ends.topic_ids([name])).get(name)
        except UnknownTopic:
            current = None
        if current != tailed.topic.topic_id:
            self._end(tailed)
            return
        tailed.ring.restart(partition, min(max(position, starts.get(partition, 0)), ends.get(partition, 0)))
        tailed.change()

    def _standing(self, place: Place) -> Tailed | None:
        """What is tailed there, unless the topic was made anew since."""
        tailed = self._tailed.get(place.topic)
        return tailed if tailed is not None and tailed.topic.topic_id == place.topic_id else None

    def _shrink(self) -> None:
        """Hold all rings together to their bound: the one that was read longest ago gives first."""
        rings = [(each.read_us, each.ring) for each in self._tailed.values() if each.ring is not None]
        over = sum(ring.bytes for _, ring in rings) - self._all_rings_bytes
        if over > 0:
            for _, ring in sorted(rings, key=lambda each: each[0]):
                over -= ring.shrink(over)

    def _drop_idle(self) -> None:
        steady_us = self._now().steady_us
        idle = [each for each in self._tailed.values() if each.tails == 0]
        for tailed in idle:
            if steady_us - tailed.idle_from_us > IDLE_US:
                self._end(tailed)

    def _end(self, tailed: Tailed) -> None:
        if self._tailed.get(tailed.topic.name) is tailed:
            del self._tailed[tailed.topic.name]
            tailed.end()
            self._tell_positions()

    def _tell_positions(self) -> None:
        if self._running:
            self._live.assign(
                {
                    Place(each.topic.name, each.topic.topic_id, partition): at
                    for each in self._tailed.values()
                    if each.ring is not None
                    for partition, at in each.ring.positions.items()
                }
            )


def _weight(read: TailSlice) -> int:
    return sum(weight(event) for event in read.events)


def _is_news(place: TailPlace, read: TailSlice) -> bool:
    """Whether a place has moved, was trimmed or truncated, or its beginning was not known before."""
    return place.offset is None or read.next > place.offset or read.log_start > place.offset or read.truncated
