"""A store in a file, and a look into the file behind the store's back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tivo.model.event import Event, Page, ValueKind
from tivo.model.timeline import SECOND_US, Window
from tivo.store.base import Store
from tivo.store.sqlite import SqliteStore

TOPIC, TOPIC_ID = "sensors", bytes(range(16))
BUCKET_US = 10 * SECOND_US


def store_at(path: Path, **options: Any) -> SqliteStore:
    return SqliteStore(path, **{"bucket_us": BUCKET_US, "busy_ms": 0} | options)


def row(base: int, *times_us: int, partition: int = 0, value: bytes = b"1") -> Page:
    """A page with an event at each of the times, at offsets from `base` on."""
    events = tuple(
        Event(time_us, TOPIC, partition, base + at, None, value, (), 0, ValueKind.JSON)
        for at, time_us in enumerate(times_us)
    )
    return Page(topic=TOPIC, topic_id=TOPIC_ID, partition=partition, base=base, next=base + len(events), events=events)


async def read(store: Store, window: Window, **bounds: Any) -> list[Event]:
    """The events that a read of the topic finds."""
    return (await store.read(TOPIC_ID, window, **bounds)).events


@contextmanager
def behind(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody else to the store's file."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


def remove(path: Path) -> None:
    """Delete the file and what SQLite keeps beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with behind(path) as connection:
        return connection.execute(statement).fetchall()


def become_third_schema(path: Path) -> None:
    """Take away what the fourth brought."""
    with behind(path) as connection:
        for statement in (
            "DROP TABLE images",
            "DROP TABLE image_parts",
            "ALTER TABLE frontier DROP COLUMN images_next",
            "ALTER TABLE frontier DROP COLUMN images_version",
            "PRAGMA user_version = 3",
        ):
            connection.execute(statement)
