"""The stores under test, made anew for every case, and a store too simple to be wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings

from tivo.model.event import Cursor, Event, Frontier, Page, ValueKind
from tivo.model.timeline import SECOND_US, Window
from tivo.store.base import Found, Store
from tivo.store.open import open_store

KINDS = ("memory", "sqlite")
BUCKET_US = 10 * SECOND_US
TOPIC = "sensors"
TOPIC_ID = bytes(range(16))
FOREVER = Window()


EXAMPLES = settings(max_examples=60, deadline=None)
"""For properties: each example makes a store, and none is judged by how long a busy machine takes."""

MEMORY_DISK = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
"""A folder whose fsync costs nothing, where the machine has one: no test here cuts the power."""


@asynccontextmanager
async def fresh(kind: str) -> AsyncIterator[Store]:
    """An empty store of a kind, gone afterwards."""
    with TemporaryDirectory(dir=MEMORY_DISK) as folder:
        async with open_store(url(kind, Path(folder)), bucket_us=BUCKET_US) as store:
            yield store


def url(kind: str, folder: Path) -> str:
    return "memory:" if kind == "memory" else f"{kind}:///{folder}/store.db"


def event(offset: int, time_us: int, *, partition: int = 0, topic: str = TOPIC, value: bytes | None = b"1") -> Event:
    return Event(
        time_us=time_us,
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"key",
        value=value,
        headers=(("name", b"value"), ("null", None)),
        received_us=time_us + 7,
        kind=ValueKind.NULL if value is None else ValueKind.JSON,
    )


def page(*events: Event, base: int | None = None, next: int | None = None, topic_id: bytes = TOPIC_ID) -> Page:
    """A page of events in offset order; from the first of them to behind the last unless told otherwise."""
    return Page(
        topic=events[0].topic,
        topic_id=topic_id,
        partition=events[0].partition,
        base=events[0].offset if base is None else base,
        next=events[-1].offset + 1 if next is None else next,
        events=events,
    )


def row(base: int, *times_us: int, partition: int = 0) -> Page:
    """A page with an event at each of the times, at offsets from `base` on."""
    return page(*(event(base + at, time_us, partition=partition) for at, time_us in enumerate(times_us)))


@dataclass
class Model:
    """What a store must answer, by looking at every event every time."""

    events: list[Event] = field(default_factory=list)
    frontier: dict[int, int] = field(default_factory=dict)

    def write(self, page: Page) -> None:
        frontier = self.frontier.get(page.partition, 0)
        self.events += [event for event in page.events if event.offset >= frontier]
        self.frontier[page.partition] = max(frontier, page.next)

    def read(
        self,
        window: Window,
        *,
        above: Frontier | None,
        upto: Frontier | None,
        after: Cursor | None,
        until: Cursor | None,
        limit: int,
        max_bytes: int,
        reverse: bool,
    ) -> Found:
        def is_asked_for(event: Event) -> bool:
            return (
                event.time_us in window
                and (above is None or above.get(event.partition, 0) <= event.offset)
                and (upto is None or event.offset < upto.get(event.partition, 0))
                and (until is None or event.cursor <= until)
                and (after is None or (event.cursor < after if reverse else event.cursor > after))
            )

        asked = sorted(filter(is_asked_for, self.events), key=lambda event: event.cursor, reverse=reverse)
        size, found = 0, []
        for event in asked[:limit]:
            found.append(event)
            size += sum(map(len, (event.key or b"", event.value or b"")))
            size += sum(len(name) + len(value or b"") for name, value in event.headers)
            if size > max_bytes:
                break
        return Found(found, len(found) == len(asked))


async def read(store: Store, window: Window, **bounds: Any) -> list[Event]:
    """The events that a read of the topic finds."""
    return (await store.read(TOPIC_ID, window, **bounds)).events


async def everything(store: Store, *, limit: int = 1_000, topic_id: bytes = TOPIC_ID) -> list[Event]:
    """All events in playback order, read page by page."""
    found: list[Event] = []
    while True:
        more, last = await store.read(topic_id, FOREVER, after=found[-1].cursor if found else None, limit=limit)
        found += more
        if last:
            return found
