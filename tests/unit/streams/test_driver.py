"""The driver's consumer, told to fetch one partition at a time; and the look at its hooks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, ConsumerStoppedError, GroupAuthorizationFailedError
from faust.types import TP

from streams import driver
from streams.driver import Fetched, PageThread, check_driver, commit
from tests.unit.streams.fetched import OTHER, PARTITION

THIRD = TP("third", 0)
BROKEN = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


class FakeFetcher:
    """aiokafka's fetcher: what has come lies in `_records`, in the order of its coming. An exception is raised."""

    def __init__(self, **records: list[int] | Exception) -> None:
        self._records: dict[TopicPartition, Any] = {}
        self._subscriptions = self
        self._closed = False
        self.waits = asyncio.Event()
        self.depth = 0
        self.arrive(**records)

    def arrive(self, **records: list[int] | Exception) -> None:
        self._records |= {TopicPartition(topic, number(topic)): found for topic, found in records.items()}

    @contextmanager
    def fetch_context(self) -> Iterator[None]:
        self.depth += 1
        yield  # as aiokafka has it: whatever is raised leaves it open
        self.depth -= 1

    async def fetched_records(
        self,
        partitions: set[TP],
        timeout: float,  # noqa: ASYNC109 - as aiokafka has it
        max_records: int,
    ) -> dict[TP, list[int]]:
        assert timeout == 0
        (partition,) = partitions
        found = self._records.pop(partition)
        if isinstance(found, Exception):
            raise found
        if found[max_records:]:
            self._records[partition] = found[max_records:]
        return {partition: found[:max_records]} if found else {}

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        self.waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waits.set()
        return self.waiter


def number(topic: str) -> int:
    return 3 if topic == PARTITION.topic else 0


async def fetch(fetcher: FakeFetcher, *, most: int = 9, within_s: float = 0, flows: bool = True) -> Fetched:
    thread = PageThread.__new__(PageThread)
    thread.consumer = SimpleNamespace(flow_active=flows)
    consumer = SimpleNamespace(_fetcher=fetcher, _closed=False)
    return await thread._as_soon_as_any(consumer, {PARTITION, OTHER}, within_s, most)


async def test_what_has_come_is_there_at_once() -> None:
    assert Fetched({PARTITION: [1, 2], OTHER: [3]}, {}) == await fetch(FakeFetcher(quakes=[1, 2], sensors=[3]))


async def test_partition_that_cannot_be_read_costs_the_others_nothing() -> None:
    fetcher = FakeFetcher(quakes=[1], sensors=BROKEN)

    assert Fetched({PARTITION: [1]}, {OTHER: BROKEN}) == await fetch(fetcher)
    assert 0 == fetcher.depth


async def test_partitions_have_their_turn_in_the_order_of_coming() -> None:
    fetcher = FakeFetcher(sensors=[1, 2, 3], quakes=[4, 5])

    assert Fetched({OTHER: [1, 2]}, {}) == await fetch(fetcher, most=2)
    fetcher.arrive(sensors=fetcher._records.pop(OTHER))
    assert Fetched({PARTITION: [4, 5], OTHER: [3]}, {}) == await fetch(fetcher, most=3)


async def test_partitions_that_are_not_asked_for_keep_what_has_come() -> None:
    fetcher = FakeFetcher(third=[1], quakes=[])

    assert Fetched({}, {}) == await fetch(fetcher)
    assert {THIRD: [1]} == fetcher._records


async def test_what_is_not_there_is_waited_for() -> None:
    fetcher = FakeFetcher()
    fetching = asyncio.gather(fetch(fetcher, within_s=60))
    await fetcher.waits.wait()

    fetcher.arrive(quakes=[1])
    fetcher.waiter.set_result(None)

    assert [Fetched({PARTITION: [1]}, {})] == await fetching


async def test_wait_ends_with_its_time() -> None:
    fetcher = FakeFetcher()

    assert Fetched({}, {}) == await fetch(fetcher, within_s=0)
    assert fetcher.waiter.cancelled()


async def test_what_the_coordinator_has_against_it_is_raised_and_the_driver_is_left_in_order() -> None:
    fetcher = FakeFetcher()
    fetching = asyncio.gather(fetch(fetcher, within_s=60), return_exceptions=True)
    await fetcher.waits.wait()

    fetcher.waiter.set_exception(GroupAuthorizationFailedError("agents"))

    assert [GroupAuthorizationFailedError] == [type(error) for error in await fetching]
    assert 0 == fetcher.depth


async def test_nothing_is_fetched_while_the_group_settles() -> None:
    assert Fetched({}, {}) == await fetch(FakeFetcher(quakes=[1]), flows=False)


async def test_driver_that_was_closed_says_so() -> None:
    fetcher = FakeFetcher()
    fetcher._closed = True

    with pytest.raises(ConsumerStoppedError):
        await fetch(fetcher)


class FakeConsumer:
    """Commits, or fails to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        if self.error:
            raise self.error
        self.committed |= offsets


async def test_frontiers_are_committed() -> None:
    consumer = FakeConsumer()

    assert await commit(consumer, {PARTITION: 7})
    assert {TopicPartition("quakes", 3): OffsetAndMetadata(7, "")} == consumer.committed


@pytest.mark.parametrize("error", [CommitFailedError(), TimeoutError()])
async def test_commit_may_fail(error: Exception) -> None:
    assert not await commit(FakeConsumer(error), {PARTITION: 7})


def test_driver_is_the_one_that_this_was_written_against(monkeypatch: pytest.MonkeyPatch) -> None:
    check_driver()

    monkeypatch.setitem(driver.PINNED, "aiokafka", "0.0.1")
    with pytest.raises(AssertionError, match=r"aiokafka is .*, the page consumer needs 0\.0\.1"):
        check_driver()


def test_hook_that_has_changed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.Fetcher, "fetched_records", lambda self, partitions: None)

    with pytest.raises(AssertionError, match=r"needs \['self', 'partitions', 'timeout', 'max_records'\]"):
        check_driver()
