"""Walks the batches of a log file, each one checked, and finds the next good one behind damage."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crc32c import crc32c

from tivo.log.disk import Buffer, File
from tivo.model.errors import LogError, WireError
from tivo.wire.record_batch import CHECKED_AT, HEADER, LENGTH_END, MAGIC, BatchHeader, read_header, verify

HEADER_BYTES = HEADER.size
"""Bytes of a record batch's header, from its base offset to its record count."""

SCAN_BYTES = 4 << 20
"""Read at once while a whole segment is walked."""

_MAX_RELATIVE_OFFSET = (1 << 31) - 1
_SEARCH_BYTES = 1 << 20
_OFFSET_BYTES = 8
_CANDIDATE = re.compile(rb"(?=[\x00-\x7f].{15}\x02.{4}[\x00-\x01])", re.DOTALL)
"""What a batch may begin with: an offset that is not negative; magic 2 and attributes below 512 further on."""


class DamagedBatch(LogError):
    """A batch is torn or altered. `position` is where it begins in its file, `offset` what it should begin with."""

    def __init__(self, position: int, offset: int, reason: str) -> None:
        super().__init__(f"damaged batch of offset {offset} at position {position}: {reason}")
        self.position = position
        self.offset = offset
        self.reason = reason


class Found(NamedTuple):
    """A good batch and where it begins in its file."""

    position: int
    header: BatchHeader


def check(buffer: Buffer, position: int, offset: int) -> BatchHeader | None:
    """The batch at `position` of the buffer, found good; None where the buffer ends before the batch does.

    It must begin at `offset`: base offset and leader epoch are outside the CRC-32C, but offsets follow
    upon each other. Raises WireError where it is not such a batch.
    """
    there = len(buffer) - position
    if there < HEADER_BYTES:
        return None
    header = read_header(buffer, position)
    if header.base_offset != offset:
        raise WireError(f"it begins at offset {header.base_offset}")
    if header.size > there:
        return None
    verify(buffer, position, header)
    return header


def good_until(view: memoryview, offset: int, upto: int) -> tuple[int, int]:
    """Where the good batches at the start of a buffer end, and the offset behind them.

    They begin at `offset` and lie below `upto`. `check` for many, in half its time: it builds no header and
    gives no reasons.
    """
    at, size = 0, len(view)
    while size - at >= HEADER_BYTES:
        base, length, _, magic, crc, _, delta, _, _, _, _, _, _ = HEADER.unpack_from(view, at)
        end = at + LENGTH_END + length
        if base != offset or magic != MAGIC or delta < 0 or base + delta >= upto:
            break
        if not at + HEADER_BYTES <= end <= size or crc32c(view[at + CHECKED_AT : end]) != crc:
            break
        at, offset = end, base + delta + 1
    return at, offset


def whole_batches(buffer: bytes, offset: int, upto: int) -> tuple[memoryview, int]:
    """The good batches at the start of a buffer, the first of which begins at `offset`, and the offset behind them.

    None where the first reaches beyond `upto`. Raises WireError where it is not good, or not whole.
    """
    view = memoryview(buffer)
    size, following = good_until(view, offset, upto)
    if size == 0 and check(view, 0, offset) is None:
        raise WireError(f"it is cut short after {len(view)} bytes")
    return view[:size], following


def scan(file: File, position: int, end: int, offset: int, *, chunk: int = SCAN_BYTES) -> Iterator[Found]:
    """The batches from `position` to `end` of a file, the first one beginning at `offset`.

    Raises DamagedBatch at the first that is not good, or not whole before the end.
    """
    start, buffer = position, b""
    while position < end:
        try:
            header = check(buffer, position - start, offset)
            if header is None:
                start, buffer = position, _read_batch(file, position, end, chunk)
                header = check(buffer, 0, offset)
        except WireError as error:
            raise DamagedBatch(position, offset, str(error)) from error
        if header is None:
            raise DamagedBatch(position, offset, f"it is cut short at {end}")
        yield Found(position, header)
        position += header.size
        offset = header.last_offset + 1


def find_batch(file: File, position: int, end: int, *, base: int, least_offset: int) -> Found | None:
    """The first good batch at or behind `position` whose offset is at least `least_offset`; None up to `end`.

    `base` is the segment's first offset: its batches lie within 2^31 of it. Tries every byte. A batch's
    check sum does not cover its offset, so one counts only where the next batch follows on it, or where its
    offset lies below that of the next one which does.
    """
    doubtful: list[Found] = []
    for found in _good_batches(file, position, end, base=base, least_offset=least_offset):
        if _is_followed(file, found, end):
            return next((one for one in doubtful if one.header.last_offset < found.header.base_offset), found)
        doubtful.append(found)
    return doubtful[0] if doubtful else None


def _good_batches(file: File, position: int, end: int, *, base: int, least_offset: int) -> Iterator[Found]:
    while position + HEADER_BYTES <= end:
        buffer = file.pread(min(_SEARCH_BYTES + HEADER_BYTES, end - position), position)
        for match in _CANDIDATE.finditer(buffer):
            found = _good_batch(file, position + match.start(), end, base=base, least_offset=least_offset)
            if found is not None:
                yield found
        position += _SEARCH_BYTES


def _is_followed(file: File, found: Found, end: int) -> bool:
    """Whether a batch ends where the search does, or the next one's offset follows upon its own."""
    behind = found.position + found.header.size
    return behind == end or file.pread(_OFFSET_BYTES, behind) == (found.header.last_offset + 1).to_bytes(_OFFSET_BYTES)


def _good_batch(file: File, position: int, end: int, *, base: int, least_offset: int) -> Found | None:
    try:
        header = read_header(file.pread(HEADER_BYTES, position))
        offset = header.base_offset
        if not least_offset <= offset <= header.last_offset <= base + _MAX_RELATIVE_OFFSET:
            return None
        if position + header.size > end:
            return None
        good = check(file.pread(header.size, position), 0, offset)
    except WireError:
        return None
    return Found(position, header) if good is not None else None


def _read_batch(file: File, position: int, end: int, chunk: int) -> bytes:
    """At least the whole batch at `position`, as far as it lies before `end`. Raises WireError."""
    buffer = file.pread(min(chunk, end - position), position)
    if len(buffer) < HEADER_BYTES:
        return buffer
    size = read_header(buffer).size
    return buffer if size <= len(buffer) or position + size > end else file.pread(size, position)
