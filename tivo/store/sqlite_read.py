"""What reads a SQLite store. Every read is one short transaction on the calling thread's own connection."""

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sys import maxsize
from threading import Lock, local
from typing import NamedTuple, TypeVar

from tivo.model.bucket import bucket_start
from tivo.model.errors import StoreError
from tivo.model.event import Event, Frontier, Lost
from tivo.model.timeline import Window
from tivo.store.base import MAX_READ_BYTES, Found, LedgerRow, Overview, Owned, TopicStats
from tivo.store.ledger import LossRow, lost
from tivo.store.ordered import PlacedPage, in_order, last_first
from tivo.store.overview import EXACT, Part, Slices, parts, slices, tally
from tivo.store.page_cache import PageCache
from tivo.store.selection import Selection
from tivo.store.sqlite_file import File, identity, open_to_read, translated
from tivo.store.statements import named

T = TypeVar("T")

_SQL = named("sqlite", "read")
_FIRST_US, _LAST_US = -maxsize - 1, maxsize

_HULL_ROWS = 4_096
"""Rows of the ledger that a read looks through for the times of a range of offsets; beyond, it goes by time alone."""


class Reader:
    """Answers from any thread. As long as no file is there the store is empty; a replaced file is opened anew."""

    def __init__(self, path: Path, *, cache_bytes: int, busy_ms: int) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._cache = PageCache(cache_bytes)
        self._thread = local()
        self._open: list[File] = []
        self._lock = Lock()

    @contextmanager
    def snapshot(self) -> Iterator[File | None]:
        """One state of the store, whatever is written meanwhile; None where there is no store yet."""
        file = self._opened()
        if file is None:
            yield None
            return
        try:
            with translated(self._path):
                file.connection.execute("BEGIN")
                yield file
                file.connection.execute("COMMIT")
        except BaseException:
            self._drop(file)
            raise

    def read(self, topic_id: bytes, asked: Selection, limit: int, max_bytes: int = MAX_READ_BYTES) -> Found:
        """`Store.read`."""
        with self.snapshot() as file:
            topic = _topic(file, topic_id)
            if file is None or topic is None or asked.is_empty:
                return Found([], last=True)
            return self._read(file, topic, asked, limit, max_bytes)

    def topics(self) -> list[TopicStats]:
        """`Store.topics`."""
        with self.snapshot() as file:
            return [TopicStats(*row) for row in file.connection.execute(_SQL["topics"])] if file else []

    def frontier(self, topic_id: bytes) -> dict[int, int]:
        """`Store.frontier`."""
        with self.snapshot() as file:
            topic = _topic(file, topic_id)
            return _frontier(file, topic) if file and topic else {}

    def owned(self, topic_id: bytes) -> dict[int, Owned]:
        """`Store.owned`."""
        with self.snapshot() as file:
            topic = _topic(file, topic_id)
            return _owned(file, topic) if file and topic else {}

    def ledger(self, topic_id: bytes, above: Frontier, upto: Frontier) -> list[LedgerRow]:
        """`Store.ledger`."""
        rows: list[LedgerRow] = []
        with self.snapshot() as file:
            topic = _topic(file, topic_id)
            if file is None or topic is None:
                return rows
            for partition in sorted(upto):
                bounds = {"above": above.get(partition, 0), "upto": upto[partition]}
                if bounds["upto"] <= bounds["above"]:
                    continue
                found = file.connection.execute(_SQL["ledger"], {"topic": topic, "partition": partition, **bounds})
                rows += map(LedgerRow._make, found)
        return rows

    def lost(self, topic_id: bytes, window: Window, above: Frontier, upto: Frontier) -> list[Lost]:
        """`Store.lost`."""
        rows: list[LossRow] = []
        with self.snapshot() as file:
            topic = _topic(file, topic_id)
            if file is None or topic is None:
                return []
            times = {
                "start_us": _FIRST_US if window.start_us is None else window.start_us,
                "end_us": _LAST_US if window.end_us is None else window.end_us,
            }
            for partition, end in sorted(upto.items()):
                offsets = {"above": above.get(partition, 0), "upto": end}
                rows += _losses(file, {"topic": topic, "partition": partition} | offsets | times)
        return lost(rows, window, above=above, upto=upto)

    def overview(self, topic_id: bytes, window: Window, buckets: int) -> Overview:
        """`Store.overview`."""
        cut = slices(window, buckets)
        counts = [0] * cut.number
        with self.snapshot() as file:
            topic = _topic(file, topic_id)
            if file is None or topic is None or not cut.number:
                return Overview(cut.start_us, cut.width_us, counts)
            for part in parts(window, cut.width_us):
                if part.level_us == EXACT:
                    self._count_pages(file, topic, part, cut, counts)
                    continue
                asked = {"topic": topic, "origin_us": cut.start_us, "width_us": cut.width_us, **part._asdict()}
                for number, events in file.connection.execute(_SQL["counts"], asked):
                    counts[number] += events
        return Overview(cut.start_us, cut.width_us, counts)

    def close(self) -> None:
        """Let go of every thread's connection; no read may be under way."""
        with self._lock:
            for file in self._open:
                file.connection.close()
            self._open.clear()

    def _opened(self) -> File | None:
        file: File | None = getattr(self._thread, "file", None)
        if file is not None and identity(self._path) != file.identity:
            self._drop(file)
            file = None
        if file is None:
            file = open_to_read(self._path, busy_ms=self._busy_ms)
            if file is not None:
                self._keep(file)
        return file

    def _keep(self, file: File) -> None:
        self._thread.file = file
        with self._lock:
            self._open.append(file)

    def _drop(self, file: File) -> None:
        self._thread.file = None
        with self._lock:
            self._open.remove(file)
        file.connection.close()

    def _read(self, file: File, topic: int, asked: Selection, limit: int, max_bytes: int) -> Found:
        span = _times(file, topic, asked)
        if span is None:
            return Found([], last=True)

        def load(page: PlacedPage) -> list[Event]:
            return self._events(file, page)

        with closing(_newest_first(file, topic, span) if asked.reverse else _oldest_first(file, topic, span)) as pages:
            return in_order(pages, load, asked, limit=limit, max_bytes=max_bytes)

    def _count_pages(self, file: File, topic: int, part: Part, cut: Slices, counts: list[int]) -> None:
        """Add the events of a part to the counts: a page at once that lies in one slice, else by the times in it."""
        span = _times(file, topic, Selection(window=Window(part.start_us, part.end_us)))
        assert span is not None
        with closing(file.connection.execute(_SQL["page_counts"], {"topic": topic, **span._asdict()})) as rows:
            for *place, events in rows:
                page = PlacedPage._make(place)
                is_inside = part.start_us <= page.min_us and page.max_us < part.end_us
                if is_inside and cut.of(page.min_us) == cut.of(page.max_us):
                    counts[cut.of(page.min_us)] += events
                    continue
                times_us = self._unpacked(file, page, file.packer.times)
                first, behind = bisect_left(times_us, part.start_us), bisect_left(times_us, part.end_us)
                tally(counts, cut, times_us[first:behind])

    def _events(self, file: File, page: PlacedPage) -> list[Event]:
        key = (file.incarnation, page.page)
        events = self._cache.get(key)
        if events is None:
            events = self._unpacked(file, page, file.packer.unpack)
            self._cache.put(key, events, page.raw_bytes)
        return events

    def _unpacked(self, file: File, page: PlacedPage, unpack: Callable[[bytes], list[T]]) -> list[T]:
        (packed,) = file.connection.execute(_SQL["packed"], (page.page,)).fetchone()
        try:
            return unpack(packed)
        except StoreError as error:
            place = f"partition {page.partition}, offsets {page.base} to {page.next}"
            raise StoreError(f"{self._path}: page {page.page} ({place}): {error}") from error


