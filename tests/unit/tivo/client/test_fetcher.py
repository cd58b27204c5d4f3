"""Records by topic id."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.tivo.client.shelves import Opened, opened
from tivo.client.fetcher import Bounds, Fetched, Fetcher, Place
from tivo.model.errors import BrokerError
from tivo.playback.facts import TopicRef
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchRequest
from tivo.wire.messages.metadata import MetadataRequest

OLD, NEW = b"o" * 16, b"n" * 16
BOUNDS = Bounds(2**20, 2**20)
BY_NAME = 12


@pytest.fixture(params=[None, BY_NAME])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    """A broker of today, and one that knows no topic ids in Fetch."""
    async with opened(upto={FetchRequest: request.param} if request.param else None) as made:
        yield made


@pytest.fixture
async def fetcher(log: Opened) -> AsyncIterator[Fetcher]:
    made = Fetcher(log.broker.bootstrap, log.cluster, client_id="test")
    await made.start()
    yield made
    await made.close()


def place(topic: TopicRef, partition: int = 0) -> Place:
    return Place(topic.name, topic.topic_id, partition)


async def fetch(fetcher: Fetcher, offsets: dict[Place, int]) -> dict[Place, list[bytes | None] | ErrorCode]:
    """The values of what is fetched, or why it is not."""
    found: dict[Place, list[bytes | None] | ErrorCode] = {}
    for leader, wanted in (await fetcher.by_leader(offsets)).items():
        for at, told in (await fetcher.fetch(leader, wanted, BOUNDS)).items():
            found[at] = [event.value for event in told.events(received_us=0)] if isinstance(told, Fetched) else told
    return found


def asked(log: Opened, kind: type) -> int:
    return sum(isinstance(request, kind) for request in log.broker.asked)


async def test_records_of_several_topics_and_partitions_come_in_one_fetch(log: Opened, fetcher: Fetcher) -> None:
    one, (first, second) = log.shelves.make("one", OLD, partitions=2)
    two, (third,) = log.shelves.make("two", NEW)
    first.append(b"a", b"b")
    second.append(b"c")
    third.append(b"d")

    found = await fetch(fetcher, {place(one): 1, place(one, 1): 0, place(two): 0})

    assert {place(one): [b"b"], place(one, 1): [b"c"], place(two): [b"d"]} == found
    assert 1 == asked(log, FetchRequest)


async def test_a_topic_made_anew_is_not_taken_for_the_old_one(log: Opened, fetcher: Fetcher) -> None:
    old, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(b"old")
    await fetch(fetcher, {place(old): 0})
    _, (shelf,) = log.shelves.make("t", NEW)
    shelf.append(b"new")

    assert {place(old): ErrorCode.UNKNOWN_TOPIC_ID} == await fetch(fetcher, {place(old): 0})
    assert {} == await fetcher.by_leader({place(old): 0})


async def test_a_topic_that_is_not_there_is_led_by_nobody(log: Opened, fetcher: Fetcher) -> None:
    assert {} == await fetcher.by_leader({Place("none", OLD, 0): 0})


async def test_who_leads_is_asked_for_once_and_again_after_a_refusal(log: Opened, fetcher: Fetcher) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    before = asked(log, MetadataRequest)
    await fetcher.by_leader({place(topic): 0})
    await fetcher.by_leader({place(topic): 0})
    once = asked(log, MetadataRequest) - before
    shelf.codes = [ErrorCode.NOT_LEADER_OR_FOLLOWER]
    refused = await fetch(fetcher, {place(topic): 0})
    before = asked(log, MetadataRequest)
    await fetcher.by_leader({place(topic): 0})

    assert (1, {place(topic): ErrorCode.NOT_LEADER_OR_FOLLOWER}) == (once, refused)
    assert 1 == asked(log, MetadataRequest) - before


async def test_a_broker_of_today_is_asked_once_a_fetch() -> None:
    async with opened() as log:
        fetcher = Fetcher(log.broker.bootstrap, log.cluster, client_id="test")
        await fetcher.start()
        topic, _ = log.shelves.make("t", OLD)
        await fetch(fetcher, {place(topic): 0})
        before = len(log.broker.asked)
        await fetch(fetcher, {place(topic): 0})
        await fetcher.close()

        assert 1 == len(log.broker.asked) - before


async def test_a_damaged_batch_is_a_broker_error_that_names_its_place(log: Opened, fetcher: Fetcher) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.append(b"good")
    shelf.batches[0] = shelf.batches[0].replace(b"good", b"evil")

    with pytest.raises(BrokerError, match=r"t/0.*CRC"):
        await fetch(fetcher, {place(topic): 0})


async def test_a_fetcher_that_was_not_started_is_a_broker_error(log: Opened) -> None:
    topic, _ = log.shelves.make("t", OLD)
    fetcher = Fetcher(log.broker.bootstrap, log.cluster, client_id="test")

    with pytest.raises(BrokerError, match="not connected"):
        await fetch(fetcher, {place(topic): 0})
