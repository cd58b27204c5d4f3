"""Records into a Kafka cluster, with one answer for each."""

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import RecordMetadata

from tivo.client.access import Bootstrap, access_of
from tivo.model.errors import BrokerError, RecordError, UnknownTopic
from tivo.model.event import TIME_HEADER, Headers, header
from tivo.model.timeline import MILLISECOND_US, from_kafka_ms, to_kafka_ms

TIMEOUT_MS = 10_000
STOP_S = 2.0
LARGEST_REQUEST = 64 * 2**20
"""The producer refuses nothing by size itself: how large a record may be is for the broker to say."""

_LOG_APPEND_TIME = 1
_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_RECORD_IS_WRONG = (InvalidTimestampError, MessageSizeTooLargeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """A record to be sent. Without `time_us` it is stamped when sent; without `partition` its key chooses one."""

    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    time_us: int | None = None
    partition: int | None = None


class Produced(NamedTuple):
    """Where a record came to lie. Sent with acks 0 nobody tells: partition and offset are -1."""

    partition: int
    offset: int
    time_us: int


Sent: TypeAlias = Produced | RecordError | BrokerError


class _Refused(RecordError):
    """The broker refused the batch that a record was in, for the sake of one of its records."""


class Producer:
    """Sends records and waits for their answers. With acks -1 no retry ever doubles a record.

    One is enough for a process, for any number of callers at once. A broker refuses a batch whole,
    so the records of a refused one are sent again, each alone: only those at fault get an error.
    """

    def __init__(self, bootstrap: Bootstrap) -> None:
        self._access = access_of(bootstrap)
        self._lock = asyncio.Lock()
        self._topics: set[str] = set()
        self._under_way: Counter[str] = Counter()  # sends to each topic
        self._producers: dict[tuple[int, bool], AIOKafkaProducer] = {}

    async def start(self) -> None:
        """Connect. Raises BrokerError where no broker answers; `send` connects by itself."""
        await self._producer(-1, idempotent=True)

    async def close(self) -> None:
        """Send what is under way, for two seconds at most, and disconnect."""
        while self._producers:
            _, producer = self._producers.popitem()
            await _stop(producer)

    def keep_only(self, topics: Collection[str]) -> None:
        """Ask the broker for no other topics: one that makes what it is asked for would make a deleted one anew."""
        self._topics.intersection_update({*topics, *self._under_way})  # one that is being made is waited for
        for producer in self._producers.values():
            producer.client.set_topics(self._topics)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def send(self, topic: str, records: Sequence[NewRecord], *, acks: int = -1) -> list[Sent]:
        """Send records to a topic, in order; one answer for each. `acks` are Kafka's: -1, 0 or 1.

        Raises UnknownTopic where there is no such topic and the cluster makes none, BrokerError
        where it is away before anything was sent.
        """
        producer = await self._producer(acks, idempotent=acks == -1)
        with self._asking_for(topic):
            answers = await _send_all(producer, topic, records)
        refused = [index for index, answer in enumerate(answers) if isinstance(answer, _Refused)]
        if refused and acks == -1:
            await self._retire(producer)
        if len(refused) > 1:
            alone = await self._producer(acks, idempotent=False)
            for index in refused:
                (answers[index],) = await _send_all(alone, topic, [records[index]])
        return answers

    @contextmanager
    def _asking_for(self, topic: str) -> Iterator[None]:
        self._topics.add(topic)
        self._under_way[topic] += 1
        try:
            yield
        finally:
            self._under_way[topic] -= 1
            self._under_way = +self._under_way

    async def _producer(self, acks: int, *, idempotent: bool) -> AIOKafkaProducer:
        async with self._lock:
            if (acks, idempotent) not in self._producers:
                self._producers[acks, idempotent] = await self._connected(acks, idempotent=idempotent)
            return self._producers[acks, idempotent]

    async def _connected(self, acks: int, *, idempotent: bool) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._access.settings(),
            client_id="tivo",
            acks=acks,
            enable_idempotence=idempotent,
            max_request_size=LARGEST_REQUEST,
            request_timeout_ms=TIMEOUT_MS,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            why = "" if isinstance(error, KafkaConnectionError) else f": {error}"  # which says so in its own way
            raise BrokerError(f"no Kafka broker answers at {self._access.bootstrap}{why}") from error
        return producer

    async def _retire(self, producer: AIOKafkaProducer) -> None:
        """Go on with another: behind a refused batch this one's sequence numbers have a hole (KIP-98)."""
        if producer in self._producers.values():
            del self._producers[-1, True]
            await _stop(producer)


async def _stop(producer: AIOKafkaProducer) -> None:
    """aiokafka's own stop waits for a broker that is away for as long as it is away."""
    try:
        async with asyncio.timeout(STOP_S):
            await producer.stop()
    except TimeoutError:
        await producer.client.close()


async def _send_all(producer: AIOKafkaProducer, topic: str, records: Sequence[NewRecord]) -> list[Sent]:
    if not _TOPIC_NAME.fullmatch(topic):
        raise UnknownTopic(topic)
    try:
        partitions = await producer.partitions_for(topic)
    except UnknownTopicOrPartitionError:
        raise UnknownTopic(topic) from None
    except KafkaError as error:
        raise BrokerError(f"the partitions of topic {topic!r} cannot be had: {error}") from error
    under_way = [await _send_one(producer, topic, record, partitions) for record in records]
    told = await asyncio.gather(
        *(each for each in under_way if isinstance(each, asyncio.Future)), return_exceptions=True
    )
    answers = iter(told)
    return [
        _answer(topic, record, next(answers)) if isinstance(each, asyncio.Future) else each
        for record, each in zip(records, under_way, strict=True)
    ]


async def _send_one(
    producer: AIOKafkaProducer, topic: str, record: NewRecord, partitions: Set[int]
) -> "RecordError | BrokerError | asyncio.Future[RecordMetadata | None]":
    """Put a record into the next batch; the future of its answer, or why it cannot be sent."""
    if record.key is None and record.value is None:
        return RecordError("a record needs a key or a value")
    if record.partition is not None and record.partition not in partitions:
        return RecordError(f"topic {topic!r} has the partitions 0 to {len(partitions) - 1}, not {record.partition}")
    if record.time_us is not None and record.time_us < 0:
        return RecordError(f"Kafka has no time before 1970, got {record.time_us} µs")
    try:
        sending: asyncio.Future[RecordMetadata | None] = await producer.send(
            topic,
            record.value,
            key=record.key,
            partition=record.partition,
            timestamp_ms=None if record.time_us is None else to_kafka_ms(record.time_us),
            headers=list(_headers(record)),
        )
    except KafkaError as error:
        return _error(topic, error)
    return sending


def _headers(record: NewRecord) -> Headers:
    """The record's headers, and its time in µs where Kafka's milliseconds do not tell it."""
    time_us = record.time_us
    if time_us is None or time_us % MILLISECOND_US == 0 or header(record.headers, TIME_HEADER) is not None:
        return record.headers
    return (*record.headers, (TIME_HEADER, b"%d" % time_us))


def _answer(topic: str, record: NewRecord, told: "RecordMetadata | BaseException | None") -> Sent:
    if isinstance(told, KafkaError):
        return _error(topic, told)
    if isinstance(told, BaseException):
        raise told
    if told is None:
        return Produced(-1, -1, record.time_us or 0)
    own_us = None if told.timestamp_type == _LOG_APPEND_TIME else record.time_us
    return Produced(told.partition, told.offset, from_kafka_ms(told.timestamp) if own_us is None else own_us)


def _error(topic: str, error: KafkaError) -> RecordError | BrokerError:
    if isinstance(error, _RECORD_IS_WRONG):
        return _Refused(f"topic {topic!r} does not take the record: {error or type(error).__name__}")
    return BrokerError(f"topic {topic!r} did not take the record: {error or type(error).__name__}")
