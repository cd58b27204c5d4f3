from itertools import pairwise
from pathlib import Path

from tests.unit.tivo.store.sqlite_stores import BUCKET_US, TOPIC_ID, behind, read, row, rows, store_at
from tivo.model.timeline import HOUR_US, SECOND_US, Window
from tivo.store.sqlite import SqliteStore
from tivo.store.sqlite_merge import ENOUGH_PAGES, KEPT_ROWS, Group, Rewrite, apply
from tivo.store.sqlite_write import Writer

PAGES = "SELECT min_us, events FROM pages ORDER BY min_us"


async def write_small(store: SqliteStore, pages: int, *, size: int, step_us: int) -> None:
    """An agent that lingers little: so many pages of a few events."""
    for base in range(0, pages * size, size):
        await store.write(row(base, *(at * step_us for at in range(base, base + size))))


async def test_agent_at_200_events_a_second_leaves_few_pages(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path, bucket_us=HOUR_US) as store:
        for base in range(0, 4_000, 200):
            pages = [row(at, *range(at * 5_000, (at + 4) * 5_000, 5_000)) for at in range(base, base + 200, 4)]
            await store.write_all(pages)
            await store.merge(before_us=0, limit=1_000)

        assert 4_000 == len(await read(store, Window(), limit=9_999))

    ((number, at_most),) = rows(path, "SELECT count(*), max(events) FROM pages")
    assert number <= 4_000 // 1_000 + 1 + ENOUGH_PAGES
    assert at_most <= 2_000


async def test_open_bucket_waits_until_enough_pages_have_gathered(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await write_small(store, ENOUGH_PAGES, size=1, step_us=1)
        assert 0 == await store.merge(before_us=0, limit=100)

        await store.write(row(ENOUGH_PAGES, ENOUGH_PAGES))
        assert ENOUGH_PAGES == await store.merge(before_us=0, limit=100)

    assert [(0, ENOUGH_PAGES), (ENOUGH_PAGES, 1)] == rows(tmp_path / "store.db", PAGES)


async def test_ended_bucket_is_merged_whole(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await store.write_all([row(0, 1, 2), row(2, 3), row(3, BUCKET_US)])

        assert 2 == await store.merge(before_us=BUCKET_US, limit=100)

    assert [(1, 3), (BUCKET_US, 1)] == rows(tmp_path / "store.db", PAGES)


async def test_nothing_is_left_to_do_after_a_merge(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await write_small(store, 30, size=2, step_us=SECOND_US // 2)
        await store.merge(before_us=HOUR_US, limit=100)

        assert 0 == await store.merge(before_us=HOUR_US, limit=100)

    assert [] == rows(path, "SELECT * FROM buckets WHERE small_pages > 0")


async def test_limit_bounds_what_goes(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await write_small(store, 10, size=1, step_us=1)

        gone = [await store.merge(before_us=HOUR_US, limit=4) for _ in range(5)]

    assert [4, 4, 4, 0, 0] == gone
    assert [(0, 10)] == rows(tmp_path / "store.db", PAGES)


async def test_pages_out_of_order_come_into_order(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    shuffled = [at * 7_919 % 6_000 * (HOUR_US // 6_000) for at in range(6_000)]
    async with store_at(path, bucket_us=HOUR_US) as store:
        for base in range(0, 6_000, 1_000):
            await store.write(row(base, *shuffled[base : base + 1_000]))
        while await store.merge(before_us=HOUR_US, limit=1_000):
            pass

        assert sorted(shuffled) == [event.time_us for event in await read(store, Window(), limit=9_999)]

    times = rows(path, "SELECT min_us, max_us FROM pages ORDER BY min_us")
    assert 3 <= len(times) <= 6
    assert all(before[1] < after[0] for before, after in pairwise(times))


async def test_ledger_shrinks_but_for_its_newest_rows(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await write_small(store, 200, size=1, step_us=1)
        await store.merge(before_us=BUCKET_US, limit=1_000)

        assert 200 == sum(row.events for row in await store.ledger(TOPIC_ID, above={}, upto={0: 200}))

    ledger = rows(path, "SELECT base, next FROM ledger ORDER BY base")
    assert KEPT_ROWS <= len(ledger) <= KEPT_ROWS + 3
    assert (199, 200) == ledger[-1]


async def test_pages_that_another_process_took_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write_all([row(0, 1), row(1, 2)])
    writer = Writer(path, bucket_us=None, busy_ms=0)
    events = sorted((*row(0, 1).events, *row(1, 2).events))

    gone = apply(writer, Rewrite(Group(1, 0, 0), True, [1, 99], events))
    writer.close()

    assert 0 == gone
    assert [(1, 1), (2, 1)] == rows(path, PAGES)


async def test_damaged_page_stays_and_holds_up_no_other(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write_all([row(0, 1), row(1, 2), row(2, 3), row(3, BUCKET_US), row(4, BUCKET_US + 1)])
        with behind(path) as connection:
            connection.execute("UPDATE pages SET packed = x'00' WHERE page = 2")

        assert 4 == await store.merge(before_us=HOUR_US, limit=100)

    assert [(1, 2), (2, 1), (BUCKET_US, 2)] == rows(path, PAGES)


async def test_span_of_a_bucket_is_measured_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write_all([row(0, 1), row(1, 900)])
        await store.merge(before_us=HOUR_US, limit=9)

    assert [(899, 0)] == rows(path, "SELECT max_span_us, small_pages FROM buckets")
