"""The log at any offset, out of a broker that answers as a test tells it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.manual_clock import ManualClock
from tests.unit.tivo.client.shelves import Opened, batch, opened
from tivo.client.log_reader import LogReader
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.event import Lost
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchRequest

OLD, NEW = b"o" * 16, b"n" * 16
END = 5


@pytest.fixture
async def log() -> AsyncIterator[Opened]:
    async with opened() as made:
        yield made


@pytest.fixture
async def reader(log: Opened) -> AsyncIterator[LogReader]:
    made = LogReader(log.broker.bootstrap, log.cluster, ManualClock(), retry_seconds=0)
    yield made
    await made.close()


@pytest.fixture
def poison(log: Opened) -> TopicRef:
    """A topic of records 0 to 4 in three batches; that at 2 cannot be decoded."""
    topic, (shelf,) = log.shelves.make("poison", OLD)
    for each in (batch(0, "a"), batch(1, "a", "h?x", "a"), batch(4, "a")):
        shelf.put(each)
    return topic


BROKEN = [Lost(0, 2, 3, "quarantine")]


async def read(
    reader: LogReader, topic: TopicRef, offset: int | None, upto: int | None = None, limit: int = 100
) -> TailSlice:
    (found,) = await reader.read(topic, [TailPlace(0, offset, upto, limit)], max_bytes=2**20)
    return found


def offsets(found: TailSlice) -> list[int]:
    return [event.offset for event in found.events]


@pytest.mark.parametrize("offset", [0, 2])
async def test_a_record_that_cannot_be_decoded_is_lost_alone(reader: LogReader, poison: TopicRef, offset: int) -> None:
    found = await read(reader, poison, offset)

    assert [each for each in (0, 1, 3, 4) if each >= offset] == offsets(found)
    assert (BROKEN, END, 0) == (found.lost, found.next, found.log_start)


async def test_behind_such_a_record_nothing_is_lost(reader: LogReader, poison: TopicRef) -> None:
    found = await read(reader, poison, 3)

    assert ([3, 4], [], END) == (offsets(found), found.lost, found.next)


@pytest.mark.parametrize(("upto", "limit"), [(2, 100), (None, 2)])
async def test_such_a_record_beyond_the_end_of_a_slice_is_not_told_yet(
    reader: LogReader, poison: TopicRef, upto: int | None, limit: int
) -> None:
    found = await read(reader, poison, 0, upto=upto, limit=limit)

    assert ([0, 1], [], 2) == (offsets(found), found.lost, found.next)


async def test_a_loss_is_told_as_far_as_the_slice_goes(log: Opened, reader: LogReader) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(*9 * [b"good"])
    shelf.batches[0] = shelf.batches[0].replace(b"good", b"evil")

    found = await read(reader, topic, 2, upto=6)

    assert ([Lost(0, 2, 6, "quarantine")], 6) == (found.lost, found.next)


async def test_without_an_offset_a_slice_begins_at_the_log_start(log: Opened, reader: LogReader) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    for _ in range(3):
        shelf.append(b"x")
    shelf.start = 1

    found = await read(reader, topic, None)

    assert (1, 3, 1, [1, 2]) == (found.base, found.next, found.log_start, offsets(found))


@pytest.mark.parametrize(("offset", "truncated"), [(0, False), (9, True)])
async def test_an_offset_out_of_range_is_told_by_where_the_log_lies(
    log: Opened, reader: LogReader, offset: int, truncated: bool
) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(b"a", b"b", b"c")
    shelf.start = 2

    found = await read(reader, topic, offset)

    assert TailSlice(0, offset, offset, 2, 3, (), truncated) == found


@pytest.mark.parametrize("offset", [None, 0, 9])
async def test_a_topic_made_anew_is_not_taken_for_the_old_one(
    log: Opened, reader: LogReader, offset: int | None
) -> None:
    old, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(b"old")
    await read(reader, old, 0)
    new, (shelf,) = log.shelves.make("t", NEW)
    shelf.append(b"new")

    with pytest.raises(UnknownTopic):
        await read(reader, old, offset)
    assert [b"new"] == [event.value for event in (await read(reader, new, 0)).events]


async def test_a_topic_that_was_deleted_is_unknown(log: Opened, reader: LogReader) -> None:
    topic, _ = log.shelves.make("t", OLD)
    await read(reader, topic, 0)
    log.broker.topics.clear()

    with pytest.raises(UnknownTopic):
        await read(reader, topic, 9)


async def test_a_read_costs_one_request(log: Opened, reader: LogReader) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(b"a")
    await read(reader, topic, 0)
    before = len(log.broker.asked)
    await read(reader, topic, 0)

    (only,) = log.broker.asked[before:]
    assert isinstance(only, FetchRequest)


async def test_a_leader_that_has_moved_is_asked_for_again(log: Opened, reader: LogReader) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(b"a")
    shelf.codes = [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.UNKNOWN_TOPIC_ID]

    assert [0] == offsets(await read(reader, topic, 0))


async def test_a_partition_that_cannot_be_had_names_topic_and_code(log: Opened, reader: LogReader) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.codes = 9 * [ErrorCode.KAFKA_STORAGE_ERROR]

    with pytest.raises(BrokerError, match=r"'t'.*KAFKA_STORAGE_ERROR"):
        await read(reader, topic, 0)


async def test_a_broker_that_is_away_is_told(log: Opened) -> None:
    topic, _ = log.shelves.make("t", OLD)
    reader = LogReader("127.0.0.1:1", log.cluster, ManualClock(), retry_seconds=0)

    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
        await read(reader, topic, 0)
