"""Records that the log holds and nobody can decode."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from crc32c import crc32c

from tests.support.manual_clock import ManualClock
from tests.unit.tivo.client.peer import a_topic, peer
from tivo.client.cluster import Cluster
from tivo.client.live_consumer import LiveConsumer, Undecodable
from tivo.client.log_reader import LogReader
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchableTopicResponse, FetchRequest, FetchResponse, PartitionData
from tivo.wire.record_batch import CHECKED_AT, CRC, CRC_AT, Record, build

TOPIC = "poison"
END = 5


def batch(first: int, *names: str) -> bytes:
    """A record with one header per name; where that holds a `?`, the byte there is no UTF-8."""
    made = build([Record(first + at, 0, None, b"v", ((name, b"1"),)) for at, name in enumerate(names)])
    made = made.replace(b"?", b"\xff")
    CRC.pack_into(made, CRC_AT, crc32c(bytes(made[CHECKED_AT:])))
    return bytes(made)


BATCHES = {0: batch(0, "a"), 1: batch(1, "a", "h?x", "a"), 4: batch(4, "a")}


def fetch(request: FetchRequest) -> FetchResponse:
    """Records 0 to 4 in three batches; that at 2 is poisoned. What lies beyond is out of range."""
    (topic,) = request.topics
    told = []
    for asked in topic.partitions:
        at = asked.fetch_offset
        held = b"".join(bytes_ for first, bytes_ in BATCHES.items() if first >= max(f for f in BATCHES if f <= at))
        code = ErrorCode.OFFSET_OUT_OF_RANGE if at > END else ErrorCode.NONE
        told.append(
            PartitionData(
                partition_index=asked.partition,
                error_code=code,
                high_watermark=END,
                last_stable_offset=END,
                records=[held] if at < END else None,
            )
        )
    return FetchResponse(responses=[FetchableTopicResponse(topic=topic.topic, partitions=told)])


@asynccontextmanager
async def poisoned() -> AsyncIterator[str]:
    async with peer({FetchRequest: fetch}) as broker:
        broker.topics = [a_topic(TOPIC, bytes(16), 0)]
        yield broker.bootstrap


@pytest.fixture
async def reader() -> AsyncIterator[LogReader]:
    async with poisoned() as bootstrap:
        made = LogReader(bootstrap, Cluster(bootstrap), ManualClock())
        yield made
        await made.close()


async def read(reader: LogReader, offset: int, upto: int | None = None) -> TailSlice:
    (found,) = await reader.read(TOPIC, [TailPlace(0, offset, upto, 100)], max_bytes=2**20)
    return found


async def test_a_slice_ends_before_a_record_that_cannot_be_decoded(reader: LogReader) -> None:
    found = await read(reader, 0)

    assert ([0, 1], 2, 0) == ([event.offset for event in found.events], found.next, max(found.log_start, 0))


async def test_from_such_a_record_on_its_batch_counts_as_trimmed(reader: LogReader) -> None:
    found = await read(reader, 2)

    assert ([], 2, 4) == (found.events, found.next, found.log_start)


async def test_behind_its_batch_all_is_read(reader: LogReader) -> None:
    found = await read(reader, 4)

    assert ([4], END) == ([event.offset for event in found.events], found.next)


async def test_such_a_record_beyond_the_end_asked_for_matters_to_nobody(reader: LogReader) -> None:
    found = await read(reader, 1, upto=2)

    assert ([1], 2) == ([event.offset for event in found.events], found.next)


async def test_the_live_edge_says_that_something_cannot_be_decoded() -> None:
    async with poisoned() as bootstrap:
        live = LiveConsumer(bootstrap, ManualClock())
        await live.start()
        live.follow({(TOPIC, 0): 1})
        try:
            with pytest.raises(Undecodable):
                while True:
                    await live.take()
        finally:
            await live.stop()
