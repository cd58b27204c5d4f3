"""The live edge as aiokafka gives it: one consumer, no group, long polls, records as they are appended."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from tivo.client.log_reader import event_of
from tivo.model.errors import BrokerError
from tivo.model.event import Event
from tivo.model.timeline import Now

LONG_POLL_MS = 250
"""How long the broker holds an empty fetch. A new topic joins when the poll before it ends."""
MAX_PARTITION_BYTES = 2**20


class Arrived(NamedTuple):
    """Records that were appended to a partition: its position is `next` now, its last stable offset `log_end`."""

    topic: str
    partition: int
    events: Sequence[Event]
    next: int
    log_end: int


class OutOfRange(Exception):
    """The log no longer has these positions, or does not have them yet: (topic, partition) → position."""

    def __init__(self, positions: Mapping[tuple[str, int], int]) -> None:
        super().__init__(f"out of range: {dict(positions)}")
        self.positions = positions


class Undecodable(Exception):
    """Records of some partition cannot be decoded: whatever was taken with them is lost, and must be read again."""


class LiveConsumer:
    """Reads the partitions that it was last told to follow, from the offsets told. Only committed records (KIP-98)."""

    def __init__(self, bootstrap: str, now: Callable[[], Now]) -> None:
        self._bootstrap = bootstrap
        self._now = now
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Raises BrokerError where no broker answers; it may be called again."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="tivo-tail",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=LONG_POLL_MS,
            max_partition_fetch_bytes=MAX_PARTITION_BYTES,
        )
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            raise BrokerError(f"no Kafka broker answers at {self._bootstrap}: {error}") from error
        self._consumer = consumer

    async def stop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    def follow(self, positions: Mapping[tuple[str, int], int]) -> None:
        """From now on read these partitions, from these offsets, and no others."""
        assert self._consumer is not None, "it was not started"
        places = {TopicPartition(*place): offset for place, offset in positions.items()}
        self._consumer.assign(list(places))
        for place, offset in places.items():
            self._consumer.seek(place, offset)

    async def take(self) -> list[Arrived]:
        """What has been appended, as soon as there is any; also comes back without after a long poll.

        Raises OutOfRange, Undecodable, BrokerError.
        """
        consumer = self._consumer
        assert consumer is not None, "it was not started"
        try:
            batches = await consumer.getmany(timeout_ms=LONG_POLL_MS)
            received_us = self._now().wall_us
            return [
                Arrived(
                    topic=place.topic,
                    partition=place.partition,
                    events=[event_of(record, received_us=received_us) for record in batches.get(place, ())],
                    next=await consumer.position(place),
                    log_end=consumer.last_stable_offset(place) or 0,
                )
                for place in (batches or consumer.assignment())
            ]
        except OffsetOutOfRangeError as error:
            positions = {(place.topic, place.partition): offset for place, offset in error.args[0].items()}
            raise OutOfRange(positions) from error
        except UnicodeDecodeError as error:  # in the name of a header, which no broker looks at
            raise Undecodable(str(error)) from error
        except KafkaError as error:
            raise BrokerError(f"the live edge cannot be read: {error or type(error).__name__}") from error
