"""An overview counts what a read of the same window gives, slice by slice."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.stores import EXAMPLES, FOREVER, KINDS, TOPIC_ID, event, fresh, page, read, row
from tivo.model.event import Event
from tivo.model.timeline import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Window
from tivo.store.base import Overview, Store


def brute_force(events: list[Event], window: Window, overview: Overview) -> list[int]:
    counts = [0] * len(overview.counts)
    for counted in events:
        if counted.time_us in window:
            counts[(counted.time_us - overview.start_us) // overview.width_us] += 1
    return counts


async def test_unknown_topic_counts_nothing(store: Store) -> None:
    assert Overview(0, SECOND_US, [0, 0]) == await store.overview(TOPIC_ID, Window(0, 2 * SECOND_US), 2)


async def test_empty_window_has_no_slices(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))

    assert [] == (await store.overview(TOPIC_ID, Window(2, 2), 10)).counts


async def test_slice_cut_by_the_window_counts_the_inside_alone(store: Store) -> None:
    await store.write(row(0, *(second * SECOND_US // 2 for second in range(400))))

    overview = await store.overview(TOPIC_ID, Window(SECOND_US + 1, 121 * SECOND_US), 3)

    assert Overview(0, MINUTE_US, [117, 120, 2]) == overview


async def test_one_slice_can_reach_across_1970(store: Store) -> None:
    await store.write(row(0, -5, 5))

    assert Overview(-DAY_US, 2 * DAY_US, [2]) == await store.overview(TOPIC_ID, Window(-5, 6), 1)


async def test_trimmed_and_skipped_events_are_counted_once(store: Store) -> None:
    await store.write(row(0, 1, 2, 3))
    await store.write(row(1, 2, 3, 4))
    await store.write(row(0, 1, 2, 3))

    assert 4 == sum((await store.overview(TOPIC_ID, Window(0, HOUR_US), 7)).counts)


async def test_refused_page_is_not_counted(store: Store) -> None:
    await store.quarantine(row(0, 1, 2, 3), "quarantine", "cannot be read")

    assert 0 == sum((await store.overview(TOPIC_ID, Window(0, HOUR_US), 7)).counts)


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(
    pages=st.lists(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=12).map(sorted), max_size=8),
    asked=st.lists(
        st.tuples(st.integers(-50_000, 3_050_000), st.integers(1, 3_000_000), st.integers(1, 1_200)),
        min_size=1,
        max_size=5,
    ),
    merged=st.booleans(),
)
def test_finest_slices_equal_brute_force(
    kind: str, pages: list[list[int]], asked: list[tuple[int, int, int]], merged: bool
) -> None:
    """Slices of milliseconds cut pages anywhere: wholly inside of one, across an edge, across the window's."""

    async def compare() -> None:
        async with fresh(kind) as store:
            frontier = [0, 0]
            for number, times_us in enumerate(pages):
                await store.write(row(frontier[number % 2], *times_us, partition=number % 2))
                frontier[number % 2] += len(times_us)
            if merged:
                await store.merge(before_us=DAY_US, limit=50)
            held = await read(store, FOREVER, limit=1_000)
            for start_us, length_us, buckets in asked:
                window = Window(start_us, start_us + length_us)
                overview = await store.overview(TOPIC_ID, window, buckets)

                assert len(overview.counts) <= buckets
                assert brute_force(held, window, overview) == overview.counts

    asyncio.run(compare())


edges = st.one_of(
    st.integers(-DAY_US, 40 * DAY_US),
    st.integers(-2, 5).map(lambda day: day * DAY_US),
    st.integers(0, 300).map(lambda second: second * SECOND_US),
    st.integers(0, 3 * SECOND_US),
)


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(
    times=st.lists(edges, min_size=1, max_size=40),
    asked=st.lists(st.tuples(edges, edges, st.integers(1, 1_200)), min_size=1, max_size=5),
)
def test_overview_equals_brute_force(kind: str, times: list[int], asked: list[tuple[int, int, int]]) -> None:
    events = [event(offset, time_us) for offset, time_us in enumerate(times)]

    async def compare() -> None:
        async with fresh(kind) as store:
            await store.write_all([page(*events[: len(events) // 2 + 1]), page(*events)])
            await store.merge(before_us=DAY_US, limit=20)
            held = await read(store, FOREVER, limit=100)
            for start_us, end_us, buckets in asked:
                window = Window(start_us, end_us)
                overview = await store.overview(TOPIC_ID, window, buckets)

                assert len(overview.counts) <= buckets
                assert brute_force(held, window, overview) == overview.counts
                assert sum(counted.time_us in window for counted in held) == sum(overview.counts)

    asyncio.run(compare())
