"""Merging changes how events rest, and nothing that a reader can see."""

import asyncio

from tests.conformance.store.stores import BUCKET_US, FOREVER, TOPIC_ID, event, everything, page, read, row
from tivo.model.timeline import Window
from tivo.store.base import Store


async def write_small(store: Store, events: int, *, size: int, step_us: int, partition: int = 0) -> None:
    for base in range(0, events, size):
        ends = min(base + size, events)
        await store.write(page(*(event(at, at * step_us, partition=partition) for at in range(base, ends))))


async def merge_all(store: Store, *, before_us: int, limit: int = 50) -> int:
    gone = 0
    while more := await store.merge(before_us=before_us, limit=limit):
        gone += more
    return gone


async def test_merge_of_an_empty_store_does_nothing(store: Store) -> None:
    assert 0 == await store.merge(before_us=BUCKET_US, limit=100)


async def test_merged_store_reads_the_same(store: Store) -> None:
    await write_small(store, 300, size=7, step_us=100_000)
    await write_small(store, 300, size=5, step_us=110_000, partition=1)
    await store.write(row(300, 5, BUCKET_US + 5, 3 * BUCKET_US))
    before = await everything(store)
    counted = await store.overview(TOPIC_ID, Window(0, 4 * BUCKET_US), 40)
    backwards = await read(store, FOREVER, limit=100, reverse=True)

    await merge_all(store, before_us=2 * BUCKET_US)

    assert before == await everything(store, limit=17)
    assert counted == await store.overview(TOPIC_ID, Window(0, 4 * BUCKET_US), 40)
    assert backwards == await read(store, FOREVER, limit=100, reverse=True)


async def test_reader_with_a_cursor_sees_each_event_once_while_pages_merge(store: Store) -> None:
    await write_small(store, 400, size=3, step_us=90_000)
    upto = await store.frontier(TOPIC_ID)

    async def play() -> list[int]:
        offsets: list[int] = []
        cursor = None
        while found := await read(store, FOREVER, after=cursor, upto=upto, limit=11):
            offsets += [event.offset for event in found]
            cursor = found[-1].cursor
        return offsets

    async def merge() -> None:
        while await store.merge(before_us=3 * BUCKET_US, limit=10):
            pass

    offsets, _ = await asyncio.gather(play(), merge())

    assert list(range(400)) == offsets


async def test_events_written_while_pages_merge_are_kept(store: Store) -> None:
    await write_small(store, 200, size=2, step_us=10_000)

    async def write() -> None:
        for offset in range(200, 300):
            await store.write(row(offset, offset * 10_000))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        tasks.create_task(merge_all(store, before_us=0, limit=20))

    assert list(range(300)) == [event.offset for event in await everything(store)]
    assert 300 == sum((await store.overview(TOPIC_ID, Window(0, BUCKET_US), 10)).counts)


async def test_merge_comes_to_an_end_and_takes_up_late_pages(store: Store) -> None:
    await write_small(store, 100, size=1, step_us=300_000)
    await merge_all(store, before_us=10 * BUCKET_US)

    assert 0 == await store.merge(before_us=10 * BUCKET_US, limit=100)
    await store.write(row(100, 7))
    late = await merge_all(store, before_us=10 * BUCKET_US)

    assert 0 == await store.merge(before_us=10 * BUCKET_US, limit=100)
    assert late in {0, 2}
    assert 101 == len(await everything(store))
