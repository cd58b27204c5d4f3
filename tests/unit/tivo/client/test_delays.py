"""How much older than the newest record the next one is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support.manual_clock import ManualClock
from tests.unit.tivo.client.peer import peer
from tests.unit.tivo.client.shelves import Shelf, Shelves
from tivo.client.cluster import Cluster
from tivo.client.delays import Delays
from tivo.client.group_offsets import Spot, Standing
from tivo.wire.messages.fetch import FetchRequest
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from tivo.wire.record_batch import Record, build

NEWEST_MS = 9_000


@dataclass
class Opened:
    delays: Delays
    shelf: Shelf


def newest(request: ListOffsetsRequest) -> ListOffsetsResponse:
    """Every partition's newest record is of NEWEST_MS, but partition 1 is empty."""
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[
                    ListOffsetsPartitionResponse(
                        partition_index=each.partition_index,
                        timestamp=NEWEST_MS,
                        offset=-1 if each.partition_index else 9,
                    )
                    for each in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


@pytest.fixture(params=[8, 6], ids=["new", "old"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    """A topic whose record n is of n seconds; an old cluster does not tell the newest time."""
    shelves = Shelves()
    answers = {FetchRequest: shelves.fetch, ListOffsetsRequest: newest}
    async with peer(answers, upto={ListOffsetsRequest: request.param}) as broker:
        shelves.broker = broker
        _, (shelf, _) = shelves.make("quakes", b"q" * 16, partitions=2)
        shelf.put(build([Record(at, 1_000 * at, None, b"v") for at in range(10)]))
        async with Cluster(broker.bootstrap) as cluster:
            delays = Delays(broker.bootstrap, cluster, ManualClock())
            yield Opened(delays, shelf)
            await delays.close()


def standing(committed: int | None, *, partition: int = 0, end: int | None = 10, topic: str = "quakes") -> Standing:
    return Standing(spot=Spot(topic, partition), committed=committed, start=0, end=end)


async def measured(opened: Opened, *standings: Standing) -> list[int | None]:
    return [each.behind_us for each in await opened.delays.measured(standings)]


new = pytest.mark.parametrize("opened", [8], indirect=True)


@new
@pytest.mark.parametrize(("committed", "behind_us"), [(0, 9_000_000), (4, 5_000_000), (9, 0), (10, 0), (None, None)])
async def test_delay_is_from_the_next_record_to_the_newest(
    opened: Opened, committed: int | None, behind_us: int | None
) -> None:
    assert [behind_us] == await measured(opened, standing(committed))


@pytest.mark.parametrize("opened", [6], indirect=True)
async def test_old_cluster_tells_no_times(opened: Opened) -> None:
    assert [None] == await measured(opened, standing(4))
    assert [0] == await measured(opened, standing(10))


@new
async def test_record_that_is_gone_tells_no_time(opened: Opened) -> None:
    opened.shelf.start = 6

    assert [None] == await measured(opened, standing(4))


@new
async def test_topic_that_is_gone_tells_no_time(opened: Opened) -> None:
    assert [None] == await measured(opened, standing(4, topic="ships"))
    assert [None] == await measured(opened, standing(4, end=None))


@new
async def test_every_partition_has_its_own(opened: Opened) -> None:
    standings = [standing(4, partition=1, end=5), standing(7), standing(10, topic="boats")]

    assert [0, 2_000_000, None] == await measured(opened, *standings)
