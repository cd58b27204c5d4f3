"""Rewrites sealed segments without what a cleaning takes out. Blocks long; belongs on a worker thread.

Nothing that is served is touched: what is read here are whole segments, what is written are new files, and how these
take their place is for the partition to say. Memory is bounded: the offset map, one batch at a time, and what is
written at once. So is the work between two calls of `rest`, which lets others run, and raises where this shall end.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tivo.log.disk import Disk, write_whole
from tivo.log.offset_map import OffsetMap
from tivo.log.segment import Segment
from tivo.log.sieve import AbortedRecords, Sieve, readable_parts
from tivo.log.swap import CLEANED
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import BatchHeader, read_header
from tivo.wire.thinning import hole

_WRITE_BYTES = 256 << 10
_SYNC_BYTES = 8 << 20
"""Synced at once: a sync of more would keep those of others waiting."""

Rest = Callable[[int], None]
"""Called between two batches with the number of records that were looked at."""


class Mapped(NamedTuple):
    """The newest offset of each key, as far as offset `upto`, where the map was full or the segments ended."""

    newest: OffsetMap
    upto: int


def map_keys(segments: Sequence[Segment], *, dirty_from: int, keys: int, aborted: AbortedRecords, rest: Rest) -> Mapped:
    """Look for the newest offset of each key in the records from `dirty_from` on. Raises DamagedBatch, OSError."""
    newest = OffsetMap(keys, salt=os.urandom(16))
    for segment in segments:
        if segment.next_offset <= dirty_from:
            continue
        for batch, header in _batches(segment, max(dirty_from, segment.base)):
            rest(header.record_count)
            if header.is_control or aborted.holds(header):
                continue
            for part in readable_parts(batch, header):
                known = part.key is None or part.offset < dirty_from or newest.put(part.key, part.offset)
                if not known:
                    return Mapped(newest, part.offset)
    return Mapped(newest, segments[-1].next_offset)


class Cleaned(NamedTuple):
    """A new segment under names that do not count yet, and how many records and bytes it has less."""

    segment: Segment
    records: int
    bytes: int
    is_changed: bool


class Cleaner:
    """Writes cleaned segments into one directory."""

    def __init__(self, disk: Disk, directory: Path, sieve: Sieve, *, index_bytes: int, rest: Rest) -> None:
        self._disk = disk
        self._directory = directory
        self._sieve = sieve
        self._index_bytes = index_bytes
        self._rest = rest

    def clean(self, group: Sequence[Segment], *, keeps_tombstones: bool) -> Cleaned:
        """Write what stays of some segments into one, on stable storage. Raises DamagedBatch, OSError.

        It has the same offsets as they; those that are gone are told by empty batches, so that every batch of a
        file begins where the one before it ends.
        """
        segment = Segment(self._disk, self._directory, group[0].base, index_bytes=self._index_bytes, ending=CLEANED)
        segment.remove()  # what a cleaning left that could not clear up behind itself
        segment.create()
        try:
            return self._fill(segment, group, keeps_tombstones=keeps_tombstones)
        except BaseException:
            with suppress(OSError):  # the next opening does it
                segment.remove()
            raise

    def _fill(self, segment: Segment, group: Sequence[Segment], *, keeps_tombstones: bool) -> Cleaned:
        writer = _Writer(segment)
        is_changed = len(group) > 1
        epoch = 0
        for each in group:
            for batch, header in _batches(each, each.base):
                self._rest(header.record_count)
                left = self._sieve.rest(batch, header, keeps_tombstones=keeps_tombstones)
                is_changed = is_changed or left is not batch
                epoch = header.partition_leader_epoch
                if left is not None:
                    writer.reach(header.base_offset, epoch)
                    writer.add(left)
        writer.reach(group[-1].next_offset, epoch)
        writer.flush()
        segment.inherit(group)
        segment.save(segment.snapshot())
        segment.sealed = True
        records, size = sum(each.records for each in group), sum(each.size for each in group)
        return Cleaned(segment, records - segment.records, size - segment.size, is_changed)


class _Writer:
    """Appends batches to a new segment, some of them at once."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._log = segment.opened().log
        self._waiting = bytearray()
        self._written = self._synced = 0

    def reach(self, offset: int, leader_epoch: int) -> None:
        """Tell that the offsets up to this one are gone."""
        if self._segment.next_offset < offset:
            self.add(hole(self._segment.next_offset, offset - 1, leader_epoch))

    def add(self, batch: Buffer) -> None:
        header = read_header(batch)
        self._segment.note(self._written + len(self._waiting), header, header.base_offset)
        self._waiting += batch
        if len(self._waiting) >= _WRITE_BYTES:
            self._write()
            if self._written - self._synced >= _SYNC_BYTES:
                self._sync()

    def flush(self) -> None:
        self._write()
        self._sync()

    def _write(self) -> None:
        write_whole(self._log, self._waiting, self._written)
        self._written += len(self._waiting)
        self._waiting = bytearray()

    def _sync(self) -> None:
        self._log.fdatasync()
        self._synced = self._written


def _batches(segment: Segment, offset: int) -> Iterator[tuple[bytes, BatchHeader]]:
    """The batches of a segment from the one on that holds an offset, checked. Raises DamagedBatch."""
    log = segment.opened().log
    for position, header in segment.scan(*segment.locate(offset)):
        yield log.pread(header.size, position), header
