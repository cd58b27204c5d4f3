"""aiokafka's consumer as pages need it, and the hooks of Faust's driver by which it is put in place.

Some of these hooks have underscores. So the versions are pinned, and `check_driver` looks at the
hooks when the worker starts.
"""

import asyncio
import inspect
import logging
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport, server_list
from faust.types import TP

log = logging.getLogger(__name__)

PINNED = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

COMMIT_S = 2.0
FETCH_WAIT_MS = 250
NEW_TOPICS_MS = 500


class PageThread(AIOKafkaConsumerThread):
    """The thread in which aiokafka's consumer lives, made as pages need it.

    It subscribes by pattern, which Faust's does not: aiokafka then lists all topics itself, joins
    the group anew when the set changes, waits where there is none, and never names a topic in a
    Metadata request, which would make one again that was just deleted.
    """

    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        conf = self.app.conf
        return AIOKafkaConsumer(
            bootstrap_servers=server_list(transport.url, transport.default_port),
            client_id=conf.broker_client_id,
            group_id=conf.id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            # A Metadata request waits behind the fetch that is parked on the same connection, so both of these
            # are what a new topic waits for. Faust has 1,500 ms and 5 min.
            fetch_max_wait_ms=FETCH_WAIT_MS,
            metadata_max_age_ms=NEW_TOPICS_MS,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
        )

    async def getmany(  # type: ignore[override]  # the driver takes the number of records from its settings
        self, active_partitions: set[TP], within_s: float, most: int
    ) -> dict[TP, list[Any]]:
        """Records of these partitions, as soon as there are any."""
        found: dict[TP, list[Any]] = await self.call_thread(
            self._fetch_records, self._ensure_consumer(), active_partitions, timeout=within_s, max_records=most
        )
        return found

    async def subscribe(self, topics: Iterable[str]) -> None:
        (pattern,) = topics
        await self.call_thread(self._ensure_consumer().subscribe, pattern=pattern, listener=self._rebalance_listener)


async def commit(consumer: AIOKafkaConsumer, offsets: Mapping[TP, int]) -> bool:
    """Commit, in the driver's thread. It may fail, and may not take long: only lag is read from it.

    The driver would crash where the subscription has just changed, and retry for ever where a topic has gone.
    """
    try:
        async with asyncio.timeout(COMMIT_S):
            await consumer.commit({TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items()})
    except (KafkaError, TimeoutError) as error:
        log.info("Kafka was not told the frontiers: %r", error)
        return False
    return True


def check_driver() -> None:
    """Whether the driver is the one that this consumer was written against. Raises AssertionError."""
    for package, pinned in PINNED.items():
        assert version(package) == pinned, f"{package} is {version(package)}, the page consumer needs {pinned}"
    for method, parameters in (
        (Consumer._getmany, ["self", "active_partitions", "timeout"]),
        (Consumer.seek_to_committed, ["self"]),
        (Consumer._new_consumer_thread, ["self"]),
        (AIOKafkaConsumerThread._create_worker_consumer, ["self", "transport"]),
        (AIOKafkaConsumerThread._fetch_records, ["self", "consumer", "active_partitions", "timeout", "max_records"]),
        (AIOKafkaConsumerThread._ensure_consumer, ["self"]),
    ):
        found = list(inspect.signature(method).parameters)
        assert found == parameters, f"{method.__qualname__} takes {found}, the page consumer needs {parameters}"