def _topic(file: File | None, topic_id: bytes) -> int | None:
    row = file.connection.execute(_SQL["topic"], (topic_id,)).fetchone() if file else None
    return row[0] if row else None


def _owned(file: File, topic: int) -> dict[int, Owned]:
    rows = file.connection.execute(_SQL["owned"], (topic,))
    return {partition: Owned(owner_epoch, leader_epoch) for partition, owner_epoch, leader_epoch in rows}


def _frontier(file: File, topic: int) -> dict[int, int]:
    return dict(file.connection.execute(_SQL["frontier"], (topic,)))


def _losses(file: File, asked: dict[str, int]) -> Iterator[LossRow]:
    """Losses among offsets of a partition, without those that are known to lie outside of a window."""
    for base, next_offset, loss, first_us, last_us, *around_us in file.connection.execute(_SQL["losses"], asked):
        row = LossRow(asked["partition"], base, next_offset, loss, first_us, last_us)
        yield row.between(*around_us) if first_us is None else row


class _Times(NamedTuple):
    """Times in which pages are looked for: those that begin in from_us ≤ t < end_us and end at start_us or later."""

    from_us: int
    start_us: int
    end_us: int


def _times(file: File, topic: int, asked: Selection) -> _Times | None:
    """Times in which the pages asked for lie; None where there are none."""
    start_us = _FIRST_US if asked.start_us is None else asked.start_us
    end_us = _LAST_US if asked.end_us is None else asked.end_us
    if asked.above:
        hull = _hull(file, topic, asked, start_us, end_us)
        if hull is None:
            return None
        start_us, end_us = max(start_us, hull[0]), min(end_us, hull[1] + 1)
    from_us = start_us
    if start_us != _FIRST_US:
        first_us = bucket_start(start_us, file.bucket_us)
        from_us = max(first_us, start_us - _span(file, topic, first_us))
    return _Times(from_us, start_us, end_us)


