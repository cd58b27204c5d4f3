import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.tivo.store.sqlite_stores import BUCKET_US, TOPIC_ID, behind, read, remove, row, rows, store_at
from tivo.model.errors import PageGap, StoreError
from tivo.model.timeline import HOUR_US, SECOND_US, Window
from tivo.store.base import Written
from tivo.store.sqlite_write import SPANS_PER_BUCKET


async def test_no_page_crosses_a_bucket(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1, BUCKET_US - 1, BUCKET_US, 5, -1, 3 * BUCKET_US))

    found = rows(path, "SELECT min_us, max_us, base, next, events FROM pages ORDER BY min_us")

    expected = [
        (-1, -1, 4, 5, 1),
        (1, BUCKET_US - 1, 0, 4, 3),
        (BUCKET_US, BUCKET_US, 2, 3, 1),
        (3 * BUCKET_US, 3 * BUCKET_US, 5, 6, 1),
    ]
    assert expected == found


async def test_page_written_out_of_order_is_cut_by_time(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    shuffled = [at * 7_919 % 1_600 * (HOUR_US // 1_600) for at in range(1_600)]
    async with store_at(path, bucket_us=HOUR_US) as store:
        await store.write(row(0, *shuffled))

    ((longest_us, pages),) = rows(path, "SELECT max(max_us - min_us), count(*) FROM pages")

    assert longest_us <= HOUR_US // SPANS_PER_BUCKET
    assert SPANS_PER_BUCKET == pages - 1 or SPANS_PER_BUCKET == pages


async def test_longest_span_of_a_bucket_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        for page in (row(0, 1, 5), row(2, 3, 900), row(4, 7)):
            await store.write(page)

    assert [(0, 0, 897)] == rows(path, "SELECT start_us, partition, max_span_us FROM buckets")


async def test_quarantined_page_is_kept_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.quarantine(row(0, 5, value=b"the culprit"), "quarantine", "why")

    ((base, behind_it, reason, page),) = rows(path, "SELECT base, next, reason, page FROM quarantine")

    assert (0, 1, "why") == (base, behind_it, reason)
    assert b"the culprit" in page


async def test_refused_page_leaves_the_store_at_work(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await store.write(row(0, 1))
        with pytest.raises(PageGap):
            await store.write(row(5, 1))

        assert Written.STORED == await store.write(row(1, 2))


async def test_two_writers_keep_each_offset_once(tmp_path: Path) -> None:
    """Two agents hold the same partition for a moment: whoever comes second skips."""
    path = tmp_path / "store.db"

    async def write() -> list[Written]:
        async with store_at(path, busy_ms=60_000) as store:
            return [await store.write(row(offset, offset)) for offset in range(40)]

    both = await asyncio.gather(write(), write())

    assert [{Written.STORED, Written.SKIPPED}] * 40 == [set(pair) for pair in zip(*both, strict=True)]
    assert [(40, 40)] == rows(path, "SELECT next, events FROM frontier")
    assert [(40,)] == rows(path, "SELECT sum(events) FROM pages")


async def test_locked_file_is_told_and_later_calls_work(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
        with behind(path) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="database is locked") as refused:
                await store.write(row(1, 2))
            assert 1 == len(await read(store, Window(), limit=9))

        assert refused.value.__cause__ is not None
        assert Written.STORED == await store.write(row(1, 2))


@contextmanager
def full_disk(free_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond a size; SQLite is told by the system as for a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_full_disk_loses_nothing_and_writing_goes_on_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        held = 0
        with full_disk(400_000), pytest.raises(StoreError) as refused:
            while True:
                await store.write(row(held, held * SECOND_US, value=held.to_bytes(4) * 5_000))
                held += 1

        assert refused.value.__cause__ is not None
        assert held > 0
        assert {0: held} == await store.frontier(TOPIC_ID)
        assert held == len(await read(store, Window(), limit=10_000))
        assert Written.STORED == await store.write(row(held, 1))
        assert held + 1 == len(await read(store, Window(), limit=10_000))

    assert [("ok",)] == rows(path, "PRAGMA integrity_check")


async def test_removed_file_is_not_written_on_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
        remove(path)

        for _ in range(2):
            with pytest.raises(StoreError, match="the file was replaced"):
                await store.write(row(1, 2))

    async with store_at(path) as store:
        assert {} == await store.frontier(TOPIC_ID)
        assert Written.STORED == await store.write(row(0, 1))


async def test_damaged_file_is_told_with_its_cause(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write_all([row(offset, offset, value=bytes(9_000)) for offset in range(20)])
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    async with store_at(path) as store:
        with pytest.raises(StoreError, match="malformed"):
            await store.write(row(20, 1))
        with pytest.raises(StoreError, match="malformed"):
            await store.topics()

    path.write_bytes(whole)
    async with store_at(path) as store:
        assert {0: 20} == await store.frontier(TOPIC_ID)
