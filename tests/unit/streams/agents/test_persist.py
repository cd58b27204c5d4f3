"""Pages are written until they are held; gaps rewind, poison goes into quarantine, an absent store is waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import cast

import pytest
from faust.types import StreamT
from prometheus_client import REGISTRY

from streams.agents.persist import FAULTS, Keeper, Patience, persist
from streams.models import FetchedPage, LostRecords
from streams.places import Most, Places
from tests.unit.streams.fetched import NOW, OTHER, OTHER_ID, PARTITION, TOPIC_ID, cut, placed, records
from tivo.model.errors import RecordError, StoreError
from tivo.model.event import Loss, Page
from tivo.model.timeline import Now, Window
from tivo.store.base import Written
from tivo.store.memory import MemoryStore


class DoorStore(MemoryStore):
    """A store whose door fails as told: `check` is asked before pages are written."""

    def __init__(self, check: Callable[[list[Page]], None] = lambda _: None) -> None:
        super().__init__()
        self.check = check
        self.writes: list[int] = []

    async def write_all(self, pages: list[Page]) -> list[Written]:
        self.writes.append(sum(len(page.events) for page in pages))
        self.check(pages)
        return await super().write_all(pages)


class Clock:
    """A steady clock that moves on by a second each time it is read."""

    def __init__(self) -> None:
        self.us = 0

    def __call__(self) -> int:
        self.us += 1_000_000
        return self.us


def keeper(store: DoorStore, places: Places) -> Keeper:
    return Keeper(store, places, Patience(Clock()), lambda: NOW)


async def hold_below_two(store: DoorStore) -> None:
    page = Page(topic="quakes", topic_id=TOPIC_ID, partition=3, base=0, next=2, events=())
    await MemoryStore.write_all(store, [page])


async def offsets(store: DoorStore) -> list[int]:
    return [event.offset for event in (await store.read(TOPIC_ID, Window(), limit=1_000)).events]


async def test_pages_are_written_in_one_transaction_and_the_frontier_moves() -> None:
    store, places = DoorStore(), placed()

    await keeper(store, places).keep(cut(places, *range(10), page_events=4))

    assert [10] == store.writes
    assert list(range(10)) == await offsets(store)
    assert {PARTITION: 10} == places.frontiers()


async def test_stale_pages_are_left_out() -> None:
    store, places = DoorStore(), placed()
    pages = cut(places, 0, 1)
    places.rewind(PARTITION)

    await keeper(store, places).keep(pages)

    assert [] == store.writes


async def test_gap_rewinds_its_partition_and_the_others_are_written() -> None:
    store, places = DoorStore(), placed(5)
    await MemoryStore.write_all(
        store, [Page(topic="quakes", topic_id=TOPIC_ID, partition=3, base=0, next=2, events=())]
    )
    places.unplaced.add(OTHER)
    places.put(OTHER, OTHER_ID, 0, now_us=0)
    pages = cut(places, 5, 6) + places.cut(OTHER, records(0), most=Most(9, 999), now=NOW)

    await keeper(store, places).keep(pages)

    assert {PARTITION} == places.unplaced
    assert {OTHER: 1} == places.frontiers()
    assert {3: 2} == await store.frontier(TOPIC_ID)


async def test_gap_alone_writes_nothing_more() -> None:
    store, places = DoorStore(), placed(5)
    await MemoryStore.write_all(
        store, [Page(topic="quakes", topic_id=TOPIC_ID, partition=3, base=0, next=2, events=())]
    )

    await keeper(store, places).keep(cut(places, 5))

    assert [1] == store.writes
    assert {PARTITION} == places.unplaced


def refuse(*offsets: int) -> Callable[[list[Page]], None]:
    def check(pages: list[Page]) -> None:
        if any(event.offset in offsets for page in pages for event in page.events):
            raise RecordError("cannot be stored")

    return check


async def test_poison_is_found_by_halving_and_goes_into_quarantine() -> None:
    store, places = DoorStore(refuse(5)), placed()

    await keeper(store, places).keep(cut(places, *range(8)))

    assert [0, 1, 2, 3, 4, 6, 7] == await offsets(store)
    assert {PARTITION: 8} == places.frontiers()
    rows = await store.ledger(TOPIC_ID, above={}, upto={3: 8})
    assert [(5, 6)] == [(row.base, row.next) for row in rows if row.loss == "quarantine"]


async def test_page_at_fault_is_tried_again_before_it_is_cut() -> None:
    store, places = DoorStore(refuse(0)), placed()

    await keeper(store, places).keep(cut(places, 0))

    assert [1] * (1 + FAULTS) == store.writes


async def test_fault_that_passes_sets_nothing_aside() -> None:
    store, places = DoorStore(refuse(0)), placed()

    def pass_after_two(pages: list[Page]) -> None:
        if len(store.writes) < 3:
            raise ValueError("a hiccup")

    store.check = pass_after_two
    await keeper(store, places).keep(cut(places, 0, 1))

    assert [0, 1] == await offsets(store)


async def test_gap_among_single_pages_rewinds_and_skips_the_rest_of_the_partition() -> None:
    store, places = DoorStore(), placed(2)
    await hold_below_two(store)
    pages = cut(places, *range(2, 8), page_events=2)

    def fault_then_gap(written: list[Page]) -> None:
        if len(written) > 1:
            raise RecordError("one of them cannot be stored")

    store.check = fault_then_gap
    await keeper(store, places).keep(pages[1:])  # the first of them was lost

    assert [4, 2] == store.writes
    assert {PARTITION} == places.unplaced


async def test_fault_of_ours_leaves_the_agent() -> None:
    def fail(_: list[Page]) -> None:
        raise AssertionError("a bug")

    store, places = DoorStore(fail), placed()
    held = keeper(store, places)

    with pytest.raises(AssertionError, match="a bug"):
        await held.keep(cut(places, 0))
    assert not held.busy


async def test_fault_of_ours_in_a_single_page_leaves_the_agent() -> None:
    def fail(_: list[Page]) -> None:
        raise RecordError("no") if len(store.writes) == 1 else AssertionError("a bug")

    store, places = DoorStore(fail), placed()

    with pytest.raises(AssertionError, match="a bug"):
        await keeper(store, places).keep(cut(places, 0))


# ---------------------------------------------------------------- losses


def lose(places: Places, upto: int, loss: Loss = "quarantine", *offsets: int) -> list[FetchedPage]:
    return places.lose(PARTITION, LostRecords(records(*offsets), upto, loss, "why"), now=NOW)


async def losses(store: DoorStore) -> list[tuple[int, int, str]]:
    return [each[1:] for each in await store.lost(TOPIC_ID, Window(), above={}, upto={3: 100})]


async def test_losses_are_noted_in_turn_between_what_is_held() -> None:
    store, places = DoorStore(), placed()
    pages = cut(places, 0, 1) + lose(places, 5, "retention") + lose(places, 7, "quarantine", 5) + cut(places, 7, 8)

    await keeper(store, places).keep(pages)

    assert [2, 2] == store.writes
    assert [0, 1, 7, 8] == await offsets(store)
    assert [(2, 5, "retention"), (5, 7, "quarantine")] == await losses(store)
    assert {PARTITION: 9} == places.frontiers()


async def test_loss_beyond_the_frontier_rewinds_its_partition_and_the_rest_of_it_is_left() -> None:
    store, places = DoorStore(), placed(5)
    await hold_below_two(store)

    await keeper(store, places).keep(lose(places, 7) + lose(places, 8) + cut(places, 8))

    assert [] == await losses(store)
    assert [] == store.writes
    assert {PARTITION} == places.unplaced


async def test_loss_waits_for_a_store_that_is_away() -> None:
    class Away(DoorStore):
        async def quarantine(self, page: Page, loss: Loss, why: str) -> None:
            self.writes.append(0)
            if len(self.writes) < 3:
                raise StoreError("away")
            await super().quarantine(page, loss, why)

    store, places = Away(), placed()

    await keeper(store, places).keep(lose(places, 4))

    assert [0] * 3 == store.writes
    assert [(0, 4, "quarantine")] == await losses(store)


@pytest.mark.parametrize(
    ("loss", "offsets_seen", "counter", "more"),
    [
        ("quarantine", (0, 1), "tivo_agent_quarantined_events_total", 2),
        ("quarantine", (), "tivo_agent_quarantined_events_total", 9),
        ("retention", (), "tivo_agent_gap_offsets_total", 9),
    ],
)
async def test_losses_are_counted(loss: Loss, offsets_seen: tuple[int, ...], counter: str, more: int) -> None:
    labels = {"topic": "quakes"} | ({"partition": "3"} if loss == "retention" else {})
    before = REGISTRY.get_sample_value(counter, labels) or 0
    places = placed()

    await keeper(DoorStore(), places).keep(lose(places, 9, loss, *offsets_seen))

    assert more == (REGISTRY.get_sample_value(counter, labels) or 0) - before


# ---------------------------------------------------------------- patience


async def test_store_that_is_away_is_asked_again_until_it_answers() -> None:
    patience = Patience(Clock())
    asked: list[int] = []

    async def ask() -> str:
        asked.append(patience.away_us())
        if len(asked) < 4:
            raise StoreError("away")
        return "there"

    assert "there" == await patience.until_there(ask)
    assert 0 == asked[0] < asked[1] < asked[2] < asked[3]
    assert 0 == patience.away_us()


async def test_other_errors_are_not_waited_out() -> None:
    async def ask() -> None:
        raise RecordError("no")

    with pytest.raises(RecordError):
        await Patience(Clock()).until_there(ask)


def test_busy_ends_with_the_write() -> None:
    assert not Keeper(MemoryStore(), Places(), Patience(lambda: 0), lambda: Now(0, 0)).busy


# ---------------------------------------------------------------- the agent


class Stream:
    """A stream of pages, and the queue behind it from which the agent may take more."""

    def __init__(self, *pages: FetchedPage) -> None:
        self.channel = self
        self.queue: asyncio.Queue[SimpleNamespace] = asyncio.Queue()
        for page in pages:
            self.queue.put_nowait(SimpleNamespace(value=page))

    async def __aiter__(self) -> AsyncIterator[FetchedPage]:
        while not self.queue.empty():
            yield self.queue.get_nowait().value


async def kept(pages: list[FetchedPage], *, most_pages: int, most_events: int) -> list[int]:
    """How many events went into each transaction."""
    store, places = DoorStore(), placed()
    agent = persist(keeper(store, places), most_pages=most_pages, most_events=most_events)
    await agent(cast("StreamT[FetchedPage]", Stream(*pages)))
    return store.writes


@pytest.mark.parametrize(
    ("most_pages", "most_events", "told"), [(9, 99, [10]), (2, 99, [4, 4, 2]), (9, 5, [6, 4]), (1, 99, [2] * 5)]
)
async def test_pages_that_wait_share_a_transaction_up_to_the_bounds(
    most_pages: int, most_events: int, told: list[int]
) -> None:
    pages = cut(placed(), *range(10), page_events=2)

    assert told == await kept(pages, most_pages=most_pages, most_events=most_events)