def _hull(file: File, topic: int, asked: Selection, start_us: int, end_us: int) -> tuple[int, int] | None:
    """First and last time that the ledger tells for the offsets asked for, inside of a window; None for no event.

    What came since a viewer's frontier is a few rows, mostly all of them past its cursor, so that
    asking for late events costs one look at the ledger.
    """
    firsts, lasts, left = [], [], _HULL_ROWS
    for partition in _frontier(file, topic):
        above, upto = asked.offsets(partition)
        bounds = {"topic": topic, "partition": partition, "above": above, "upto": upto}
        window = {"start_us": start_us, "end_us": end_us, "limit": left}
        rows, first_us, last_us = file.connection.execute(_SQL["hull"], {**bounds, **window}).fetchone()
        left -= rows
        if left <= 0:
            return start_us, end_us
        if first_us is not None:
            firsts.append(first_us)
            lasts.append(last_us)
    return (min(firsts), max(lasts)) if firsts else None


def _span(file: File, topic: int, bucket_start_us: int) -> int:
    """The longest time that a page of a bucket spans; 0 where it holds none."""
    (span_us,) = file.connection.execute(_SQL["span"], (topic, bucket_start_us)).fetchone()
    return span_us or 0


def _oldest_first(file: File, topic: int, times: _Times) -> Generator[PlacedPage, None, None]:
    with closing(file.connection.execute(_SQL["pages_oldest_first"], {"topic": topic, **times._asdict()})) as rows:
        yield from map(PlacedPage._make, rows)


def _newest_first(file: File, topic: int, times: _Times) -> Generator[PlacedPage, None, None]:
    spans: dict[int, int] = {}

    def span_at(time_us: int) -> int:
        start_us = bucket_start(time_us, file.bucket_us)
        if start_us not in spans:
            spans[start_us] = _span(file, topic, start_us)
        return spans[start_us]

    with closing(file.connection.execute(_SQL["pages_newest_first"], {"topic": topic, **times._asdict()})) as rows:
        yield from last_first(map(PlacedPage._make, rows), span_at)
