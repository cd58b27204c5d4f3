"""The end of a partition is cut off where the log has lost its own: all of that is gone, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.stores import EXAMPLES, FOREVER, KINDS, TOPIC_ID, event, everything, fresh, page, read, row
from tivo.model.errors import PageGap, StalePage
from tivo.model.event import Lost, Page
from tivo.model.timeline import SECOND_US, Window
from tivo.store.base import Owned, Store

HOUR = Window(0, 3_600 * SECOND_US)


def owned_by(epoch: int, made: Page, leader_epoch: int = -1) -> Page:
    return Page(
        topic=made.topic,
        topic_id=made.topic_id,
        partition=made.partition,
        base=made.base,
        next=made.next,
        events=made.events,
        owner_epoch=epoch,
        leader_epoch=leader_epoch,
    )


async def test_what_lies_at_or_beyond_the_cut_is_gone(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))
    await store.write(row(3, 4, 5, 6))

    assert 1 == await store.cut(TOPIC_ID, 0, 4)

    assert {0: 4} == await store.frontier(TOPIC_ID)
    assert [0, 1, 2, 3] == [each.offset for each in await read(store, FOREVER, limit=10)]
    (told,) = await store.topics()
    assert (4, 1, 4) == (told.events, told.first_us, told.last_us)
    assert [(0, 3, 3), (3, 4, 1)] == [
        (each.base, each.next, each.events) for each in await store.ledger(TOPIC_ID, above={}, upto={0: 10})
    ]


async def test_counts_are_those_of_what_is_left(store: Store) -> None:
    await store.write(page(*(event(offset, offset * SECOND_US) for offset in range(10))))

    await store.cut(TOPIC_ID, 0, 4)

    assert 4 == sum((await store.overview(TOPIC_ID, HOUR, 60)).counts)


async def test_the_offsets_are_used_again_by_whoever_took_his_place_since(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))
    await store.cut(TOPIC_ID, 0, 2)
    again = page(event(2, 77, value=b"another"))

    with pytest.raises(StalePage, match="of owner epoch 0, the store is at 1"):
        await store.write(again)
    await store.write(owned_by(1, again))

    assert b"another" == (await read(store, FOREVER, limit=10))[-1].value
    assert {0: 3} == await store.frontier(TOPIC_ID)


async def test_a_page_that_is_stale_is_a_gap_to_whoever_rewinds(store: Store) -> None:
    await store.write(row(0, 1))
    await store.cut(TOPIC_ID, 0, 0)

    with pytest.raises(PageGap):
        await store.quarantine(row(0, 1), "quarantine", "broken")


async def test_a_cut_at_or_beyond_the_frontier_changes_nothing(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))

    assert 0 == await store.cut(TOPIC_ID, 0, 3)
    assert 0 == await store.cut(TOPIC_ID, 0, 9)
    assert 0 == await store.cut(TOPIC_ID, 1, 0)
    assert 0 == await store.cut(b"another topic id", 0, 0)

    assert 3 == len(await read(store, FOREVER, limit=10))
    assert {0: Owned(0, -1)} == await store.owned(TOPIC_ID)


async def test_everything_may_go(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))

    await store.cut(TOPIC_ID, 0, 0)

    assert [] == await read(store, FOREVER, limit=10)
    assert [] == await store.ledger(TOPIC_ID, above={}, upto={0: 10})
    assert {0: 0} == await store.frontier(TOPIC_ID)
    (told,) = await store.topics()
    assert (0, 0, None, None) == (told.events, told.value_bytes, told.first_us, told.last_us)


async def test_the_leader_epoch_of_the_last_page_is_kept(store: Store) -> None:
    assert {} == await store.owned(TOPIC_ID)
    await store.write(owned_by(0, row(0, 1), leader_epoch=4))
    await store.write(owned_by(0, row(1, 2), leader_epoch=5))

    assert {0: Owned(0, 5)} == await store.owned(TOPIC_ID)
    await store.cut(TOPIC_ID, 0, 1)

    assert {0: Owned(1, 5)} == await store.owned(TOPIC_ID)


async def test_losses_beyond_the_cut_are_forgotten(store: Store) -> None:
    await store.write(row(0, 1, 2))
    await store.quarantine(row(2, 1, 2, 3, 4), "retention", "gone")

    await store.cut(TOPIC_ID, 0, 4)

    assert [Lost(0, 2, 4, "retention")] == await store.lost(TOPIC_ID, FOREVER, above={}, upto={0: 10})


async def test_merged_pages_are_cut_too(store: Store) -> None:
    for offset in range(20):
        await store.write(page(event(offset, (offset * 7 % 20) * SECOND_US)))
    await store.merge(before_us=10**15, limit=100)

    await store.cut(TOPIC_ID, 0, 9)

    assert set(range(9)) == {each.offset for each in await read(store, FOREVER, limit=100)}
    assert 9 == sum((await store.overview(TOPIC_ID, HOUR, 60)).counts)


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data())
async def test_a_cut_store_is_one_that_never_held_more(kind: str, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    at = data.draw(st.integers(0, sum(sizes)))
    times = data.draw(st.lists(st.integers(0, 90), min_size=sum(sizes), max_size=sum(sizes)))
    events = [event(offset, time * SECOND_US) for offset, time in enumerate(times)]
    bases = [sum(sizes[:number]) for number in range(len(sizes))]
    async with fresh(kind) as cut, fresh(kind) as whole:
        for base, size in zip(bases, sizes, strict=True):
            await cut.write(page(*events[base : base + size]))
        await cut.write(page(event(0, 5, partition=1)))
        await whole.write(page(event(0, 5, partition=1)))
        if at:
            await whole.write(page(*events[:at]))

        await cut.cut(TOPIC_ID, 0, at)

        assert await everything(whole) == await everything(cut)
        assert await whole.overview(TOPIC_ID, HOUR, 600) == await cut.overview(TOPIC_ID, HOUR, 600)
        if at:
            assert await whole.topics() == await cut.topics()
