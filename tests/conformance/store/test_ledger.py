"""The ledger tells from when to when a range of offsets lies, and what was set aside."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.stores import (
    BUCKET_US,
    EXAMPLES,
    FOREVER,
    KINDS,
    TOPIC,
    TOPIC_ID,
    event,
    everything,
    fresh,
    page,
    read,
    row,
)
from tivo.model.errors import PageGap
from tivo.model.event import Page
from tivo.model.timeline import SECOND_US
from tivo.store.base import LedgerRow, Store, Written


async def test_row_tells_what_a_page_held(store: Store) -> None:
    await store.write(page(event(3, 50), event(5, 20), base=2, next=9))

    assert [LedgerRow(0, 2, 9, 20, 50, 2)] == await store.ledger(TOPIC_ID, above={}, upto={0: 99})


async def test_trimmed_page_tells_of_its_rest_alone(store: Store) -> None:
    await store.write(row(0, 10, 20))
    await store.write(row(0, 10, 20, 30))

    assert [LedgerRow(0, 2, 3, 30, 30, 1)] == await store.ledger(TOPIC_ID, above={0: 2}, upto={0: 3})


async def test_rows_are_those_that_touch_the_offsets(store: Store) -> None:
    await store.write_all([row(0, 1, 1, 1), row(3, 2, 2), row(5, 3, 3, 3), row(0, 4, 4, partition=1)])

    async def bases(above: dict[int, int], upto: dict[int, int]) -> list[tuple[int, int]]:
        return [(row.partition, row.base) for row in await store.ledger(TOPIC_ID, above=above, upto=upto)]

    assert [(0, 0), (0, 3), (0, 5), (1, 0)] == await bases({}, {0: 8, 1: 2})
    assert [(0, 3)] == await bases({0: 3}, {0: 5})
    assert [(0, 0), (0, 3)] == await bases({0: 2}, {0: 4})
    assert [(0, 5)] == await bases({0: 7}, {0: 99})
    assert [(1, 0)] == await bases({0: 0}, {1: 1})
    assert [] == await bases({0: 8, 1: 2}, {0: 99, 1: 99})
    assert [] == await bases({0: 4}, {0: 4})


async def test_quarantined_page_moves_the_frontier_and_tells_why(store: Store) -> None:
    await store.write(row(0, 1, 2))

    await store.quarantine(row(2, 3, 4), "quarantine", "a value beyond 16 MiB")

    assert {0: 4} == await store.frontier(TOPIC_ID)
    assert [0, 1] == [event.offset for event in await everything(store)]
    assert [LedgerRow(0, 2, 4, 3, 4, 0, "quarantine", "a value beyond 16 MiB")] == await store.ledger(
        TOPIC_ID, above={0: 2}, upto={0: 4}
    )
    assert Written.STORED == await store.write(row(4, 5))


async def test_page_that_contradicts_itself_can_be_set_aside(store: Store) -> None:
    await store.quarantine(page(event(7, 1), event(6, 2), base=0, next=9), "quarantine", "out of order")

    assert {0: 9} == await store.frontier(TOPIC_ID)


async def test_quarantine_compares_the_frontier(store: Store) -> None:
    await store.write(row(0, 1, 2))

    await store.quarantine(row(0, 1, 2), "quarantine", "came again")
    with pytest.raises(PageGap):
        await store.quarantine(row(9, 1), "quarantine", "too far")

    assert [LedgerRow(0, 0, 2, 1, 2, 2)] == await store.ledger(TOPIC_ID, above={}, upto={0: 99})


async def test_offsets_lost_before_they_came_are_told(store: Store) -> None:
    await store.write(row(0, 1, 2))

    lost = Page(topic=TOPIC, topic_id=TOPIC_ID, partition=0, base=2, next=50, events=())
    await store.quarantine(lost, "retention", "the log begins at 50")

    assert {0: 50} == await store.frontier(TOPIC_ID)
    assert [LedgerRow(0, 2, 50, None, None, 0, "retention", "the log begins at 50")] == await store.ledger(
        TOPIC_ID, above={0: 10}, upto={0: 20}
    )


async def test_merged_ledger_is_shorter_and_tells_the_same(store: Store) -> None:
    for offset in range(200):
        await store.write(row(offset, offset * SECOND_US // 100))
    await store.quarantine(row(200, 9), "quarantine", "set aside")
    for offset in range(201, 300):
        await store.write(row(offset, offset * SECOND_US // 100))

    await store.merge(before_us=BUCKET_US, limit=1_000)

    rows = await store.ledger(TOPIC_ID, above={}, upto={0: 300})
    assert [(200, 201)] == [(row.base, row.next) for row in rows if row.loss]
    assert 299 == sum(row.events for row in rows)
    assert [row.next for row in rows[:-1]] == [row.base for row in rows[1:]]


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data(), ends=st.lists(st.integers(1, 12), min_size=1, max_size=30))
def test_late_events_are_never_denied(kind: str, data: st.DataObject, ends: list[int]) -> None:
    """Where no row of a range of offsets begins at or before a time, no event of the range does."""
    count = sum(ends)
    seconds = data.draw(st.lists(st.integers(0, 30), min_size=count, max_size=count))
    events = [event(offset, second * SECOND_US) for offset, second in enumerate(seconds)]

    async def compare() -> None:
        async with fresh(kind) as store:
            base = 0
            for size in ends:
                await store.write(page(*events[base : base + size]))
                base += size
            await store.merge(before_us=60 * SECOND_US, limit=50)
            above, upto = data.draw(st.integers(0, count)), data.draw(st.integers(0, count))
            rows = await store.ledger(TOPIC_ID, above={0: above}, upto={0: upto})
            for asked in await read(store, FOREVER, above={0: above}, upto={0: upto}, limit=1_000):
                assert any(
                    row.min_time_us is not None and row.min_time_us <= asked.time_us <= (row.max_time_us or 0)
                    for row in rows
                )

    asyncio.run(compare())
