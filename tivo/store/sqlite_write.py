"""What changes a SQLite store. Every change is one transaction; used by one thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tivo.model.bucket import bucket_start
from tivo.model.errors import StoreError
from tivo.model.event import Event, Loss, Page
from tivo.store.admission import admit, check_name, verify
from tivo.store.base import LedgerRow, Written
from tivo.store.ledger import row_of_loss
from tivo.store.overview import LEVELS, count
from tivo.store.sqlite_file import File, identity, is_outdated, open_to_write, translated
from tivo.store.statements import named

_SQL = named("sqlite", "write")

SPANS_PER_BUCKET = 16
"""A page written out of order is cut to spans of this part of a bucket, so that merging can put it in order."""


class Writer:
    """Owns the one connection that writes. It is opened at the first change, and anew after a failure."""

    def __init__(self, path: Path, *, bucket_us: int | None, busy_ms: int) -> None:
        self._path = path
        self._bucket_us = bucket_us
        self._busy_ms = busy_ms
        self._file: File | None = None
        self._incarnation: bytes | None = None

    @contextmanager
    def transaction(self) -> Iterator[File]:
        """A write transaction, on stable storage when it ends; rolled back where anything is raised inside.

        Raises StoreError where the file cannot be written, and from then on where it is no longer the
        one that was opened first: what a new file holds is for the caller to find out.
        """
        try:
            with translated(self._path):
                file = self._opened()
                file.connection.execute("BEGIN IMMEDIATE")
                yield file
                file.connection.execute("COMMIT")
        except BaseException as error:
            self._give_up(error)
            raise

    def bring_up_to_date(self) -> None:
        """Open a file that an older tivo made: from then on whoever reads it finds today's schema."""
        if is_outdated(self._path, busy_ms=self._busy_ms):
            with translated(self._path):
                self._opened()

    def write_all(self, pages: Sequence[Page]) -> list[Written]:
        """`Store.write_all`."""
        for page in pages:
            verify(page)
        with self.transaction() as file:
            return [_write(file, page) for page in pages]

    def quarantine(self, page: Page, loss: Loss, why: str) -> None:
        """`Store.quarantine`."""
        with self.transaction() as file:
            connection = file.connection
            topic = _topic(connection, page)
            written, rest = admit(page, *_frontier(connection, topic, page.partition))
            if written is Written.SKIPPED:
                return
            connection.execute(_SQL["insert_ledger"], (topic, *row_of_loss(rest, loss, why)))
            if rest.events:
                place = (topic, rest.partition, rest.base, rest.next)
                connection.execute(_SQL["insert_quarantine"], (*place, why, msgspec.msgpack.encode(rest)))
            connection.execute(
                _SQL["move_frontier"], (topic, rest.partition, rest.next, rest.leader_epoch, 0, 0, None, None)
            )

    def close(self) -> None:
        """Let go of the file; the last one to do so leaves one file without a write-ahead log."""
        if self._file is not None:
            self._file.connection.close()
            self._file = None

    def _opened(self) -> File:
        if self._file is not None and identity(self._path) != self._file.identity:
            self.close()
        if self._file is None:
            self._file = open_to_write(self._path, bucket_us=self._bucket_us, busy_ms=self._busy_ms)
        if self._incarnation not in {None, self._file.incarnation}:
            raise StoreError(f"{self._path}: the file was replaced while it was in use; open the store anew")
        self._incarnation = self._file.incarnation
        return self._file

    def _give_up(self, error: BaseException) -> None:
        """Leave no transaction open. After an error of SQLite the connection goes too: it may be beyond use."""
        if self._file is None:
            return
        if isinstance(error.__cause__, sqlite3.Error | OSError):
            self.close()
        elif self._file.connection.in_transaction:
            self._file.connection.execute("ROLLBACK")


def insert_pages(file: File, topic: int, events: Sequence[Event], *, span_us: int) -> None:
    """Hold events of one partition, in playback order, as packed pages."""
    for header, packed in file.packer.pack(events, bucket_us=file.bucket_us, span_us=span_us):
        times = (header.min_time_us, header.max_time_us)
        sizes = (header.events, header.raw_bytes)
        row = (topic, header.partition, *times, header.base, header.next, *sizes, packed)
        file.connection.execute(_SQL["insert_page"], row)
        start_us = bucket_start(header.min_time_us, file.bucket_us)
        span = header.max_time_us - header.min_time_us
        file.connection.execute(_SQL["add_to_bucket"], (topic, start_us, header.partition, span, header.is_small))


def _write(file: File, page: Page) -> Written:
    connection = file.connection
    topic = _topic(connection, page)
    written, rest = admit(page, *_frontier(connection, topic, page.partition))
    if written is Written.SKIPPED:
        return written
    events = sorted(rest.events)
    insert_pages(file, topic, events, span_us=file.bucket_us // SPANS_PER_BUCKET)
    for level_us, cells in zip(LEVELS, count([event.time_us for event in events]), strict=True):
        rows = [(topic, level_us, start_us, number) for start_us, number in cells.items()]
        connection.executemany(_SQL["add_to_counts"], rows)
    first_us, last_us = (events[0].time_us, events[-1].time_us) if events else (None, None)
    row = LedgerRow(rest.partition, rest.base, rest.next, first_us, last_us, len(events))
    connection.execute(_SQL["insert_ledger"], (topic, *row))
    value_bytes = sum([len(event.value) for event in events if event.value])
    sums = (len(events), value_bytes, first_us, last_us)
    connection.execute(_SQL["move_frontier"], (topic, rest.partition, rest.next, rest.leader_epoch, *sums))
    return written


def _topic(connection: sqlite3.Connection, page: Page) -> int:
    """The number that stands for the page's topic id. Raises StoreError where the id had another name."""
    row: tuple[int, str] | None = connection.execute(_SQL["topic"], (page.topic_id,)).fetchone()
    if row is None:
        inserted = connection.execute(_SQL["insert_topic"], (page.topic_id, page.topic)).lastrowid
        assert inserted is not None
        return inserted
    number, name = row
    check_name(page, name)
    return number


def _frontier(connection: sqlite3.Connection, topic: int, partition: int) -> tuple[int | None, int]:
    """The frontier, None where it is unset, and the owner epoch."""
    row: tuple[int, int] | None = connection.execute(_SQL["frontier"], (topic, partition)).fetchone()
    return row or (None, 0)
