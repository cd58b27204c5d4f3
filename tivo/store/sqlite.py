"""The embedded store: one SQLite file, which one process writes and any number read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from tivo.model.errors import StoreError
from tivo.model.event import Cursor, Event, Frontier, Loss, Lost, Page
from tivo.model.timeline import Window
from tivo.store import sqlite_cut, sqlite_images, sqlite_merge
from tivo.store.base import (
    MAX_READ_BYTES,
    Found,
    Imaged,
    ImageHead,
    LedgerRow,
    Overview,
    Owned,
    Store,
    TopicStats,
    Written,
)
from tivo.store.selection import Selection
from tivo.store.sqlite_read import Reader
from tivo.store.sqlite_write import Writer

_P = ParamSpec("_P")
_T = TypeVar("_T")

CACHE_BYTES = 64 << 20
BUSY_MS = 5_000
READING_THREADS = 2

_MERGE_PAGES = 128
"""Small pages that one transaction of a merge rewrites: about 20 ms of the writing thread at most."""


class SqliteStore(Store):
    """Packed pages in a file in write-ahead mode. Nothing is opened before the first call.

    One thread of its own writes; reads run in others, each with its own connection, and see the last
    state committed without waiting for the writer. A file that an older tivo made is brought up to
    date by the first call. Opened read-only, it is empty until another process has made the file.
    `bucket_us` None takes the file's own width (one hour for a new file).
    """

    def __init__(
        self,
        path: Path,
        *,
        bucket_us: int | None = None,
        read_only: bool = False,
        cache_bytes: int = CACHE_BYTES,
        busy_ms: int = BUSY_MS,
    ) -> None:
        self._path = path
        self._reader = Reader(path, cache_bytes=cache_bytes, busy_ms=busy_ms)
        self._reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="store-read")
        self._writer = None if read_only else Writer(path, bucket_us=bucket_us, busy_ms=busy_ms)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._is_up_to_date = read_only

    async def write(self, page: Page) -> Written:
        return (await self.write_all([page]))[0]

    async def write_all(self, pages: list[Page]) -> list[Written]:
        return await self._in(self._writing, self._changes().write_all, pages)

    async def read(  # noqa: PLR0913  the door's
        self,
        topic_id: bytes,
        window: Window,
        *,
        above: Frontier | None = None,
        upto: Frontier | None = None,
        after: Cursor | None = None,
        until: Cursor | None = None,
        limit: int,
        max_bytes: int = MAX_READ_BYTES,
        reverse: bool = False,
    ) -> Found:
        asked = Selection(window=window, above=above, upto=upto, after=after, until=until, reverse=reverse)
        return await self._look(self._reader.read, topic_id, asked, limit, max_bytes)

    async def topics(self) -> list[TopicStats]:
        return await self._look(self._reader.topics)

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        return await self._look(self._reader.frontier, topic_id)

    async def owned(self, topic_id: bytes) -> dict[int, Owned]:
        return await self._look(self._reader.owned, topic_id)

    async def cut(self, topic_id: bytes, partition: int, at: int) -> int:
        owner_epoch = await self._in(self._writing, sqlite_cut.apply, self._changes(), topic_id, partition, at)
        await self._sweep_images()
        return owner_epoch

    async def ledger(self, topic_id: bytes, *, above: Frontier, upto: Frontier) -> list[LedgerRow]:
        return await self._look(self._reader.ledger, topic_id, above, upto)

    async def overview(self, topic_id: bytes, window: Window, buckets: int) -> Overview:
        return await self._look(self._reader.overview, topic_id, window, buckets)

    async def lost(self, topic_id: bytes, window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
        return await self._look(self._reader.lost, topic_id, window, above, upto)

    async def quarantine(self, page: Page, loss: Loss, why: str) -> None:
        await self._in(self._writing, self._changes().quarantine, page, loss, why)

    async def merge(self, *, before_us: int, limit: int) -> int:
        writer, gone = self._changes(), 0
        for group in await self._look(self._due, before_us):
            while gone < limit:
                at_most = min(_MERGE_PAGES, max(2, limit - gone))
                rewrite = await self._look(self._plan, group, before_us, at_most)
                gone += await self._in(self._writing, sqlite_merge.apply, writer, rewrite)
                if len(rewrite.pages) < at_most:
                    break
        return gone

    async def imaged(self, topic_id: bytes, partition: int) -> Imaged:
        return await self._look(sqlite_images.imaged, self._reader, topic_id, partition)

    async def image_before(self, topic_id: bytes, time_us: int) -> dict[int, ImageHead]:
        return await self._look(sqlite_images.before, self._reader, topic_id, time_us)

    async def image_part(self, image: int, start: bytes) -> list[Event] | None:
        return await self._look(sqlite_images.part, self._reader, image, start)

    async def put_image(
        self, topic_id: bytes, partition: int, at_us: int, parts: AsyncIterator[Sequence[Event]], *, version: int
    ) -> ImageHead | None:
        draft = sqlite_images.Draft(topic_id=topic_id, partition=partition, at_us=at_us, version=version)
        last: Sequence[Event] = []
        async for part in parts:
            if last and not await self._in(self._writing, sqlite_images.hold, self._changes(), draft, last):
                return None
            last = part
        head = await self._in(self._writing, sqlite_images.finish, self._changes(), draft, last)
        await self._sweep_images()
        return head

    async def _sweep_images(self) -> None:
        """Drop what images left that are gone; pages have their turn in between."""
        while await self._in(self._writing, sqlite_images.sweep, self._changes()):
            pass

    async def patch_image(self, image: int, events: Sequence[Event], *, version: int) -> list[Event] | None:
        taken: list[Event] = []
        while events:
            patched = await self._in(self._writing, sqlite_images.patch, self._changes(), image, events, version)
            if patched is None:
                return None
            taken += patched.taken
            events = events[patched.seen :]
        return taken

    async def move_images(self, topic_id: bytes, partition: int, upto: int, *, version: int) -> bool:
        return await self._in(self._writing, sqlite_images.move, self._changes(), topic_id, partition, upto, version)

    async def close(self) -> None:
        """Finish what is under way and let go of the file. A later call raises StoreError."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def _changes(self) -> Writer:
        if self._writer is None:
            raise StoreError(f"{self._path} was opened read-only")
        return self._writer

    def _due(self, before_us: int) -> list[sqlite_merge.Group]:
        with self._reader.snapshot() as file:
            return sqlite_merge.due(file, before_us=before_us) if file else []

    def _plan(self, group: sqlite_merge.Group, before_us: int, limit: int) -> sqlite_merge.Rewrite:
        with self._reader.snapshot() as file:
            if file is None:
                raise StoreError(f"{self._path} was removed")
            return sqlite_merge.plan(file, group, before_us=before_us, limit=limit)

    async def _look(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What a call that reads returns or raises."""
        if not self._is_up_to_date:
            await self._in(self._writing, self._changes().bring_up_to_date)
            self._is_up_to_date = True
        return await self._in(self._reading, call, *args, **kwargs)

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What a call in another thread returns or raises."""
        try:
            future = threads.submit(call, *args, **kwargs)
        except RuntimeError as error:
            raise StoreError(f"{self._path}: the store is closed ({error})") from error
        return await asyncio.wrap_future(future)
