"""A read gives the events of a window in playback order, and only those between its bounds."""

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
    Model,
    event,
    everything,
    fresh,
    page,
    read,
    row,
)
from tivo.model.event import Cursor, Page
from tivo.model.timeline import SECOND_US, Window
from tivo.store.base import Store


async def test_events_come_by_time_whatever_their_offsets(store: Store) -> None:
    await store.write(row(0, 50, 10, 30))

    assert [10, 30, 50] == [event.time_us for event in await everything(store)]


async def test_equal_times_come_by_partition_and_offset(store: Store) -> None:
    await store.write_all([row(0, 5, 5, partition=1), row(7, 5, 5)])

    assert [(0, 7), (0, 8), (1, 0), (1, 1)] == [(event.partition, event.offset) for event in await everything(store)]


async def test_window_is_half_open(store: Store) -> None:
    await store.write(row(0, 10, 20, 30))

    assert [10, 20] == [event.time_us for event in await read(store, Window(10, 30), limit=9)]


async def test_window_that_ends_where_it_starts_is_empty(store: Store) -> None:
    await store.write(row(0, 10))

    assert [] == await read(store, Window(10, 10), limit=9)


async def test_window_reaches_across_buckets(store: Store) -> None:
    times = [BUCKET_US - 1, BUCKET_US, BUCKET_US + 1, 3 * BUCKET_US]
    await store.write(row(0, *times))

    found = await read(store, Window(BUCKET_US - 1, 3 * BUCKET_US), limit=9)

    assert times[:3] == [event.time_us for event in found]


async def test_window_before_1970(store: Store) -> None:
    await store.write(row(0, -5, -BUCKET_US - 1, 3))

    found = await read(store, Window(-BUCKET_US - 1, 0), limit=9)

    assert [-BUCKET_US - 1, -5] == [event.time_us for event in found]


