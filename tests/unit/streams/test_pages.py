"""The consumer of the Faust app: what it does where Faust calls it, and what it leaves."""

from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.errors import ConsumerStoppedError, GroupAuthorizationFailedError
from faust.types import TP
from prometheus_client import REGISTRY

from streams.agents.persist import Keeper, Patience
from streams.app import make_app
from streams.driver import Fetched, PageThread, commit
from streams.intake import AGAIN_S, Intake
from streams.pages import SETTLING_S, PageConsumer
from streams.places import Most
from tests.unit.streams.fetched import NOW, OTHER, PARTITION, cut, placed
from tivo.client.access import Access
from tivo.config import Settings
from tivo.store.memory import MemoryStore


class FakeThread:
    """The thread of the driver: answers, or raises, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Fetched | Exception = Fetched({}, {})
        self.commits = True
        self.calls: list[tuple[Any, ...]] = []

    async def getmany(self, partitions: set[TP], within_s: float, most: int) -> Fetched:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def call_thread(self, *call: Any) -> bool:
        self.calls.append(call)
        return self.commits

    def _ensure_consumer(self) -> str:
        return "aiokafka's"

    def highwater(self, partition: TP) -> int | None:
        if partition == OTHER:
            raise AssertionError("not assigned")
        return None if partition == TP("new", 0) else 9


@pytest.fixture
async def consumer(tmp_path: Path) -> PageConsumer:
    """A consumer that is not started: PARTITION is placed at offset 5."""
    places, store = placed(5), MemoryStore()
    keeper = Keeper(store, places, Patience(lambda: 0), lambda: NOW)
    intake = Intake(
        places=places,
        cluster=cast("Any", None),
        store=store,
        until_there=cast("Any", None),
        salvage=cast("Any", None),
        set_aside=keeper.set_aside,
        now=lambda: NOW,
        most=Most(10, 1_000),
        fetch_records=10,
        linger_s=0,
    )
    app = make_app(Settings(data=str(tmp_path)), Access(bootstrap="127.0.0.1:1"), intake, keeper)
    made = app.consumer
    assert isinstance(made, PageConsumer)
    assert isinstance(made._thread, PageThread)
    made._thread.thread_loop.close()
    made._thread = cast("PageThread", FakeThread())
    made.slept_s = []  # type: ignore[attr-defined]

    async def sleep(n: float) -> None:
        made.slept_s.append(n)  # type: ignore[attr-defined]

    made.sleep = sleep  # type: ignore[method-assign,assignment]
    return made


def thread(consumer: PageConsumer) -> FakeThread:
    return cast("FakeThread", consumer._thread)


async def test_nothing_is_fetched_while_the_group_settles(consumer: PageConsumer) -> None:
    consumer.app.rebalancing = True

    assert {} == await consumer._getmany(active_partitions={PARTITION}, timeout=1.0)
    assert [SETTLING_S] == consumer.slept_s  # type: ignore[attr-defined]


async def test_fetch_that_kafka_refuses_is_tried_again_in_a_moment(consumer: PageConsumer) -> None:
    thread(consumer).answer = GroupAuthorizationFailedError("agents")

    assert Fetched({}, {}) == await consumer.fetch({PARTITION}, 1.0, 9)
    assert [AGAIN_S] == consumer.slept_s  # type: ignore[attr-defined]


async def test_consumer_that_was_stopped_says_so(consumer: PageConsumer) -> None:
    thread(consumer).answer = ConsumerStoppedError()

    with pytest.raises(ConsumerStoppedError):
        await consumer.fetch({PARTITION}, 1.0, 9)


async def test_partitions_of_the_group_are_to_be_placed_by_the_store_and_not_by_what_was_committed(
    consumer: PageConsumer,
) -> None:
    assert {} == await consumer.seek_to_committed()

    assert {PARTITION} == consumer._intake.places.unplaced


async def test_only_what_the_store_holds_is_committed_and_once(consumer: PageConsumer) -> None:
    places = consumer._intake.places
    (page,) = cut(places, 5, 6)

    assert await consumer.force_commit()
    places.stored(page, now_us=0)
    assert await consumer.force_commit()
    assert not await consumer.force_commit()

    told = [(call, whose, dict(offsets)) for call, whose, offsets in thread(consumer).calls]
    assert [(commit, "aiokafka's", {PARTITION: 5}), (commit, "aiokafka's", {PARTITION: 7})] == told


async def test_commit_that_failed_is_tried_again(consumer: PageConsumer) -> None:
    thread(consumer).commits = False

    assert not await consumer.force_commit()
    assert not await consumer.force_commit()

    assert 2 == len(thread(consumer).calls)


async def test_agent_that_failed_gets_all_of_it_again(consumer: PageConsumer) -> None:
    labels = {"reason": "agent failed"}
    before = REGISTRY.get_sample_value("tivo_agent_rewinds_total", labels) or 0
    (page,) = cut(consumer._intake.places, 5)

    await consumer.on_task_error(ValueError("a bug"))

    assert not consumer._intake.places.is_current(page)
    assert 1 == (REGISTRY.get_sample_value("tivo_agent_rewinds_total", labels) or 0) - before


@pytest.mark.parametrize(("partition", "end"), [(PARTITION, 9), (TP("new", 0), -1), (OTHER, -1)])
def test_end_of_a_log_is_told_where_it_is_known(consumer: PageConsumer, partition: TP, end: int) -> None:
    assert end == consumer.highwater(partition)


def test_full_queue_and_paused_partitions_stay_active(consumer: PageConsumer) -> None:
    consumer._set_active_tps({PARTITION})

    consumer.on_buffer_full(PARTITION)
    consumer.pause_partitions([PARTITION])

    assert {PARTITION} == consumer._get_active_partitions()
