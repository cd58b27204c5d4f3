"""aiokafka's consumer as pages need it, and the hooks of Faust's driver by which it is put in place.

Some of these hooks have underscores. So the versions are pinned, and `check_driver` looks at the
hooks when the worker starts.
"""

import asyncio
import inspect
import logging
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.drivers.aiokafka import (
    AIOKafkaConsumerThread,
    Consumer,
    Transport,
    credentials_to_aiokafka_auth,
    server_list,
)
from faust.types import TP

log = logging.getLogger(__name__)

PINNED = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

COMMIT_S = 2.0
FETCH_WAIT_MS = 250
NEW_TOPICS_MS = 500


class Fetched(NamedTuple):
    """Records of some partitions, and why those of others cannot be read: the driver stands before them."""

    records: dict[TP, list[Any]]
    unreadable: dict[TP, Exception]


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
            **credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
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
    ) -> Fetched:
        """Records of these partitions, as soon as there are any."""
        found: Fetched = await self.call_thread(
            self._as_soon_as_any, self._ensure_consumer(), active_partitions, within_s, most
        )
        return found

    async def _as_soon_as_any(
        self, consumer: AIOKafkaConsumer, partitions: set[TP], within_s: float, most: int
    ) -> Fetched:
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return Fetched({}, {})
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        refused: BaseException | None = None
        with fetcher._subscriptions.fetch_context():  # out of which nothing may be raised: it would not be left
            found = await _at_hand(fetcher, partitions, most)
            if not any(found):
                refused = await _arrival(fetcher, within_s)
                found = await _at_hand(fetcher, partitions, most)
        if refused is not None:
            raise refused
        return found

    async def subscribe(self, topics: Iterable[str]) -> None:
        (pattern,) = topics
        await self.call_thread(self._ensure_consumer().subscribe, pattern=pattern, listener=self._rebalance_listener)


async def _at_hand(fetcher: Fetcher, partitions: set[TP], most: int) -> Fetched:
    """What has come, of one partition at a time: where the driver raises, all that it has taken is lost.

    In the order in which it came, so that every partition has its turn.
    """
    found = Fetched({}, {})
    for partition in [tp for tp in fetcher._records if tp in partitions]:
        try:
            records = await fetcher.fetched_records({partition}, timeout=0, max_records=most)
        except Exception as error:  # noqa: BLE001 - a record may be broken in as many ways as there are codecs
            found.unreadable[partition] = error
            continue
        found.records.update(records)
        most -= sum(map(len, records.values()))
        if most == 0:
            break
    return found


async def _arrival(fetcher: Fetcher, within_s: float) -> BaseException | None:
    """Wait until something has come, or for so long; what the coordinator of the group has against it."""
    waiter = fetcher._create_fetch_waiter()
    arrived, _ = await asyncio.wait([waiter], timeout=within_s)
    if not arrived:
        waiter.cancel()
        return None
    refused: BaseException | None = waiter.exception()
    return refused


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
        (AIOKafkaConsumerThread._ensure_consumer, ["self"]),
        (credentials_to_aiokafka_auth, ["credentials", "ssl_context"]),
        (Fetcher.fetched_records, ["self", "partitions", "timeout", "max_records"]),
        (Fetcher._create_fetch_waiter, ["self"]),
    ):
        found = list(inspect.signature(method).parameters)
        assert found == parameters, f"{method.__qualname__} takes {found}, the page consumer needs {parameters}"