async def test_page_that_begins_long_before_the_window_is_found(store: Store) -> None:
    await store.write_all([row(0, 1, BUCKET_US - 1), *(row(2 + at, 100 + at) for at in range(20))])

    found = await read(store, Window(BUCKET_US // 2, None), limit=9)

    assert [BUCKET_US - 1] == [event.time_us for event in found]


async def test_reverse_gives_the_last_events_newest_first(store: Store) -> None:
    await store.write_all([row(0, 10, 40), row(2, 20, 30), row(4, BUCKET_US, 2 * BUCKET_US)])

    found = await read(store, Window(10, 2 * BUCKET_US), limit=4, reverse=True)

    assert [BUCKET_US, 40, 30, 20] == [event.time_us for event in found]


async def test_nothing_is_read_for_a_limit_of_none(store: Store) -> None:
    await store.write(row(0, 10))

    assert [] == await read(store, FOREVER, limit=0)


async def test_partition_missing_from_upto_holds_nothing(store: Store) -> None:
    await store.write_all([row(0, 1), row(0, 2, partition=1)])

    assert [] == await read(store, FOREVER, upto={}, limit=9)
    assert [2] == [event.time_us for event in await read(store, FOREVER, upto={1: 1}, limit=9)]


async def test_partition_missing_from_above_begins_at_its_start(store: Store) -> None:
    await store.write_all([row(0, 1), row(0, 2, partition=1)])

    assert [2] == [event.time_us for event in await read(store, FOREVER, above={0: 1}, limit=9)]


async def test_late_events_are_those_above_the_frontier_up_to_the_cursor(store: Store) -> None:
    await store.write(row(0, 100, 200, 300))
    cursor = event(2, 300).cursor
    await store.write(row(3, 400, 150, 500))

    late = await read(store, FOREVER, above={0: 3}, until=cursor, limit=9)

    assert [4] == [event.offset for event in late]


async def test_cursor_of_another_topic_compares_in_playback_order(store: Store) -> None:
    await store.write(row(0, 10))

    assert 1 == len(await read(store, FOREVER, after=Cursor(10, "a", 9, 9), limit=9))
    assert 0 == len(await read(store, FOREVER, after=Cursor(10, "z", 0, 0), limit=9))


async def test_events_below_a_frontier_are_the_same_whatever_comes_later(store: Store) -> None:
    await store.write(row(0, 10, 20))
    before = await read(store, FOREVER, upto={0: 2}, limit=9)

    await store.write(row(2, 5, 15, 25))
    await store.merge(before_us=BUCKET_US * 5, limit=100)

    assert before == await read(store, FOREVER, upto={0: 2}, limit=9)


async def test_last_tells_that_there_are_no_more(store: Store) -> None:
    await store.write(row(0, 10, 20, 30))

    assert [False, True, True] == [(await store.read(TOPIC_ID, FOREVER, limit=limit)).last for limit in (2, 3, 4)]


@pytest.mark.parametrize("reverse", [False, True])
async def test_read_ends_behind_the_event_that_passes_its_bytes(store: Store, reverse: bool) -> None:
    large = [event(at, at * BUCKET_US // 3, value=b"x" * 700_000) for at in range(9)]
    await store.write(page(*large))
    ordered = large[::-1] if reverse else large

    found = await store.read(TOPIC_ID, FOREVER, limit=9, max_bytes=1_500_000, reverse=reverse)

    assert (ordered[:3], False) == found
    assert 1 == len(await read(store, FOREVER, limit=9, max_bytes=0, reverse=reverse))
    assert (large, True) == await store.read(TOPIC_ID, FOREVER, limit=9, max_bytes=10_000_000)


times = st.integers(-3, 45).map(lambda second: second * SECOND_US)
offsets = st.one_of(st.none(), st.dictionaries(st.integers(0, 2), st.integers(0, 40)))
cursors = st.one_of(
    st.none(), st.builds(Cursor, times, st.sampled_from(["a", TOPIC, "z"]), st.integers(0, 2), st.integers(0, 40))
)
windows = st.builds(Window, st.one_of(st.none(), times), st.one_of(st.none(), times))
bounds = st.fixed_dictionaries(
    {
        "window": windows,
        "above": offsets,
        "upto": offsets,
        "after": cursors,
        "until": cursors,
        "limit": st.integers(1, 30),
        "max_bytes": st.one_of(st.just(1 << 20), st.integers(0, 200)),
        "reverse": st.booleans(),
    }
)
merges = st.fixed_dictionaries({"before_us": times, "limit": st.integers(2, 40)})


@st.composite
def histories(draw: st.DrawFn) -> list[Page]:
    """Pages of three partitions, in turns, with holes and equal, early and late times."""
    frontier, pages = [0, 0, 0], []
    for _ in range(draw(st.integers(0, 14))):
        partition = draw(st.integers(0, 2))
        events, offset = [], frontier[partition]
        for time_us in draw(st.lists(times, max_size=5)):
            offset += draw(st.integers(0, 1))
            events.append(event(offset, time_us, partition=partition))
            offset += 1
        end = offset + draw(st.integers(0, 1))
        base, frontier[partition] = frontier[partition], end
        pages.append(
            Page(topic=TOPIC, topic_id=TOPIC_ID, partition=partition, base=base, next=end, events=tuple(events))
        )
    return pages


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(pages=histories(), asked=st.lists(st.tuples(bounds, st.one_of(st.none(), merges)), min_size=1, max_size=6))
def test_bounds_mean_what_they_say(kind: str, pages: list[Page], asked: list[tuple[dict, dict | None]]) -> None:
    async def compare() -> None:
        model = Model()
        async with fresh(kind) as store:
            for written in pages:
                model.write(written)
                await store.write(written)
            for bounds, merge in asked:
                if merge:
                    await store.merge(**merge)
                assert model.read(**bounds) == await store.read(TOPIC_ID, **bounds)

    asyncio.run(compare())


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(pages=histories(), split=st.integers(0, 14), limit=st.integers(1, 5), merge=merges)
def test_session_sends_each_event_once(kind: str, pages: list[Page], split: int, limit: int, merge: dict) -> None:
    """A session is a frontier and a cursor; each turn reads what came late, then a page; all of it is sent, once."""

    async def play() -> None:
        waiting = list(pages)
        sent, frontier, cursor = [], {}, None
        async with fresh(kind) as store:
            for written in waiting[:split]:
                await store.write(written)
            del waiting[:split]
            while True:
                reached = await store.frontier(TOPIC_ID)
                if cursor is not None:
                    sent += await read(store, FOREVER, above=frontier, upto=reached, until=cursor, limit=1_000)
                found = await read(store, FOREVER, after=cursor, upto=reached, limit=limit)
                frontier = reached
                sent += found
                cursor = found[-1].cursor if found else cursor
                if not found and not waiting:
                    break
                if waiting:
                    await store.write(waiting.pop(0))
                await store.merge(**merge)

            assert sorted(event for page in pages for event in page.events) == sorted(sent)

    asyncio.run(play())


@pytest.mark.parametrize("limit", [1, 2, 500, 1999, 2000, 2001])
async def test_pages_of_any_size_give_the_whole_window(store: Store, limit: int) -> None:
    written = [page(*(event(base + at, (base + at) * 5_000) for at in range(1_000))) for base in range(0, 5_000, 1_000)]
    if limit < 10:
        written = written[:1]
    await store.write_all(written)

    assert [event for page in written for event in page.events] == await everything(store, limit=limit)
