"""Where in a segment a batch or a record lies: by its offset, by its time, or because a read ended there."""

from collections.abc import Iterator
from typing import NamedTuple

from tivo.log.disk import File
from tivo.log.scan import HEADER_BYTES, SCAN_BYTES, Found
from tivo.log.segment_files import OpenSegment
from tivo.log.stretches import SetAside, scan_good
from tivo.model.errors import WireError
from tivo.wire.record_batch import BatchHeader, read_header, records

_RESUMES = 64
"""Ends of recent reads that are remembered: so many consumers of one segment go on without a search."""

_WALK_BYTES = 16 << 10
"""Read at once on the way from an index entry to an offset, 4 KiB and a batch further on."""

_MAX_INFLATED = 64 << 20


class Resumes:
    """Where reads ended, for the next ones begin there. Too many are forgotten at once: each costs one search then."""

    def __init__(self) -> None:
        self._positions: dict[int, int] = {}

    def position(self, offset: int) -> int | None:
        return self._positions.get(offset)

    def remember(self, offset: int, position: int) -> None:
        if len(self._positions) >= _RESUMES:
            self._positions = {}
        self._positions[offset] = position


class Lookup(NamedTuple):
    """A segment as a reader finds it. Whatever looks at its log raises DamagedBatch where that is not good."""

    opened: OpenSegment
    damage: SetAside
    base: int
    size: int
    next_offset: int

    def scan(self, position: int, offset: int, *, chunk: int = SCAN_BYTES) -> Iterator[Found]:
        return scan_good(self.opened.log, self.damage, position, offset, end=self.size, chunk=chunk)

    def locate(self, offset: int) -> tuple[int, int]:
        """Position and base offset of the batch that holds `offset`, or of the first behind it."""
        for found in self.scan(*self._indexed(offset), chunk=_WALK_BYTES):
            if found.header.last_offset >= offset:
                return found.position, found.header.base_offset
        return self.size, self.next_offset

    def first_at(self, time_ms: int, *, from_offset: int) -> tuple[int, int] | None:
        """Time and offset of the first record at or after a time and an offset."""
        log, indexes, _ = self.opened
        number = indexes.times.last_at_or_below(time_ms - 1)
        start = self.base if number < 0 else self.base + indexes.times.entry(number)[1]
        for position, header in self.scan(*self.locate(max(start, from_offset)), chunk=_WALK_BYTES):
            if header.max_timestamp >= time_ms:
                record = _first_record_at(log.pread(header.size, position), header, time_ms, from_offset)
                if record is not None:
                    return record
        return None

    def newest(self) -> BatchHeader | None:
        """The header of the last batch; None where there is none."""
        newest = None
        for found in self.scan(*self._indexed(self.next_offset)):
            newest = found.header
        return newest

    def _indexed(self, offset: int) -> tuple[int, int]:
        """Position and base offset of a batch at or before the one that holds `offset`.

        Where the log is damaged at an indexed batch, the entry before it serves: the walk from there finds the damage.
        """
        log, indexes, _ = self.opened
        for number in range(indexes.offsets.last_at_or_below(offset - self.base), -1, -1):
            relative_last, position = indexes.offsets.entry(number)
            header = _peek(log, position)
            if header is not None and header.last_offset == self.base + relative_last:
                return position, header.base_offset
        return 0, self.base


def _peek(log: File, position: int) -> BatchHeader | None:
    try:
        return read_header(log.pread(HEADER_BYTES, position))
    except WireError:
        return None


def _first_record_at(batch: bytes, header: BatchHeader, time_ms: int, from_offset: int) -> tuple[int, int] | None:
    """The first record of a batch at or after a time; the batch's first one where it cannot be inflated."""
    try:
        for record in records(batch, 0, header, max_inflated=_MAX_INFLATED):
            if record.timestamp_ms >= time_ms and record.offset >= from_offset:
                return record.timestamp_ms, record.offset
    except WireError:
        return header.max_timestamp, max(header.base_offset, from_offset)
    return None
