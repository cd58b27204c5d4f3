import asyncio
import tracemalloc
from pathlib import Path

import pytest

from tests.unit.tivo.store.sqlite_stores import BUCKET_US, TOPIC_ID, behind, read, remove, row, rows, store_at
from tivo.model.errors import StoreError
from tivo.model.timeline import SECOND_US, Window
from tivo.store.base import Overview
from tivo.store.sqlite_file import identity
from tivo.store.sqlite_read import Reader
from tivo.store.statements import named


async def test_reader_is_there_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "later" / "store.db"
    async with store_at(path, read_only=True) as reader, store_at(path) as writer:
        assert [] == await reader.topics()
        assert {} == await reader.frontier(TOPIC_ID)
        assert [] == await read(reader, Window(), limit=9)
        assert [] == await reader.ledger(TOPIC_ID, above={}, upto={0: 9})
        assert Overview(0, SECOND_US, [0]) == await reader.overview(TOPIC_ID, Window(0, SECOND_US), 1)

        await writer.write(row(0, 1, 2))

        assert [1, 2] == [event.time_us for event in await read(reader, Window(), limit=9)]


async def test_reader_opens_the_file_that_replaced_the_one_it_read(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path, read_only=True) as reader:
        for time_us in (1, 2):
            async with store_at(path) as writer:
                await writer.write(row(0, time_us))
            assert [time_us] == [event.time_us for event in await read(reader, Window(), limit=9)]
            remove(path)
        assert [] == await read(reader, Window(), limit=9)


async def test_read_only_store_refuses_changes(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db", read_only=True) as store:
        with pytest.raises(StoreError, match="opened read-only"):
            await store.write(row(0, 1))
        with pytest.raises(StoreError, match="opened read-only"):
            await store.quarantine(row(0, 1), "quarantine", "why")
        with pytest.raises(StoreError, match="opened read-only"):
            await store.merge(before_us=0, limit=9)

    assert not identity(tmp_path / "store.db")


async def test_page_is_unpacked_once_for_many_bites(tmp_path: Path) -> None:
    """What a session reads bite by bite stays in memory: the packed page can go to waste meanwhile."""
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, *range(900)))
        cursor = (await read(store, Window(), limit=10))[-1].cursor
        with behind(path) as connection:
            connection.execute("UPDATE pages SET packed = x'00'")

        for _ in range(89):
            cursor = (await read(store, Window(), after=cursor, limit=10))[-1].cursor

        assert 899 == cursor.offset


async def test_damaged_page_is_named_and_the_others_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path, cache_bytes=0) as store:
        await store.write_all([row(0, 1), row(1, BUCKET_US), row(2, 2 * BUCKET_US)])
        with behind(path) as connection:
            connection.execute("UPDATE pages SET packed = zeroblob(length(packed)) WHERE page = 2")

        with pytest.raises(StoreError, match=r"store\.db: page 2 \(partition 0, offsets 1 to 2\): .* begins with"):
            await read(store, Window(), limit=9)
        assert 1 == len(await read(store, Window(None, BUCKET_US), limit=9))
        assert 1 == len(await read(store, Window(BUCKET_US + 1), limit=9))


async def test_page_inside_one_slice_is_counted_without_being_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path, cache_bytes=0) as store:
        await store.write_all([row(0, 100_000, 150_000), row(2, 190_000, 210_000, 299_999), row(5, 300_000, 399_999)])
        with behind(path) as connection:
            connection.execute("UPDATE pages SET packed = x'00' WHERE min_us <> 190000")

        assert Overview(0, 100_000, [0, 3, 2, 2]) == await store.overview(TOPIC_ID, Window(0, 400_000), 4)
        with pytest.raises(StoreError, match=r"page 3 \(partition 0, offsets 5 to 7\)"):
            await store.overview(TOPIC_ID, Window(0, 350_000), 4)


async def test_overview_holds_the_times_of_one_page_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        for base in range(0, 40_000, 1_000):
            await store.write(row(base, *(200 * offset for offset in range(base, base + 1_000)), value=bytes(100)))

    async with store_at(path, read_only=True) as store:
        await store.topics()
        tracemalloc.start()
        counts = (await store.overview(TOPIC_ID, Window(0, 8_000_000), 80)).counts
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert [500] * 80 == counts
    assert peak_bytes < 2 << 20


async def test_open_read_holds_up_no_write(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
        reader = Reader(path, cache_bytes=0, busy_ms=0)
        with reader.snapshot() as before:
            assert before is not None
            assert [(0, 1)] == before.connection.execute("SELECT partition, next FROM frontier").fetchall()

            await store.write(row(1, 2))

            assert [(0, 1)] == before.connection.execute("SELECT partition, next FROM frontier").fetchall()
        reader.close()


async def test_reads_answer_while_pages_are_written(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db", busy_ms=60_000) as store:

        async def write() -> None:
            for offset in range(0, 300, 3):
                await store.write(row(offset, *(at * SECOND_US // 4 for at in range(offset, offset + 3))))

        async def watch() -> None:
            held = 0
            while held < 300:
                frontier = (await store.frontier(TOPIC_ID)).get(0, 0)
                found = await read(store, Window(), upto={0: frontier}, limit=1_000)
                assert list(range(frontier)) == [event.offset for event in found]
                held = frontier

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            tasks.create_task(watch())
            tasks.create_task(watch())


async def test_late_events_are_looked_for_where_the_ledger_says(tmp_path: Path) -> None:
    """Pages in the window that hold offsets asked for, at times that the ledger rules out, are not unpacked."""
    path = tmp_path / "store.db"
    async with store_at(path, cache_bytes=0) as store:
        for offset in range(20):
            await store.write(row(offset, offset))
        with behind(path) as connection:
            connection.execute("UPDATE pages SET packed = x'00'")
        until = row(0, 15).events[0].cursor

        assert [] == await read(store, Window(), above={0: 17}, until=until, limit=9)
        with pytest.raises(StoreError):
            await read(store, Window(), above={0: 12}, until=until, limit=9)


async def test_long_range_of_offsets_is_found_without_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await store.write_all([row(offset, offset) for offset in range(5_000)])

        found = await read(store, Window(), above={0: 10}, limit=2)

        assert [10, 11] == [event.offset for event in found]


@pytest.mark.parametrize("name", ["pages_oldest_first", "pages_newest_first", "page_counts"])
async def test_pages_are_chosen_by_the_index_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
    bounds = {"topic": 1, "from_us": 0, "start_us": 0, "end_us": 1}

    with behind(path) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {named('sqlite', 'read')[name]}", bounds).fetchall()

    (step,) = [detail for *_, detail in plan]
    assert "SEARCH pages USING COVERING INDEX pages_by_time (topic=? AND min_us>? AND min_us<?)" == step
    assert [] == rows(path, "SELECT 1 FROM pages WHERE topic <> 1")


async def test_losses_are_found_by_their_index_alone(tmp_path: Path) -> None:
    """A topic without losses is asked about by one look, however long its ledger is."""
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
    bounds = dict.fromkeys(("topic", "partition", "above", "upto", "start_us", "end_us"), 1)

    with behind(path) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {named('sqlite', 'read')['losses']}", bounds).fetchall()

    first, *others = [detail for *_, detail in plan if detail.startswith(("SEARCH", "SCAN"))]
    assert first.startswith("SEARCH lost USING COVERING INDEX ledger_losses (topic=? AND partition=? AND base>?")
    assert not any(detail.startswith("SCAN") for detail in others)
    assert not any("TEMP B-TREE" in detail for *_, detail in plan)
