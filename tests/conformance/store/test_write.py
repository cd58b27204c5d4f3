"""A write compares the page with the frontier and sets both or nothing."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.stores import (
    EXAMPLES,
    FOREVER,
    KINDS,
    TOPIC,
    TOPIC_ID,
    Model,
    event,
    everything,
    fresh,
    page,
    read,
    row,
)
from tivo.model.errors import PageGap, RecordError, StoreError
from tivo.model.event import Page
from tivo.model.timeline import MAX_TIME_US
from tivo.store.base import LedgerRow, Store, Written


async def test_new_store_holds_nothing(store: Store) -> None:
    assert [] == await store.topics()
    assert {} == await store.frontier(TOPIC_ID)
    assert [] == await read(store, FOREVER, limit=10)
    assert [] == await store.ledger(TOPIC_ID, above={}, upto={0: 10})


async def test_event_comes_back_as_it_was(store: Store) -> None:
    written = event(3, 5_000_000, value=None)

    await store.write(page(written))

    assert [written] == await read(store, FOREVER, limit=10)


async def test_first_page_sets_the_frontier_wherever_it_begins(store: Store) -> None:
    assert Written.STORED == await store.write(row(100, 1, 2))

    assert {0: 102} == await store.frontier(TOPIC_ID)


async def test_page_at_the_frontier_is_stored(store: Store) -> None:
    await store.write(row(0, 1, 2))

    assert Written.STORED == await store.write(row(2, 3))

    assert {0: 3} == await store.frontier(TOPIC_ID)


async def test_page_below_the_frontier_is_skipped(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))

    assert Written.SKIPPED == await store.write(row(1, 2, 3))

    assert 3 == len(await everything(store))


async def test_page_across_the_frontier_is_trimmed(store: Store) -> None:
    await store.write(row(0, 1, 2))

    assert Written.TRIMMED == await store.write(row(1, 2, 3))

    assert [0, 1, 2] == [event.offset for event in await everything(store)]


async def test_page_beyond_the_frontier_is_refused(store: Store) -> None:
    await store.write(row(0, 1))

    with pytest.raises(PageGap) as refused:
        await store.write(row(2, 3))

    assert (1, 2) == (refused.value.frontier, refused.value.base)
    assert 1 == len(await everything(store))


async def test_one_refused_page_leaves_none_of_its_company(store: Store) -> None:
    await store.write(row(0, 1))

    with pytest.raises(PageGap):
        await store.write_all([row(1, 2), row(0, 1, partition=1), row(5, 6)])

    assert {0: 1} == await store.frontier(TOPIC_ID)
    assert 1 == len(await everything(store))
    assert 1 == (await store.topics())[0].events


async def test_pages_written_together_follow_each_other(store: Store) -> None:
    written = await store.write_all([row(0, 1, 2), row(1, 2, 3), row(2, 3), row(3, 4), row(0, 9, partition=1)])

    expected = [Written.STORED, Written.TRIMMED, Written.SKIPPED, Written.STORED, Written.STORED]
    assert expected == written
    assert {0: 4, 1: 1} == await store.frontier(TOPIC_ID)


async def test_page_without_events_moves_the_frontier(store: Store) -> None:
    await store.write(row(0, 1))

    holes = Page(topic=TOPIC, topic_id=TOPIC_ID, partition=0, base=1, next=9, events=())
    assert Written.STORED == await store.write(holes)

    assert {0: 9} == await store.frontier(TOPIC_ID)
    assert [LedgerRow(0, 1, 9, None, None, 0)] == await store.ledger(TOPIC_ID, above={0: 1}, upto={0: 9})


async def test_natural_holes_are_kept_apart_from_the_count(store: Store) -> None:
    await store.write(page(event(3, 1), event(7, 2), base=0, next=10))

    assert {0: 10} == await store.frontier(TOPIC_ID)
    assert 2 == (await store.topics())[0].events


@pytest.mark.parametrize(
    "contradiction",
    [
        page(event(5, 1), event(4, 2), base=0, next=10),
        page(event(5, 1), base=6, next=10),
        page(event(5, 1), base=0, next=5),
        page(event(5, 1), event(6, 1, partition=1)),
        page(event(5, 1), event(6, 1, topic="else")),
        page(event(5, MAX_TIME_US + 1)),
        page(event(5, 1), topic_id=b"short"),
        Page(topic=TOPIC, topic_id=TOPIC_ID, partition=0, base=5, next=4, events=()),
    ],
)
async def test_page_that_contradicts_itself_is_refused(store: Store, contradiction: Page) -> None:
    with pytest.raises(RecordError, match=TOPIC):
        await store.write_all([row(0, 1, partition=3), contradiction])

    assert [] == await store.topics()


async def test_topic_made_anew_is_another_topic(store: Store) -> None:
    other = bytes(16)
    await store.write(row(0, 1, 2, 3))

    await store.write(page(event(0, 9), topic_id=other))

    assert {0: 3} == await store.frontier(TOPIC_ID)
    assert {0: 1} == await store.frontier(other)
    assert [9] == [event.time_us for event in await everything(store, topic_id=other)]
    assert [(TOPIC, other, 1), (TOPIC, TOPIC_ID, 3)] == [
        (topic.topic, topic.topic_id, topic.events) for topic in await store.topics()
    ]


async def test_topic_id_keeps_its_name(store: Store) -> None:
    await store.write(row(0, 1))

    with pytest.raises(StoreError, match="is named 'sensors' here, the page says 'else'"):
        await store.write(page(event(1, 2, topic="else")))


async def test_topics_tell_what_is_held(store: Store) -> None:
    await store.write_all([row(0, 50, 20), row(0, 70, partition=1), page(event(0, 3, topic="a"), topic_id=bytes(16))])

    first, second = await store.topics()

    assert ("a", bytes(16), 1, 1, 3, 3) == first
    assert (TOPIC, TOPIC_ID, 3, 3, 20, 70) == second


async def test_closed_store_can_be_closed_again() -> None:
    async with fresh("sqlite") as store:
        await store.close()

        with pytest.raises(StoreError, match="closed"):
            await store.topics()


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Slices of one partition's offsets as an agent may send them: any boundaries, again and again, none past a gap."""
    frontier, sent = 0, []
    for _ in range(draw(st.integers(1, 12))):
        base = draw(st.integers(0, frontier))
        end = base + draw(st.integers(0, 9))
        sent.append((base, end))
        frontier = max(frontier, end)
    return sent


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(sent=deliveries(), times=st.lists(st.integers(0, 40), min_size=120, max_size=120))
def test_any_delivery_leaves_each_event_once(kind: str, sent: list[tuple[int, int]], times: list[int]) -> None:
    log = [event(offset, time * 1_000_000) for offset, time in enumerate(times)]

    async def deliver() -> None:
        model = Model()
        async with fresh(kind) as store:
            for base, end in sent:
                delivered = Page(
                    topic=TOPIC, topic_id=TOPIC_ID, partition=0, base=base, next=end, events=tuple(log[base:end])
                )
                model.write(delivered)
                await store.write(delivered)

            frontier = max(end for _, end in sent)
            assert ({0: frontier} if frontier else {}) == await store.frontier(TOPIC_ID)
            assert sorted(log[:frontier]) == await everything(store, limit=7)
            assert frontier == sum(topic.events for topic in await store.topics())

    asyncio.run(deliver())
