"""Cutting off the end of a partition in a SQLite store: its events, and what counts, ledger and sums tell of them."""

import json
from collections.abc import Sequence

from tivo.model.bucket import bucket_start
from tivo.model.errors import StoreError
from tivo.model.event import Event
from tivo.store import sqlite_images
from tivo.store.overview import LEVELS, count
from tivo.store.page import SMALL_BYTES, SMALL_EVENTS
from tivo.store.sqlite_file import File
from tivo.store.sqlite_write import Writer, insert_pages
from tivo.store.statements import named

_SQL = named("sqlite", "cut") | named("sqlite", "merge") | named("sqlite", "write")
_SMALL = {"small_events": SMALL_EVENTS, "small_bytes": SMALL_BYTES}


def apply(writer: Writer, topic_id: bytes, partition: int, at: int) -> int:
    """`Store.cut`, in one transaction."""
    with writer.transaction() as file:
        row = file.connection.execute(_SQL["topic"], (topic_id,)).fetchone()
        held = row and file.connection.execute(_SQL["frontier"], (row[0], partition)).fetchone()
        if held is None:
            return 0
        frontier, owner_epoch = held
        return int(owner_epoch) if frontier <= at else _cut(file, row[0], partition, at)


def _cut(file: File, topic: int, partition: int, at: int) -> int:
    sqlite_images.cut(file, topic, partition, at)
    dropped = _drop_events(file, topic, partition, at)
    for level_us, cells in zip(LEVELS, count([event.time_us for event in dropped]), strict=True):
        rows = [(topic, level_us, start_us, -number) for start_us, number in cells.items()]
        file.connection.executemany(_SQL["add_to_counts"], rows)
    place = {"topic": topic, "partition": partition, "at": at}
    file.connection.execute(_SQL["ledger_beyond"], (topic, partition, at))
    offsets = json.dumps([event.offset for event in dropped])
    file.connection.execute(_SQL["shorten_ledger"], {**place, "dropped": offsets})
    sums = {"events": len(dropped), "value_bytes": sum(len(event.value or b"") for event in dropped)}
    (owner_epoch,) = file.connection.execute(_SQL["set_frontier"], {**place, **sums}).fetchone()
    return int(owner_epoch)


def _drop_events(file: File, topic: int, partition: int, at: int) -> list[Event]:
    """Drop the events at or beyond an offset; what their pages hold besides stands in new ones."""
    dropped: list[Event] = []
    starts_us = set()
    for page, min_us, base, packed in file.connection.execute(_SQL["pages_beyond"], (topic, partition, at)).fetchall():
        events = _unpacked(file, packed)
        if not events and base < at:
            continue  # damaged, and some of it is to stay: every read tells of it
        file.connection.execute(_SQL["delete_page"], (page,))
        insert_pages(file, topic, [event for event in events if event.offset < at], span_us=file.bucket_us)
        dropped += [event for event in events if event.offset >= at]
        starts_us.add(bucket_start(min_us, file.bucket_us))
    for start_us in starts_us:
        _settle_bucket(file, topic, start_us, partition)
    return dropped


def _unpacked(file: File, packed: bytes) -> Sequence[Event]:
    try:
        return file.packer.unpack(packed)
    except StoreError:
        return []


def _settle_bucket(file: File, topic: int, start_us: int, partition: int) -> None:
    window = {"start_us": start_us, "end_us": start_us + file.bucket_us}
    asked = {"topic": topic, "partition": partition, **window, **_SMALL}
    span_us, small_pages = file.connection.execute(_SQL["bucket"], asked).fetchone()
    file.connection.execute(_SQL["update_bucket"], (span_us, small_pages, topic, start_us, partition))
