"""Records by topic id."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from tests.unit.tivo.client.shelves import Opened, batch, opened, sealed
from tivo.client.fetcher import Bounds, Fetched, Fetcher, Place
from tivo.model.errors import BrokerError
from tivo.model.event import Lost
from tivo.playback.facts import TopicRef
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import AbortedTransaction, FetchRequest, PartitionData
from tivo.wire.messages.metadata import MetadataRequest
from tivo.wire.record_batch import TRANSACTIONAL, Record, build

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


async def told(fetcher: Fetcher, at: Place, offset: int) -> Fetched:
    """What a place is told to hold from an offset on."""
    ((leader, wanted),) = (await fetcher.by_leader({at: offset})).items()
    found = (await fetcher.fetch(leader, wanted, BOUNDS))[at]
    assert isinstance(found, Fetched)
    return found


def offsets(fetched: Fetched) -> list[int]:
    return [event.offset for event in fetched.events(received_us=0)]


async def test_a_damaged_batch_is_lost_whole_and_its_neighbours_come(log: Opened, fetcher: Fetcher) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    for value in (b"before", b"good", b"behind"):
        shelf.append(value, value)
    shelf.batches[2] = shelf.batches[2].replace(b"good", b"evil")

    found = await told(fetcher, place(topic), 0)

    assert [0, 1, 4, 5] == offsets(found)
    assert ([Lost(0, 2, 4, "quarantine")], 6) == (found.lost, found.next)


async def test_a_record_that_cannot_be_decoded_is_lost_alone(log: Opened, fetcher: Fetcher) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.put(batch(0, "a", "h?x", "a"))
    shelf.put(batch(3, "a"))

    found = await told(fetcher, place(topic), 0)

    assert [0, 2, 3] == offsets(found)
    assert ([Lost(0, 1, 2, "quarantine")], 4) == (found.lost, found.next)


async def test_from_such_a_record_on_nothing_before_it_is_told(log: Opened, fetcher: Fetcher) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.put(batch(0, "h?x", "h?x", "a"))

    at_it, behind = [await told(fetcher, place(topic), offset) for offset in (1, 2)]

    assert ([2], [Lost(0, 1, 2, "quarantine")]) == (offsets(at_it), at_it.lost)
    assert ([2], []) == (offsets(behind), behind.lost)


async def test_broken_records_in_a_row_are_one_loss(log: Opened, fetcher: Fetcher) -> None:
    topic, (shelf,) = log.shelves.make("t", OLD)
    shelf.put(batch(0, "a", "h?x", "h?y", "a", "h?z"))

    found = await told(fetcher, place(topic), 0)

    assert [0, 3] == offsets(found)
    assert ([Lost(0, 1, 3, "quarantine"), Lost(0, 4, 5, "quarantine")], 5) == (found.lost, found.next)


async def test_beside_a_broken_record_an_event_is_what_it_would_have_been(log: Opened, fetcher: Fetcher) -> None:
    topic, shelves = log.shelves.make("t", OLD, partitions=2)
    good = Record(1, 1_700_000_000_000, b"key", b"{}", (("tivo-time-us", b"1700000000000007"), ("n", None)))
    for shelf, name in zip(shelves, ("AB", "??"), strict=True):
        shelf.put(sealed(build([Record(0, 0, None, b"", ((name, None),)), good])))

    *_, whole = (await told(fetcher, place(topic, 0), 0)).events(received_us=5)
    (salvaged,) = (await told(fetcher, place(topic, 1), 0)).events(received_us=5)

    assert replace(whole, partition=1) == salvaged
    assert (1_700_000_000_000_007, 5) == (salvaged.time_us, salvaged.received_us)


def test_of_a_broken_batch_no_record_of_an_aborted_transaction_is_given() -> None:
    aborted = sealed(build([Record(3, 0, None, b"aborted")], producer_id=9), TRANSACTIONAL)
    held = batch(1, "h?x", "a") + aborted
    data = PartitionData(
        last_stable_offset=4,
        records=memoryview(held),
        aborted_transactions=[AbortedTransaction(producer_id=9, first_offset=3)],
    )

    found = Fetched(Place("t", OLD, 0), 1, data)

    assert [2] == offsets(found)
    assert ([Lost(0, 1, 2, "quarantine")], 4) == (found.lost, found.next)


async def test_a_fetcher_that_was_not_started_is_a_broker_error(log: Opened) -> None:
    topic, _ = log.shelves.make("t", OLD)
    fetcher = Fetcher(log.broker.bootstrap, log.cluster, client_id="test")

    with pytest.raises(BrokerError, match="not connected"):
        await fetch(fetcher, {place(topic): 0})
