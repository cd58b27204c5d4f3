import sqlite3
from pathlib import Path

import pytest

from tests.unit.tivo.store.sqlite_stores import BUCKET_US, behind, read, row, rows, store_at
from tivo.model.bucket import DEFAULT_BUCKET_US
from tivo.model.errors import ConfigError, StoreError
from tivo.model.timeline import Window
from tivo.store.sqlite_file import identity, open_to_read, open_to_write


def test_new_file_takes_the_width_asked_for_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    made = open_to_write(path, bucket_us=BUCKET_US, busy_ms=0)
    made.connection.close()

    again = open_to_write(path, bucket_us=None, busy_ms=0)
    again.connection.close()

    assert (BUCKET_US, made.incarnation) == (again.bucket_us, again.incarnation)
    with pytest.raises(ConfigError, match=f"made with buckets of {BUCKET_US} µs, not of 5 µs"):
        open_to_write(path, bucket_us=5, busy_ms=0)


def test_width_is_an_hour_unless_told(tmp_path: Path) -> None:
    made = open_to_write(tmp_path / "store.db", bucket_us=None, busy_ms=0)
    made.connection.close()

    assert DEFAULT_BUCKET_US == made.bucket_us


def test_every_store_made_is_another_incarnation(tmp_path: Path) -> None:
    files = [open_to_write(tmp_path / name, bucket_us=None, busy_ms=0) for name in ("a.db", "b.db")]
    for file in files:
        file.connection.close()

    assert files[0].incarnation != files[1].incarnation
    assert files[0].identity != files[1].identity


def test_commits_are_synced_to_the_disk(tmp_path: Path) -> None:
    made = open_to_write(tmp_path / "store.db", bucket_us=None, busy_ms=0)
    pragmas = [made.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    made.connection.close()

    assert ["wal", 2] == pragmas


def test_nobody_has_made_the_file_yet(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    assert identity(path) is None
    assert open_to_read(path, busy_ms=0) is None

    path.touch()
    assert open_to_read(path, busy_ms=0) is None


def test_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_to_write(path, bucket_us=None, busy_ms=0).connection.close()

    reader = open_to_read(path, busy_ms=0)

    assert reader is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.connection.execute("DELETE FROM meta")
    reader.connection.close()


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"something else " * 100)

    async with store_at(path) as store:
        with pytest.raises(StoreError, match=r"store\.db: file is not a database"):
            await store.write(row(0, 1))
        with pytest.raises(StoreError, match="file is not a database"):
            await store.topics()

    assert b"something else " * 100 == path.read_bytes()


async def test_database_of_another_application_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with behind(path) as connection:
        connection.execute("CREATE TABLE pages (number)")

    async with store_at(path) as store:
        with pytest.raises(StoreError, match="another application"):
            await store.write(row(0, 1))
        with pytest.raises(StoreError, match="another application"):
            await read(store, Window(), limit=1)

    assert [("pages",)] == rows(path, "SELECT name FROM sqlite_master")


async def test_store_of_a_newer_tivo_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
    with behind(path) as connection:
        connection.execute("PRAGMA user_version = 99")

    async with store_at(path) as store:
        with pytest.raises(StoreError, match="has schema 99, this tivo knows 4"):
            await store.write(row(1, 2))
        with pytest.raises(StoreError, match="has schema 99"):
            await store.topics()


async def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async with store_at(tmp_path / "file" / "store.db") as store:
        with pytest.raises(StoreError, match="file"):
            await store.write(row(0, 1))
