"""Partitions are placed, fetched and cut into pages; what goes wrong with one is no matter of the others."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from streams.driver import Fetched
from streams.intake import AGAIN_S, Intake
from streams.models import FetchedPage
from streams.places import Most, Places
from tests.unit.streams.fetched import NOW, OTHER, OTHER_ID, PARTITION, TOPIC_ID, records
from tivo.client.cluster import Cluster, Led
from tivo.metrics import AGENT_TRUNCATED
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.event import Loss, Page
from tivo.model.timeline import Now
from tivo.store.base import Owned
from tivo.store.memory import MemoryStore
from tivo.wire.record_batch import Record
from tivo.wire.salvage import Piece

BOTH = [PARTITION, OTHER]
NEW_ID = b"topic id anew..."
BROKEN = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


@dataclass
class Log:
    topic_id: bytes
    start: int = 0
    end: int = 100
    leader_epoch: int = 0
    epoch_ends: dict[int, int] = field(default_factory=dict)


class FakeCluster:
    """Topics of one partition each; a topic in `away` has nobody who tells of it."""

    def __init__(self) -> None:
        self.logs = {PARTITION.topic: Log(TOPIC_ID), OTHER.topic: Log(OTHER_ID)}
        self.away: set[str] = set()

    async def leaders(self, names: set[str]) -> dict[str, Led]:
        for name in names:
            self._check(name)
        logs = {name: self.logs[name] for name in names if name in self.logs}
        return {
            name: Led(log.topic_id, {}, {tp.partition: log.leader_epoch for tp in BOTH if tp.topic == name})
            for name, log in logs.items()
        }

    async def epoch_ends(self, topic: str, epochs: dict[int, int]) -> dict[int, int]:
        ends = self.logs[topic].epoch_ends
        return {number: ends[epoch] for number, epoch in epochs.items() if epoch in ends}

    async def log_starts(self, topic: str) -> dict[int, int]:
        self._check(topic)
        return {tp.partition: self.logs[topic].start for tp in BOTH if tp.topic == topic}

    async def log_ends(self, topic: str) -> dict[int, int]:
        return {tp.partition: self.logs[topic].end for tp in BOTH if tp.topic == topic}

    def _check(self, topic: str) -> None:
        if topic in self.away:
            raise BrokerError(f"nobody tells of {topic}")


class FakeDriver:
    """Brings what it is given, one answer a fetch, and keeps what it was asked."""

    def __init__(self, *answers: Fetched) -> None:
        self.answers = list(answers)
        self.fetched: list[set[TP]] = []
        self.waits_s: list[float] = []
        self.sought: list[dict[TP, int]] = []
        self.slept_s: list[float] = []
        self.refuses_to_seek = False

    async def fetch(self, partitions: set[TP], within_s: float, most: int) -> Fetched:
        self.fetched.append(partitions)
        self.waits_s.append(within_s)
        return self.answers.pop(0) if self.answers else Fetched({}, {})

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        if self.refuses_to_seek:
            raise IllegalStateError("not assigned")
        self.sought.append(dict(partitions))

    async def sleep(self, n: float) -> None:
        self.slept_s.append(n)


@dataclass
class World:
    """An intake and all around it. The clock stands still unless it is told to move."""

    driver: FakeDriver
    cluster: FakeCluster = field(default_factory=FakeCluster)
    store: MemoryStore = field(default_factory=MemoryStore)
    places: Places = field(default_factory=Places)
    now: Now = NOW
    salvaged: list[Piece] | Exception = field(default_factory=list)
    asked: list[tuple[str, bytes, int, int]] = field(default_factory=list)
    lost: list[tuple[Page, Loss, str]] = field(default_factory=list)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.places.assign(BOTH)
        self.intake = Intake(
            places=self.places,
            cluster=cast("Cluster", self.cluster),
            store=self.store,
            until_there=self._until_there,
            salvage=self._salvage,
            set_aside=self._set_aside,
            now=lambda: self.now,
            most=Most(2, 1_000),
            fetch_records=16,
            linger_s=0.02,
        )

    async def take(self) -> dict[TP, list[FetchedPage]]:
        return await self.intake.take(self.driver, BOTH, 1.0)

    async def _until_there(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        return await ask()

    async def _salvage(self, *asked: Any) -> list[Piece]:
        self.asked.append(asked)
        if isinstance(self.salvaged, Exception):
            raise self.salvaged
        return self.salvaged

    async def _set_aside(self, page: Page, loss: Loss, why: str) -> None:
        self.lost.append((page, loss, why))
        await self.store.quarantine(page, loss, why)


def told(pages: list[FetchedPage]) -> list[tuple[int, int, Loss | None]]:
    return [(page.base, page.next, page.loss) for page in pages]


async def hold(store: MemoryStore, base: int, next: int) -> None:
    await store.write(
        Page(
            topic=PARTITION.topic,
            topic_id=TOPIC_ID,
            partition=PARTITION.partition,
            base=base,
            next=next,
            events=(),
        )
    )


# ---------------------------------------------------------------- placing


async def test_every_partition_is_placed_where_the_store_stands_before_it_is_fetched() -> None:
    world = World(FakeDriver())
    await hold(world.store, 0, 40)

    await world.take()

    assert [{PARTITION: 40}, {OTHER: 0}] == sorted(world.driver.sought, key=str)
    assert [set(BOTH)] == world.driver.fetched
    assert {PARTITION: 40, OTHER: 0} == world.places.frontiers()


async def test_offsets_that_the_log_lost_before_it_was_placed_are_noted_in_the_store() -> None:
    world = World(FakeDriver())
    await hold(world.store, 0, 40)
    world.cluster.logs[PARTITION.topic].start = 55

    await world.take()

    ((page, loss, why),) = world.lost
    assert (40, 55, (), "retention") == (page.base, page.next, page.events, loss)
    assert "begins at offset 55" in why
    assert {3: 55} == await world.store.frontier(TOPIC_ID)
    assert 55 == world.places.expected(PARTITION)


async def test_offsets_that_the_store_never_knew_are_no_loss() -> None:
    world = World(FakeDriver())
    world.cluster.logs[PARTITION.topic].start = 55

    await world.take()

    assert [] == world.lost
    assert 55 == world.places.expected(PARTITION)


async def test_log_that_ends_below_the_frontier_stops_its_partition_and_the_other_is_fetched() -> None:
    world = World(FakeDriver())
    await hold(world.store, 0, 101)

    await world.take()

    assert [PARTITION] == list(world.places.stopped)
    assert [{OTHER}] == world.driver.fetched


async def hold_event(store: MemoryStore, owner_epoch: int = 0, leader_epoch: int = 0) -> None:
    page = Page(
        topic=PARTITION.topic,
        topic_id=TOPIC_ID,
        partition=PARTITION.partition,
        base=0,
        next=40,
        events=(),
        owner_epoch=owner_epoch,
        leader_epoch=leader_epoch,
    )
    await store.write(page)


async def test_a_log_that_lost_its_end_has_the_store_cut_and_is_fetched_from_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(FakeDriver())
    await hold_event(world.store)
    log = world.cluster.logs[PARTITION.topic]
    log.leader_epoch, log.epoch_ends = 1, {0: 25}
    before = truncated()

    await world.take()
    assert {3: 25} == await world.store.frontier(TOPIC_ID)
    await world.take()

    assert 25 == world.places.expected(PARTITION)
    assert {3: Owned(1, 0)} == await world.store.owned(TOPIC_ID)
    assert 15 == truncated() - before
    assert "the log has lost its end, offsets 25 to 39 go from the store too" in caplog.text


async def test_pages_fetched_behind_a_cut_are_of_the_new_owner_epoch() -> None:
    world = World(FakeDriver(Fetched({}, {}), Fetched({PARTITION: records(25)}, {})))
    await hold_event(world.store)
    log = world.cluster.logs[PARTITION.topic]
    log.leader_epoch, log.epoch_ends = 1, {0: 25}
    await world.take()

    (page,) = (await world.take())[PARTITION]

    assert (1, 1) == (page.owner_epoch, page.leader_epoch)


async def test_a_new_leader_epoch_alone_costs_nothing() -> None:
    world = World(FakeDriver())
    await hold_event(world.store)
    log = world.cluster.logs[PARTITION.topic]
    log.leader_epoch, log.epoch_ends = 1, {0: 60}

    await world.take()

    assert 40 == world.places.expected(PARTITION)


async def test_records_that_were_fetched_in_another_leader_epoch_are_fetched_again() -> None:
    world = World(FakeDriver(Fetched({}, {}), Fetched({PARTITION: records(0, 1), OTHER: records(0)}, {})))
    await world.take()
    world.cluster.logs[PARTITION.topic].leader_epoch = 1

    pages = await world.take()

    assert ([], 1) == (pages[PARTITION], len(pages[OTHER]))
    assert {PARTITION} == world.places.unplaced


def truncated() -> float:
    return AGENT_TRUNCATED.labels(*PARTITION)._value.get()


async def test_partition_that_cannot_be_placed_holds_up_no_other_and_is_tried_again_in_a_moment() -> None:
    world = World(FakeDriver())
    world.cluster.away.add(PARTITION.topic)

    await world.take()
    world.cluster.away.clear()
    await world.take()

    assert {PARTITION: "nobody tells of quakes"} == world.places.waiting
    assert [{OTHER}, {OTHER}] == world.driver.fetched
    assert [] == world.driver.slept_s
    assert [AGAIN_S, AGAIN_S] == world.driver.waits_s

    world.now = Now(0, NOW.steady_us + round(AGAIN_S * 1e6))
    await world.take()

    assert {} == world.places.waiting
    assert set(BOTH) == world.driver.fetched[-1]
    assert 1.0 == world.driver.waits_s[-1]


async def test_what_keeps_a_partition_waiting_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World(FakeDriver())
    world.cluster.away.add(PARTITION.topic)

    for turn in range(3):
        world.now = Now(0, turn * round(AGAIN_S * 1e6))
        await world.take()

    assert ["quakes/3 cannot be placed yet: nobody tells of quakes"] == caplog.messages


async def test_topic_that_is_gone_and_partition_without_ends_are_put_off() -> None:
    world = World(FakeDriver())
    del world.cluster.logs[PARTITION.topic]
    world.places.assign([PARTITION, OTHER, OTHER._replace(partition=9)])

    await world.take()

    assert {PARTITION, OTHER._replace(partition=9)} == world.places.waiting.keys()
    assert "quakes" in world.places.waiting[PARTITION]


async def test_topic_that_another_has_taken_the_place_of_is_put_off() -> None:
    world = World(FakeDriver())
    world.places.assign([PARTITION])
    world.places.put(PARTITION, TOPIC_ID, 0, now_us=0)
    world.places.put(PARTITION, NEW_ID, 0, now_us=0)
    world.places.rewind_all()

    await world.take()

    assert {PARTITION: "its topic is being made anew"} == world.places.waiting


async def test_without_a_partition_there_is_a_pause() -> None:
    world = World(FakeDriver())
    world.cluster.away.update(tp.topic for tp in BOTH)

    assert {} == await world.take()

    assert [AGAIN_S] == world.driver.slept_s
    assert [] == world.driver.fetched


@pytest.mark.parametrize("when", ["frontier", "seek"])
async def test_partition_that_went_to_others_meanwhile_is_not_placed(when: str) -> None:
    world = World(FakeDriver())
    world.places.assign([PARTITION])

    class Revoked(MemoryStore):
        async def frontier(self, topic_id: bytes) -> dict[int, int]:
            if when == "frontier":
                world.places.assign([])
            return {}

    async def seek(_: Mapping[TP, int]) -> None:
        world.places.assign([])

    world.intake.store = Revoked()
    world.driver.seek_wait = seek  # type: ignore[method-assign]
    await world.take()

    assert {} == world.places.frontiers()


# ---------------------------------------------------------------- pages


async def test_what_was_fetched_is_cut_into_pages() -> None:
    world = World(FakeDriver(Fetched({PARTITION: records(0, 1, 2), OTHER: records(7)}, {})))

    pages = await world.take()

    assert [(0, 2, None), (2, 3, None)] == told(pages[PARTITION])
    assert [(0, 8, None)] == told(pages[OTHER])


async def test_records_that_the_log_lost_before_they_were_fetched_are_a_page_in_their_turn() -> None:
    world = World(FakeDriver(Fetched({PARTITION: records(0, 1)}, {}), Fetched({PARTITION: records(30)}, {})))
    await world.take()
    world.cluster.logs[PARTITION.topic].start = 20

    pages = await world.take()

    assert [(2, 20, "retention"), (20, 31, None)] == told(pages[PARTITION])


async def test_natural_holes_are_no_loss() -> None:
    world = World(FakeDriver(Fetched({PARTITION: records(0, 1)}, {}), Fetched({PARTITION: records(30)}, {})))
    await world.take()

    assert [(2, 31, None)] == told((await world.take())[PARTITION])


async def test_records_of_a_topic_made_anew_are_not_taken_for_those_of_the_old_one() -> None:
    world = World(FakeDriver(Fetched({PARTITION: records(0), OTHER: records(0)}, {})))
    await world.take()
    world.driver.answers.append(Fetched({PARTITION: records(1), OTHER: records(1)}, {}))
    world.cluster.logs[PARTITION.topic] = Log(NEW_ID)

    pages = await world.take()

    assert ([], [(1, 2, None)]) == (told(pages[PARTITION]), told(pages[OTHER]))
    assert {PARTITION} == world.places.unplaced


async def test_records_that_cannot_be_verified_are_fetched_again() -> None:
    world = World(FakeDriver())
    await world.take()
    world.driver.answers.append(Fetched({PARTITION: records(0)}, {}))
    world.cluster.away.add(PARTITION.topic)

    assert {} == await world.take()

    assert set(BOTH) == world.places.unplaced


async def test_small_pages_fill_while_earlier_ones_are_not_stored() -> None:
    world = World(FakeDriver(Fetched({PARTITION: records(0)}, {})))

    (page,) = (await world.take())[PARTITION]
    assert [] == world.driver.slept_s
    await world.take()
    assert [0.02] == world.driver.slept_s

    world.places.stored(page, now_us=0)
    await world.take()
    assert [0.02] == world.driver.slept_s


async def test_full_pages_are_not_waited_for() -> None:
    world = World(FakeDriver(Fetched({PARTITION: records(0, 1)}, {})))

    await world.take()
    await world.take()

    assert [] == world.driver.slept_s


# ---------------------------------------------------------------- what the driver cannot read

PIECES = [
    Piece([Record(0, 1, b"key", b"before")], 1),
    Piece([Record(1, 1, b"key", b"wrong")], 2, "the name of a header is not UTF-8"),
    Piece([], 5, "a damaged batch"),
    Piece([Record(6, 1, b"key", b"behind", (("name", None),))], 9),
]


async def test_partition_that_the_driver_cannot_read_is_read_piece_by_piece_and_the_other_never_notices() -> None:
    world = World(FakeDriver(Fetched({OTHER: records(0)}, {PARTITION: BROKEN})), salvaged=PIECES)

    pages = await world.take()

    assert [("quakes", TOPIC_ID, 3, 0)] == world.asked
    assert [(0, 1, None), (1, 2, "quarantine"), (2, 5, "quarantine"), (5, 7, None), (7, 9, None)] == told(
        pages[PARTITION]
    )
    assert ["", "the name of a header is not UTF-8", "a damaged batch", "", ""] == [
        page.why for page in pages[PARTITION]
    ]
    assert [b"before", b"wrong", b"behind"] == [record.value for page in pages[PARTITION] for record in page.records]
    assert [(0, 1, None)] == told(pages[OTHER])


async def test_driver_goes_on_behind_what_was_read_without_it() -> None:
    world = World(FakeDriver(Fetched({}, {PARTITION: BROKEN})), salvaged=PIECES)
    await world.take()
    del world.driver.sought[:]

    await world.take()
    await world.take()

    assert [{PARTITION: 9}] == world.driver.sought


async def test_partition_of_which_nothing_was_there_is_tried_again() -> None:
    world = World(FakeDriver(Fetched({}, {PARTITION: BROKEN})))

    assert {PARTITION: []} == await world.take()

    del world.driver.sought[:]
    await world.take()
    assert [{PARTITION: 0}] == world.driver.sought


@pytest.mark.parametrize("failure", [BrokerError("away"), UnknownTopic("quakes")])
async def test_partition_that_nobody_can_read_for_now_is_put_off(failure: Exception) -> None:
    world = World(FakeDriver(Fetched({OTHER: records(0)}, {PARTITION: BROKEN})), salvaged=failure)

    pages = await world.take()

    assert [OTHER] == list(pages)
    assert str(failure) in world.places.waiting[PARTITION]
    assert "invalid start byte" in world.places.waiting[PARTITION]


async def test_driver_that_cannot_go_on_there_is_placed_anew() -> None:
    world = World(FakeDriver(Fetched({}, {PARTITION: BROKEN})), salvaged=PIECES)
    await world.take()
    world.driver.refuses_to_seek = True

    await world.take()

    assert {PARTITION} == world.places.unplaced
    world.driver.refuses_to_seek = False
    await world.take()
    assert {PARTITION: 0} == world.driver.sought[-1]


async def test_partition_that_went_to_others_meanwhile_is_not_read_without_the_driver() -> None:
    world = World(FakeDriver(Fetched({}, {TP("others", 0): BROKEN})), salvaged=PIECES)

    assert {} == await world.take()

    assert [] == world.asked


async def test_pieces_of_a_topic_made_anew_are_not_taken_for_those_of_the_old_one() -> None:
    world = World(FakeDriver(), salvaged=PIECES)
    await world.take()
    world.driver.answers.append(Fetched({}, {PARTITION: BROKEN}))
    world.cluster.logs[PARTITION.topic] = Log(NEW_ID)

    assert {PARTITION: []} == await world.take()
