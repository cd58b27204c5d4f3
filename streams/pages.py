"""The consumer of the Faust app: whole pages in, the store's frontier as the only position.

Faust is the courier: membership of the group, rebalances, the life of the agents. The book-keeper
is the store: the position of a partition is the frontier of its topic id, read when the partition
is placed; to Kafka only what the store holds is committed, for others to see the lag. Topics are
declared with acks off, so Faust's own acknowledgements stand aside. What is done between is `Intake`.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, AppT
from faust.types.transports import ConsumerCallback, ConsumerT, TPorTopicSet, TransportT
from yarl import URL

from streams.driver import Fetched, PageThread, commit
from streams.intake import AGAIN_S, Intake
from streams.models import FetchedPage
from tivo import metrics

log = logging.getLogger(__name__)

SETTLING_S = 0.02


class PageConsumer(Consumer):
    """Delivers one FetchedPage per Faust event, places partitions, and commits frontiers."""

    _thread: PageThread

    def __init__(self, transport: TransportT, *, intake: Intake, topics: str, **kwargs: Any) -> None:
        super().__init__(transport, **kwargs)
        self._intake = intake
        self._topics = topics

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return PageThread(self, loop=self.loop, beacon=self.beacon)

    # ------------------------------------------------------------ which partitions

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to whatever the pattern finds, now and later; what the conductor knows of topics does not count."""
        await super().subscribe([self._topics])

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
        if self.app.rebalancing:
            await self.sleep(SETTLING_S)
            return {}
        return await self._intake.take(self, active_partitions or (), timeout)

    async def fetch(self, partitions: set[TP], within_s: float, most: int) -> Fetched:
        """What has come of some partitions, as soon as there is anything."""
        try:
            return await self._thread.getmany(partitions, within_s, most)
        except KafkaError as error:
            log.warning("nothing can be fetched for now: %r", error)
            await self.sleep(AGAIN_S)
            return Fetched({}, {})

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
        self._intake.places.rewind_all()
        metrics.AGENT_REWINDS.labels("agent failed").inc()

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

    def __init__(self, url: list[URL], app: AppT, intake: Intake, *, topics: str) -> None:
        super().__init__(url, app)
        self._intake = intake
        self._topics = topics

    def create_consumer(self, callback: ConsumerCallback, **kwargs: Any) -> ConsumerT:
        return PageConsumer(self, intake=self._intake, topics=self._topics, callback=callback, loop=self.loop, **kwargs)
