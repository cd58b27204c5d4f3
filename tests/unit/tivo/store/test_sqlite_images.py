"""Images in a SQLite file: what they leave when they go."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.unit.tivo.store.sqlite_stores import BUCKET_US, TOPIC, TOPIC_ID, behind, row, rows, store_at
from tivo.model.event import Event, ValueKind
from tivo.store import sqlite_images
from tivo.store.base import Store
from tivo.store.page import MAX_BYTES
from tivo.store.sqlite_images import SWEPT_PARTS, Draft
from tivo.store.sqlite_write import Writer

PARTS = 2 * SWEPT_PARTS + 1
PARTS_BY_IMAGE = "SELECT image, count(*) FROM image_parts GROUP BY image"


def part(at: int, value: bytes = bytes(MAX_BYTES)) -> list[Event]:
    """A part of its own."""
    return [Event(1, TOPIC, 0, 0, b"%04d" % at, value, (), 0, ValueKind.BINARY)]


async def in_parts(*given: Sequence[Event]) -> AsyncIterator[Sequence[Event]]:
    for each in given:
        yield each


async def put(store: Store, at_us: int, *given: Sequence[Event]) -> None:
    version = (await store.imaged(TOPIC_ID, 0)).version
    assert await store.put_image(TOPIC_ID, 0, at_us, in_parts(*given), version=version)


async def test_an_image_that_is_replaced_goes_a_few_parts_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
        await put(store, 5, *map(part, range(PARTS)))
    writer = Writer(path, bucket_us=BUCKET_US, busy_ms=0)
    left = []

    draft = Draft(topic_id=TOPIC_ID, partition=0, at_us=5, version=1)
    assert sqlite_images.finish(writer, draft, part(0, b"1"))
    assert [(2,)] == rows(path, "SELECT image FROM images")
    assert [(1, PARTS), (2, 1)] == rows(path, PARTS_BY_IMAGE)
    while sqlite_images.sweep(writer):
        left.append(dict(rows(path, PARTS_BY_IMAGE)).get(1, 0))

    assert [PARTS - SWEPT_PARTS, PARTS - 2 * SWEPT_PARTS, 0] == left
    assert [(2, 1)] == rows(path, PARTS_BY_IMAGE)
    writer.close()


async def test_nothing_is_left_of_images_that_were_replaced_or_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        for page in (row(0, 1), row(1, 8)):
            await store.write(page)
        for at_us in (5, 5, 9):
            await put(store, at_us, *map(part, range(SWEPT_PARTS + 1)))
        assert [(2, SWEPT_PARTS + 1), (3, SWEPT_PARTS + 1)] == rows(path, PARTS_BY_IMAGE)

        await store.cut(TOPIC_ID, 0, 1)

    assert [(2, SWEPT_PARTS + 1)] == rows(path, PARTS_BY_IMAGE)


async def test_what_a_kill_left_of_an_image_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with store_at(path) as store:
        await store.write(row(0, 1))
        await put(store, 5, part(1), part(2))
        with behind(path) as connection:
            connection.execute("DELETE FROM images")

        await put(store, 6, part(3))

    assert [(2, 1)] == rows(path, PARTS_BY_IMAGE)
