"""The consumer of the Faust app: whole pages in, the store's frontier as the only position.

Faust is the courier: membership of the group, rebalances, the life of the agents. The book-keeper
is the store: the position of a partition is the frontier of its topic id, read when the partition
is placed; to Kafka only what the store holds is committed, for others to see the lag. Topics are
declared with acks off, so Faust's own acknowledgements stand aside.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, AppT
from faust.types.transports import ConsumerCallback, ConsumerT, TPorTopicSet, TransportT
from yarl import URL

from streams.driver import PageThread, commit
from streams.models import FetchedPage
from streams.places import Begin, Places, Stop, decide
from streams.suspects import Suspects
from tivo import metrics
from tivo.client.cluster import Cluster
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.timeline import Now
from tivo.store.base import Store

log = logging.getLogger(__name__)

AGAIN_S = 0.2
"""Pause before a partition that could not be placed is tried again."""
SETTLING_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the consumer works with. `until_there` runs something that asks the store, for as long as it is away."""

    places: Places
    cluster: Cluster
    store: Store
    until_there: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
    now: Callable[[], Now]
    topics: str
    page_events: int
    page_bytes: int
    fetch_records: int
    linger_s: float


class PageConsumer(Consumer):
    """Delivers one FetchedPage per Faust event, places partitions, and commits frontiers."""

    _thread: PageThread

    def __init__(self, transport: TransportT, *, intake: Intake, **kwargs: Any) -> None:
        super().__init__(transport, **kwargs)
        self._intake = intake
        self._last_fetch = 0
        self._gaps_told: set[tuple[TP, Begin]] = set()
        self._suspects = Suspects(first_step=intake.page_events, enough=intake.fetch_records)

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return PageThread(self, loop=self.loop, beacon=self.beacon)

    # ------------------------------------------------------------ which partitions

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to whatever the pattern finds, now and later; what the conductor knows of topics does not count."""
        await super().subscribe([self._intake.topics])

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._intake.places.assign(())
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        names = sorted({partition.topic for partition in assigned})
        for topic in self.app.topics:
            topic.topics = names  # the conductor delivers by these
        self._intake.places.assign(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Nothing yet: the fetch loop places every partition before it fetches."""
        self._intake.places.rewind_all()
        return {}

    # ------------------------------------------------------------ pages in

    async def _getmany(  # the driver's hook
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 - its signature
    ) -> dict[TP, list[FetchedPage]]:
        places = self._intake.places
        if self.app.rebalancing:
            await self.sleep(SETTLING_S)
            return {}
        await self._place()
        wanted = places.wanted(active_partitions or ())
        if not wanted:
            await self.sleep(AGAIN_S)
            return {}
        await self._linger()
        records = await self._fetch(wanted, timeout)
        now = self._intake.now()
        if not records or not await self._verified(records):
            return {}
        self._last_fetch = max(map(len, records.values()))
        return {
            partition: places.cut(
                partition, found, most_events=self._intake.page_events, most_bytes=self._intake.page_bytes, now=now
            )
            for partition, found in records.items()
        }

    async def _fetch(self, wanted: set[TP], within_s: float) -> Mapping[TP, list[Any]]:
        """One fetch, of one partition alone while any is under suspicion that it cannot be read."""
        suspect = self._suspects.next(wanted)
        partitions, most = (wanted, self._intake.fetch_records) if suspect is None else ({suspect[0]}, suspect[1])
        try:
            records: Mapping[TP, list[Any]] = await self._thread.getmany(partitions, within_s, most)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - a record may be broken in as many ways as there are codecs
            self._fetch_failed(partitions, None if suspect is None else suspect[0], error)
            return {}
        if suspect is not None:
            self._suspects.read(suspect[0], len(records.get(suspect[0], ())))
        return records

    def _fetch_failed(self, partitions: set[TP], suspect: TP | None, error: Exception) -> None:
        if suspect is None:
            log.error("a fetch failed, every partition starts again at its frontier: %r", error)
            self._suspects.accuse(partitions)
            self._rewind_all("fetch failed")
        elif self._suspects.failed(suspect) and not self._intake.places.is_behind({suspect}):
            topic_id = self._intake.places.id_of(suspect)
            if topic_id is not None:
                self._suspects.clear(suspect)
                self._stop(suspect, topic_id, f"what follows its frontier cannot be read: {error!r}")

    async def _linger(self) -> None:
        """Under load, that is while earlier pages are not stored yet, let a small page fill."""
        if self._intake.linger_s and self._last_fetch < self._intake.page_events and self._intake.places.is_behind():
            await self.sleep(self._intake.linger_s)

    async def _verified(self, records: Mapping[TP, list[Any]]) -> bool:
        """Whether these records are of the topics that their partitions were placed in.

        A topic may have been made anew, and filled, since. Asked after the fetch, the topic ids
        settle it: an id never comes back.
        """
        try:
            self._intake.places.topics_seen(
                await self._intake.cluster.topic_ids({partition.topic for partition in records})
            )
            for partition, found in records.items():
                await self._note_gap(partition, found[0].offset)
        except (BrokerError, UnknownTopic) as error:
            log.warning("fetched records cannot be verified, they are fetched again: %s", error)
            self._rewind_all("unverified")
            return False
        return True

    async def _note_gap(self, partition: TP, first: int) -> None:
        """Tell what the log lost before it was fetched from natural holes (compaction, transactions)."""
        expected = self._intake.places.expected(partition)
        if expected is None or first <= expected:
            return
        log_start = (await self._intake.cluster.log_starts(partition.topic)).get(partition.partition, 0)
        if log_start > expected:
            self._tell_gap(partition, Begin(min(log_start, first), expected))

    # ------------------------------------------------------------ places

    async def _place(self) -> None:
        """Place what is unplaced, as far as the cluster knows of it."""
        by_topic: dict[str, list[TP]] = {}
        for partition in self._intake.places.unplaced:
            by_topic.setdefault(partition.topic, []).append(partition)
        if by_topic:
            await asyncio.gather(*(self._try_to_place(topic, partitions) for topic, partitions in by_topic.items()))

    async def _try_to_place(self, topic: str, partitions: list[TP]) -> None:
        try:
            await self._place_topic(topic, partitions)
        except (BrokerError, UnknownTopic, KafkaError, TimeoutError) as error:
            log.warning("%s cannot be placed yet: %s", topic, error)
            await self.sleep(AGAIN_S)

    async def _place_topic(self, topic: str, partitions: list[TP]) -> None:
        intake, places = self._intake, self._intake.places
        assignment = places.assignments
        topic_id = (await intake.cluster.topic_ids((topic,))).get(topic)
        if topic_id is None:
            raise UnknownTopic(topic)
        if places.is_retired(topic_id):
            return
        frontier = await intake.until_there(lambda: intake.store.frontier(topic_id))
        starts, ends = await intake.cluster.log_starts(topic), await intake.cluster.log_ends(topic)
        for partition in partitions:
            number = partition.partition
            if number not in starts or number not in ends or places.assignments != assignment:
                continue
            told = decide(
                frontier=frontier.get(number),
                log_start=starts[number],
                log_end=ends[number],
                stopped=places.stop_reason(partition, topic_id),
            )
            if isinstance(told, Stop):
                self._stop(partition, topic_id, told.reason)
            else:
                await self._put(partition, topic_id, told)

    async def _put(self, partition: TP, topic_id: bytes, begin: Begin) -> None:
        places = self._intake.places
        assignment = places.assignments
        await self.seek_wait({partition: begin.position})
        if places.assignments != assignment:
            return  # what was sought is not what is assigned now
        if begin.gap:
            self._tell_gap(partition, begin)
        places.put(partition, topic_id, begin, now_us=self._intake.now().steady_us)

    def _stop(self, partition: TP, topic_id: bytes, reason: str) -> None:
        log.error("%s/%d is stopped: %s", partition.topic, partition.partition, reason)
        self._intake.places.stop(partition, topic_id, reason)

    def _tell_gap(self, partition: TP, begin: Begin) -> None:
        if (partition, begin) in self._gaps_told:
            return
        self._gaps_told.add((partition, begin))
        log.error(
            "%s/%d: the log begins at offset %d, offsets from %d on were never stored and are lost",
            partition.topic,
            partition.partition,
            begin.position,
            begin.base,
        )
        metrics.AGENT_GAP_OFFSETS.labels(partition.topic, partition.partition).inc(begin.gap)

    def _rewind_all(self, reason: str) -> None:
        self._intake.places.rewind_all()
        metrics.AGENT_REWINDS.labels(reason).inc()

    # ------------------------------------------------------------ frontier out

    async def force_commit(self, topics: TPorTopicSet | None = None, start_new_transaction: bool = True) -> bool:
        """Tell Kafka the frontiers that have moved."""
        offsets = self._intake.places.to_commit()
        if not offsets:
            return False
        thread = self._thread
        if not await thread.call_thread(commit, thread._ensure_consumer(), offsets):
            return False
        self._intake.places.committed(offsets)
        return True

    async def on_task_error(self, exc: BaseException) -> None:
        """An agent failed with pages in its hands: all of it comes again."""
        log.error("an agent failed, every partition starts again at its frontier: %r", exc)
        self._rewind_all("agent failed")

    def highwater(self, tp: TP) -> int:
        """The end of a partition's log as the last fetch told; -1 where none has, or while it is being revoked."""
        try:
            end: int | None = super().highwater(tp)
        except AssertionError:
            return -1
        return -1 if end is None else end

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Nothing: with every partition paused Faust sleeps for 1 s. `_getmany` waits while the group settles."""

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: a full queue makes the fetch loop wait. Faust would leave the partition out and sleep for 1 s."""


class PageTransport(Transport):
    """Makes the page consumer, with what it works with."""

    def __init__(self, url: list[URL], app: AppT, intake: Intake) -> None:
        super().__init__(url, app)
        self._intake = intake

    def create_consumer(self, callback: ConsumerCallback, **kwargs: Any) -> ConsumerT:
        return PageConsumer(self, intake=self._intake, callback=callback, loop=self.loop, **kwargs)
