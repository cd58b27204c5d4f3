"""Merging in a SQLite store: small pages of a bucket and partition into large ones, the events untouched.

Pages are unpacked and packed outside of the write transaction, so that a merge holds up a write
for the exchange alone. A page is cut small by its linger: an agent that lingers 20 ms at 200
events/s writes pages of 4.
"""

from itertools import chain
from typing import NamedTuple

from tivo.model.errors import StoreError
from tivo.model.event import Event
from tivo.store.base import LedgerRow
from tivo.store.ledger import joined
from tivo.store.page import SMALL_BYTES, SMALL_EVENTS
from tivo.store.sqlite_file import File
from tivo.store.sqlite_write import Writer, insert_pages
from tivo.store.statements import named

_SQL = named("sqlite", "merge") | named("sqlite", "write")
_PACKED = named("sqlite", "read")["packed"]

ENOUGH_PAGES = 16
"""Small pages that gather in a bucket still open before they are merged: merging at once would pack events over and
over. With pages of 5 events each is packed about 6 times on its way into a large page."""

KEPT_ROWS = 64
"""The newest rows of a partition's ledger stay as they were written: the frontiers of viewers who follow lie there."""

_SMALL = {"small_events": SMALL_EVENTS, "small_bytes": SMALL_BYTES}


class Group(NamedTuple):
    """The pages of one partition in one bucket."""

    topic: int
    start_us: int
    partition: int


class Rewrite(NamedTuple):
    """Small pages of a group and their events, in playback order, to stand in larger pages instead."""

    group: Group
    ended: bool
    pages: list[int]
    events: list[Event]


def due(file: File, *, before_us: int) -> list[Group]:
    """The groups that have pages to merge, oldest bucket first."""
    asked = {"ended_us": before_us - file.bucket_us, "enough": ENOUGH_PAGES}
    return list(map(Group._make, file.connection.execute(_SQL["due"], asked)))


def plan(file: File, group: Group, *, before_us: int, limit: int) -> Rewrite:
    """What to do with up to `limit` small pages of a group, taken by time so that what comes out overlaps least.

    The newest page of a bucket still open is left: the next one may come to it.
    """
    ended = group.start_us + file.bucket_us <= before_us
    window = {"start_us": group.start_us, "end_us": group.start_us + file.bucket_us}
    asked = {"topic": group.topic, "partition": group.partition, **window, **_SMALL}
    pages = [page for (page,) in file.connection.execute(_SQL["small_pages"], asked)]
    if not ended and pages:
        pages.remove(max(pages))
    if len(pages) < 2:
        return Rewrite(group, ended, [], [])
    taken = {page: events for page in pages[:limit] if (events := _unpacked(file, page)) is not None}
    return Rewrite(group, ended, list(taken), sorted(chain.from_iterable(taken.values())))


def apply(writer: Writer, rewrite: Rewrite) -> int:
    """Put the larger pages in place of the small ones, in one transaction; how many small pages went.

    None goes where another process took one of them meanwhile.
    """
    with writer.transaction() as file:
        if not all(_is_held(file, page) for page in rewrite.pages):
            return 0
        insert_pages(file, rewrite.group.topic, rewrite.events, span_us=file.bucket_us)
        file.connection.executemany(_SQL["delete_page"], [(page,) for page in rewrite.pages])
        _settle(file, rewrite)
        if rewrite.events:
            _join_ledger(file, rewrite)
    return len(rewrite.pages)


def _unpacked(file: File, page: int) -> list[Event] | None:
    """A page's events; None where it is damaged: it stays as it is, for every read to tell of it."""
    try:
        return file.packer.unpack(file.connection.execute(_PACKED, (page,)).fetchone()[0])
    except StoreError:
        return None


def _is_held(file: File, page: int) -> bool:
    return file.connection.execute(_SQL["page"], (page,)).fetchone() is not None


def _settle(file: File, rewrite: Rewrite) -> None:
    """Note what the bucket holds now. One small page left in a bucket that ended waits for nothing."""
    group = rewrite.group
    window = {"start_us": group.start_us, "end_us": group.start_us + file.bucket_us}
    asked = {"topic": group.topic, "partition": group.partition, **window, **_SMALL}
    span_us, small_pages = file.connection.execute(_SQL["bucket"], asked).fetchone()
    if rewrite.ended and small_pages == 1:
        small_pages = 0
    file.connection.execute(_SQL["update_bucket"], (span_us, small_pages, *group))


def _join_ledger(file: File, rewrite: Rewrite) -> None:
    """Join the ledger's rows over the offsets that were merged, as far as they are old enough and short."""
    topic, _, partition = rewrite.group
    newest = file.connection.execute(_SQL["ledger_kept"], (topic, partition, KEPT_ROWS - 1)).fetchone()
    if newest is None:
        return
    first = min(event.offset for event in rewrite.events)
    last = min(max(event.offset for event in rewrite.events) + 1, newest[0])
    rows = [
        LedgerRow._make(row) for row in file.connection.execute(_SQL["ledger_between"], (topic, partition, first, last))
    ]
    fewer = list(joined(rows, span_us=file.bucket_us))
    if len(fewer) < len(rows):
        file.connection.execute(_SQL["delete_ledger"], (topic, partition, rows[0].base, rows[-1].next))
        file.connection.executemany(_SQL["insert_ledger"], [(topic, *row) for row in fewer])
