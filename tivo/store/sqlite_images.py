"""Images in a SQLite store: a row each, and their events in packed parts in the order of keys.

A part is written and rewritten in a transaction of its own, and of an image that goes only its row goes at once, its
parts a few at a time: so an image of any size holds up a page on its way into the store for a few milliseconds.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeGuard

from tivo.model.errors import StoreError
from tivo.model.event import Event
from tivo.store.base import Imaged, ImageHead
from tivo.store.image import latest, parts, place_of, won
from tivo.store.page import row_bytes
from tivo.store.sqlite_file import File
from tivo.store.sqlite_read import Reader
from tivo.store.sqlite_write import Writer
from tivo.store.statements import named

_SQL = named("sqlite", "images")
_SINCE = 4
"""The schema that brought images. A file of an older one has none, as long as nobody who writes has opened it."""

SWEPT_PARTS = 8
"""Parts dropped in one transaction, with 1 MiB of events before compression each."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """An image on its way into the store; `image` is its number once the first of it is held."""

    topic_id: bytes
    partition: int
    at_us: int
    version: int
    image: int | None = None


class Patched(NamedTuple):
    """What a part of an image took: how many events were looked at, and which of them are in it now."""

    seen: int
    taken: list[Event]


# ------------------------------------------------------------ what reads


def imaged(reader: Reader, topic_id: bytes, partition: int) -> Imaged:
    """`Store.imaged`."""
    with reader.snapshot() as file:
        topic = _topic(file, topic_id)
        state = file.connection.execute(_SQL["state"], (topic, partition)).fetchone() if file and topic else None
        if file is None or state is None:
            return Imaged(None, 0, [])
        next_offset, version = state
        rows = file.connection.execute(_SQL["heads"], (topic, partition))
        return Imaged(next_offset, version, [_head(row, next_offset) for row in rows])


def before(reader: Reader, topic_id: bytes, time_us: int) -> dict[int, ImageHead]:
    """`Store.image_before`."""
    found = {}
    with reader.snapshot() as file:
        topic = _topic(file, topic_id)
        if file is None or topic is None:
            return {}
        for partition, next_offset in file.connection.execute(_SQL["partitions"], (topic,)).fetchall():
            row = file.connection.execute(_SQL["before"], (topic, partition, time_us)).fetchone()
            if row is not None:
                found[partition] = _head(row, next_offset)
    return found


def part(reader: Reader, image: int, start: bytes) -> list[Event] | None:
    """`Store.image_part`."""
    with reader.snapshot() as file:
        if not _has_images(file) or file.connection.execute(_SQL["image"], (image,)).fetchone() is None:
            return None
        held = file.connection.execute(_SQL["part_from"], (image, start)).fetchone()
        return [event for event in _unpacked(file, image, held) if place_of(event) >= start] if held else []


# ------------------------------------------------------------ what changes


def hold(writer: Writer, draft: Draft, events: Sequence[Event]) -> bool:
    """Hold the next part of an image, in one transaction. False where it cannot come to anything any more."""
    with writer.transaction() as file:
        return _hold(file, draft, events) is not None


def finish(writer: Writer, draft: Draft, events: Sequence[Event]) -> ImageHead | None:
    """Hold the last part of an image, in one transaction: from then on it can be read."""
    with writer.transaction() as file:
        place = _hold(file, draft, events)
        if place is None:
            return None
        assert draft.image is not None
        connection, (topic, partition) = file.connection, place
        named_place = {"topic": topic, "partition": partition, "at_us": draft.at_us, "image": draft.image}
        _delete(connection, connection.execute(_SQL["replaced"], named_place).fetchall())
        sizes = connection.execute(_SQL["finish"], {"image": draft.image}).fetchone()
        (next_offset,) = connection.execute(_SQL["count_up"], place).fetchone()
        return _head((draft.image, draft.at_us, *sizes), next_offset)


def _hold(file: File, draft: Draft, events: Sequence[Event]) -> tuple[int, int] | None:
    """Where the draft belongs, its next part held; None where the version is another, or it was cleared away."""
    topic = _topic(file, draft.topic_id)
    if topic is None or _version(file.connection, (topic, draft.partition)) != draft.version:
        return None
    place = (topic, draft.partition)
    if draft.image is None:
        _delete(file.connection, file.connection.execute(_SQL["unfinished"], place).fetchall())
        draft.image = file.connection.execute(_SQL["insert_image"], (*place, draft.at_us)).lastrowid
    elif file.connection.execute(_SQL["image"], (draft.image,)).fetchone() is None:
        return None
    assert draft.image is not None
    _insert(file, draft.image, events)
    return place


def patch(writer: Writer, image: int, events: Sequence[Event], version: int) -> Patched | None:
    """Fold the first of some events into the one part of an image that they belong to, in one transaction."""
    with writer.transaction() as file:
        row = file.connection.execute(_SQL["image"], (image,)).fetchone()
        if row is None or not row[2] or _version(file.connection, row[:2]) != version:
            return None
        held = file.connection.execute(_SQL["part_from"], (image, place_of(events[0]))).fetchone()
        is_last = held is None
        if is_last:
            held = file.connection.execute(_SQL["last_part"], (image,)).fetchone()
        known = _unpacked(file, image, held) if held else []
        mine = events if is_last else [event for event in events if place_of(event) <= place_of(known[-1])]
        taken = won(known, mine)
        if taken:
            _replace(file, image, held, latest(known, taken))
        return Patched(len(mine), taken)


def move(writer: Writer, topic_id: bytes, partition: int, upto: int, version: int) -> bool:
    """`Store.move_images`."""
    with writer.transaction() as file:
        topic = _topic(file, topic_id)
        if topic is None or _version(file.connection, (topic, partition)) != version:
            return False
        file.connection.execute(_SQL["move"], {"topic": topic, "partition": partition, "upto": upto})
        return True


def cut(file: File, topic: int, partition: int, at: int) -> None:
    """Drop the images of events that `Store.cut` is about to drop, of their whole pages to be quick."""
    place = {"topic": topic, "partition": partition, "at": at}
    _delete(file.connection, file.connection.execute(_SQL["beyond"], place).fetchall())
    file.connection.execute(_SQL["cut"], place)


def sweep(writer: Writer) -> bool:
    """Drop some parts of an image that is gone, in one transaction; whether there may be more."""
    with writer.transaction() as file:
        row = file.connection.execute(_SQL["gone"]).fetchone()
        if row is not None:
            file.connection.execute(_SQL["delete_parts"], (*row, SWEPT_PARTS))
        return row is not None


def _replace(file: File, image: int, held: tuple[int, int, int, bytes] | None, events: list[Event]) -> None:
    part_number, held_events, held_bytes, _ = held or (None, 0, 0, b"")
    file.connection.execute(_SQL["delete_part"], (part_number,))
    raw_bytes = _insert(file, image, events)
    file.connection.execute(_SQL["resize"], (len(events) - held_events, raw_bytes - held_bytes, image))


def _insert(file: File, image: int, events: Sequence[Event]) -> int:
    """Hold events as parts of an image; their bytes before compression."""
    raw_bytes = 0
    for piece in parts(events):
        _, packed = file.packer.pack_part(piece)
        size = sum(map(row_bytes, piece))
        file.connection.execute(_SQL["insert_part"], (image, place_of(piece[-1]), len(piece), size, packed))
        raw_bytes += size
    return raw_bytes


def _delete(connection: sqlite3.Connection, images: Sequence[tuple[int]]) -> None:
    """From now on they are gone for everybody; their parts are left to `sweep`, their numbers to nobody."""
    connection.executemany(_SQL["delete_image"], images)


def _topic(file: File | None, topic_id: bytes) -> int | None:
    """The number of a topic; None where there is none, or no image of anything yet."""
    if not _has_images(file):
        return None
    row = file.connection.execute(_SQL["topic"], (topic_id,)).fetchone()
    return row[0] if row else None


def _has_images(file: File | None) -> TypeGuard[File]:
    return file is not None and file.connection.execute(_SQL["schema"]).fetchone()[0] >= _SINCE


def _version(connection: sqlite3.Connection, place: tuple[int, int]) -> int | None:
    row = connection.execute(_SQL["state"], place).fetchone()
    return row[1] if row else None


def _head(row: tuple[int, int, int, int], next_offset: int | None) -> ImageHead:
    image, at_us, events, raw_bytes = row
    return ImageHead(image, at_us, next_offset or 0, events, raw_bytes)


def _unpacked(file: File, image: int, row: tuple[int, int, int, bytes]) -> list[Event]:
    try:
        return file.packer.unpack(row[3])
    except StoreError as error:
        raise StoreError(f"image {image}, part {row[0]}: {error}") from error
