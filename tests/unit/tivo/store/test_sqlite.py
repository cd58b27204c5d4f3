"""The embedded store as a whole: when it opens its file, who may change it, how it comes to an end."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.tivo.store.sqlite_stores import (
    BUCKET_US,
    TOPIC,
    TOPIC_ID,
    become_third_schema,
    behind,
    read,
    row,
    rows,
    store_at,
)
from tivo.model.errors import ConfigError, StoreError
from tivo.model.event import Event, Lost
from tivo.model.timeline import Window
from tivo.store.base import Imaged, LedgerRow, Written
from tivo.store.sqlite_file import open_to_write
from tivo.store.state import Place, before, state
from tivo.store.statements import migrations


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def make_first_schema(path: Path) -> None:
    """A file as the first tivo made it: two offsets of a topic held, then one in quarantine."""
    application_id = int.from_bytes(b"tivo")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(migrations("sqlite")[0])
        connection.execute("INSERT INTO meta VALUES ('incarnation', x'00'), ('bucket_us', ?)", (BUCKET_US,))
        connection.execute("INSERT INTO topics VALUES (1, ?, ?)", (TOPIC_ID, TOPIC))
        connection.execute("INSERT INTO frontier VALUES (1, 0, 3, 2, 2, 5, 6)")
        connection.execute("INSERT INTO ledger VALUES (1, 0, 0, 2, 5, 6, 2, NULL), (1, 0, 2, 3, NULL, NULL, 0, 'why')")
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute("PRAGMA user_version = 1")


async def test_nothing_is_opened_before_the_first_call(tmp_path: Path) -> None:
    async with store_at(tmp_path / "folder" / "store.db"):
        pass

    assert [] == names(tmp_path)


async def test_reading_makes_no_file(tmp_path: Path) -> None:
    async with store_at(tmp_path / "folder" / "store.db") as store:
        assert {} == await store.frontier(TOPIC_ID)
        assert 0 == await store.merge(before_us=0, limit=9)

    assert [] == names(tmp_path)


async def test_file_of_an_older_tivo_is_brought_up_to_date_by_the_first_read(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    make_first_schema(path)

    async with store_at(path, read_only=True) as reader:
        with pytest.raises(StoreError, match="has schema 1, 3 is needed"):
            await reader.frontier(TOPIC_ID)
        async with store_at(path) as store:
            assert {0: 3} == await store.frontier(TOPIC_ID)
            assert Written.STORED == await store.write(row(3, 7))
        assert {0: 4} == await reader.frontier(TOPIC_ID)


async def test_a_reader_of_the_file_of_a_tivo_without_images_finds_none_until_it_is_brought_up_to_date(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1, 2))
    become_third_schema(path)

    async with store_at(path, read_only=True) as reader:
        assert [1, 2] == [event.time_us for event in await read(reader, Window(), limit=9)]
        assert ({}, None) == (await reader.image_before(TOPIC_ID, 9), await reader.image_part(1, b""))
        assert Imaged(None, 0, []) == await reader.imaged(TOPIC_ID, 0)
        place = Place(topic_id=TOPIC_ID, until=before(TOPIC, 9), upto=await reader.frontier(TOPIC_ID))
        assert [2] == [event.time_us async for events in state(reader, place) for event in events]
        async with store_at(path) as store:
            assert {} == await store.image_before(TOPIC_ID, 9)
            assert await store.put_image(TOPIC_ID, 0, 5, image_of(row(0, 1, 2).events[1:]), version=0)
        assert [5] == [head.at_us for head in (await reader.image_before(TOPIC_ID, 9)).values()]


async def image_of(events: Sequence[Event]) -> AsyncIterator[Sequence[Event]]:
    yield events


async def test_a_damaged_part_of_an_image_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
        head = await store.put_image(TOPIC_ID, 0, 5, image_of(row(0, 1).events), version=0)
        assert head is not None
        with behind(path) as connection:
            connection.execute("UPDATE image_parts SET packed = substr(packed, 1, 70)")

        with pytest.raises(StoreError, match="image 1, part 1: packed page"):
            await store.image_part(head.image, b"")


async def test_half_an_image_that_a_killed_builder_left_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
    with behind(path) as connection:
        connection.execute("INSERT INTO images (topic, partition, at_us) VALUES (1, 0, 3)")
        connection.execute(
            "INSERT INTO image_parts (image, last_key, events, raw_bytes, packed) VALUES (1, '', 1, 1, '')"
        )

    async with store_at(path) as store:
        assert ({}, []) == (await store.image_before(TOPIC_ID, 9), (await store.imaged(TOPIC_ID, 0)).heads)
        await store.put_image(TOPIC_ID, 0, 5, image_of(row(0, 1).events), version=0)

    assert [(2,)] == rows(path, "SELECT image FROM images")
    assert [(2,)] == rows(path, "SELECT image FROM image_parts")


async def test_what_an_older_tivo_set_aside_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    make_first_schema(path)

    async with store_at(path) as store:
        told = LedgerRow(0, 2, 3, None, None, 0, "quarantine", "why")
        assert [told] == await store.ledger(TOPIC_ID, above={0: 2}, upto={0: 3})
        assert [Lost(0, 2, 3, "quarantine")] == await store.lost(TOPIC_ID, Window(), above={}, upto={0: 3})


async def test_migrated_schema_equals_a_fresh_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    make_first_schema(old)
    for path in (old, new):
        open_to_write(path, bucket_us=None, busy_ms=0).connection.close()

    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    assert rows(new, schema) == rows(old, schema)
    assert rows(new, "PRAGMA user_version") == rows(old, "PRAGMA user_version")


async def test_width_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))

    async with store_at(path, bucket_us=5) as store:
        for _ in range(2):
            with pytest.raises(ConfigError, match="made with buckets"):
                await store.write(row(1, 2))


async def test_reads_need_no_lock_that_somebody_else_holds(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with store_at(path) as store:
            assert 1 == len(await read(store, Window(), limit=9))


async def test_store_that_was_closed_refuses_every_call(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store.db")
    await store.write(row(0, 1))
    await store.close()
    await store.close()

    for call in (store.write(row(1, 2)), store.topics(), store.merge(before_us=0, limit=9)):
        with pytest.raises(StoreError, match="the store is closed"):
            await call


async def test_closed_store_leaves_one_file(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await store.write(row(0, 1))
        await store.topics()

    assert ["store.db"] == names(tmp_path)


async def test_merge_stops_at_its_limit(tmp_path: Path) -> None:
    async with store_at(tmp_path / "store.db") as store:
        await store.write_all([row(offset, offset) for offset in range(9)])

        assert 4 == await store.merge(before_us=BUCKET_US, limit=4)
        assert 9 == len(await read(store, Window(), limit=99))
