"""What a `Peer` has to be fetched: topics by their ids, batches by their offsets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from crc32c import crc32c

from tests.unit.tivo.client.peer import Answer, Peer, a_topic, peer
from tivo.client.cluster import Cluster
from tivo.playback.facts import TopicRef
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from tivo.wire.record_batch import CHECKED_AT, CRC, CRC_AT, HEADER, BatchHeader, Record, build
from tivo.wire.schema import NO_UUID, Message

EARLIEST = -2
_ATTRIBUTES_AT = 22


def sealed(made: bytearray, attributes: int = 0) -> bytes:
    """A batch with more attributes, in whose records every `?` is a byte that is no UTF-8."""
    spoilt = made[: HEADER.size] + made[HEADER.size :].replace(b"?", b"\xff")
    spoilt[_ATTRIBUTES_AT] |= attributes
    CRC.pack_into(spoilt, CRC_AT, crc32c(bytes(spoilt[CHECKED_AT:])))
    return bytes(spoilt)


def batch(first: int, *names: str) -> bytes:
    """A record with one header per name; where that holds a `?`, the byte there is no UTF-8."""
    return sealed(build([Record(first + at, 0, None, b"v", ((name, b"1"),)) for at, name in enumerate(names)]))


class Shelf:
    """What a peer holds of a partition: batches, by their first offset. It never waits, and knows no transactions."""

    def __init__(self) -> None:
        self.batches: dict[int, bytes] = {}
        self.start = 0
        self.end = 0
        self.codes: list[ErrorCode] = []
        """What the next fetches are refused by."""

    def put(self, batch: bytes | bytearray) -> None:
        """Append a batch as it is."""
        header = BatchHeader(*HEADER.unpack_from(batch))
        self.batches[header.base_offset] = bytes(batch)
        self.end = header.last_offset + 1

    def append(self, *values: bytes) -> None:
        """Append records, all in one batch."""
        self.put(build([Record(self.end + at, 0, None, value) for at, value in enumerate(values)]))

    def data(self, asked: FetchPartition) -> PartitionData:
        at = asked.fetch_offset
        code = ErrorCode.NONE if self.start <= at <= self.end else ErrorCode.OFFSET_OUT_OF_RANGE
        if self.codes:
            code = self.codes.pop(0)
        begin = max((first for first in self.batches if first <= at), default=0)
        held = b"".join(batch for first, batch in self.batches.items() if first >= begin)
        return PartitionData(
            partition_index=asked.partition,
            error_code=code,
            high_watermark=self.end,
            last_stable_offset=self.end,
            log_start_offset=self.start,
            records=[held] if at < self.end and not code else None,
        )


class Shelves:
    """The topics of a peer. Fetched by name, a topic is the one that the peer tells in Metadata."""

    def __init__(self) -> None:
        self.broker: Peer
        self._held: dict[tuple[bytes, int], Shelf] = {}

    def make(self, name: str, topic_id: bytes, *, partitions: int = 1) -> tuple[TopicRef, list[Shelf]]:
        """A topic, in the place of another of this name."""
        numbers = tuple(range(partitions))
        self.broker.topics = [topic for topic in self.broker.topics if topic.name != name]
        self.broker.topics.append(a_topic(name, topic_id, *numbers))
        standing = {bytes(topic.topic_id) for topic in self.broker.topics}
        self._held = {place: shelf for place, shelf in self._held.items() if place[0] in standing}
        return TopicRef(name, topic_id, numbers), [
            self._held.setdefault((topic_id, number), Shelf()) for number in numbers
        ]

    def fetch(self, request: FetchRequest) -> FetchResponse:
        return FetchResponse(
            responses=[
                FetchableTopicResponse(
                    topic=topic.topic,
                    topic_id=topic.topic_id,
                    partitions=[self._data(self._id(topic), asked) for asked in topic.partitions],
                )
                for topic in request.topics
            ]
        )

    def list_offsets(self, request: ListOffsetsRequest) -> ListOffsetsResponse:
        ids = {told.name: bytes(told.topic_id) for told in self.broker.topics}
        return ListOffsetsResponse(
            topics=[
                ListOffsetsTopicResponse(
                    name=topic.name,
                    partitions=[
                        ListOffsetsPartitionResponse(
                            partition_index=asked.partition_index,
                            offset=shelf.start if asked.timestamp == EARLIEST else shelf.end,
                        )
                        for asked in topic.partitions
                        for shelf in [self._held[ids[topic.name], asked.partition_index]]
                    ],
                )
                for topic in request.topics
            ]
        )

    def _id(self, topic: FetchTopic) -> bytes:
        if topic.topic_id != NO_UUID:
            return bytes(topic.topic_id)
        return next(bytes(told.topic_id) for told in self.broker.topics if told.name == topic.topic)

    def _data(self, topic_id: bytes, asked: FetchPartition) -> PartitionData:
        shelf = self._held.get((topic_id, asked.partition))
        if shelf is None:
            return PartitionData(partition_index=asked.partition, error_code=ErrorCode.UNKNOWN_TOPIC_ID)
        return shelf.data(asked)


class Opened(NamedTuple):
    """A peer that listens, what it holds, and a cluster that is connected to it."""

    shelves: Shelves
    broker: Peer
    cluster: Cluster


@asynccontextmanager
async def opened(*, upto: Mapping[type[Message], int] | None = None) -> AsyncIterator[Opened]:
    """Of some messages no version beyond `upto` is served."""
    shelves = Shelves()
    answers: dict[type[Message], Answer] = {FetchRequest: shelves.fetch, ListOffsetsRequest: shelves.list_offsets}
    async with peer(answers, upto=upto) as shelves.broker, Cluster(shelves.broker.bootstrap) as cluster:
        yield Opened(shelves, shelves.broker, cluster)
