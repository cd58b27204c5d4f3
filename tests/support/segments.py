"""A segment on disk: filled, sealed, damaged, and read back past its damage."""

from collections.abc import Iterator
from pathlib import Path

from tests.support.batches import batch, values_of
from tivo.log.disk import Disk, OsDisk, write_whole
from tivo.log.scan import DamagedBatch
from tivo.log.segment import Segment
from tivo.log.segment_files import LOG
from tivo.wire.record_batch import read_header, stamp

BASE = 1_000
EVERYTHING = 1 << 62


def made(directory: Path, disk: Disk | None = None, *, base: int = BASE) -> Segment:
    segment = Segment(disk or OsDisk(), directory, base, index_bytes=200)
    segment.create()
    return segment


def add(segment: Segment, *values: bytes, times_ms: tuple[int, ...] = ()) -> int:
    """Append one batch; gives its position."""
    return put(segment, batch(*values, times_ms=times_ms))


def put(segment: Segment, data: bytearray) -> int:
    position = segment.size
    stamp(data, 0, segment.next_offset, 0)
    write_whole(segment.opened().log, data, position)
    segment.note(position, read_header(data), segment.next_offset)
    return position


def filled(directory: Path, count: int = 30) -> tuple[Segment, list[int]]:
    """A segment of batches of one record each, the record at offset BASE + n made at n * 10 ms; and their positions."""
    segment = made(directory)
    return segment, [add(segment, b"value %d" % n, times_ms=(n * 10,)) for n in range(count)]


def sealed(segment: Segment) -> Segment:
    segment.save(segment.snapshot())
    segment.release()
    return segment


def damage(segment: Segment, position: int) -> None:
    """Flip a bit of the last byte of a batch's header, which its CRC covers."""
    file = OsDisk().open(segment.path(LOG))
    byte = file.pread(1, position + 60)
    file.pwrite(bytes([byte[0] ^ 1]), position + 60)


def read_all(segment: Segment, *, max_bytes: int = 300) -> Iterator[tuple[int, bytes]]:
    """Every record that is served, setting damage aside on the way."""
    offset = segment.base
    while True:
        try:
            data = segment.read(offset, max_bytes=max_bytes, upto=EVERYTHING)
        except DamagedBatch as damaged:
            segment.set_aside(damaged, end=segment.size, next_offset=segment.next_offset)
            continue
        if not data:
            return
        values = values_of(data)
        yield from values.items()
        offset = max(values) + 1


def expected(count: int, *, lost: tuple[int, ...] = ()) -> list[tuple[int, bytes]]:
    return [(BASE + n, b"value %d" % n) for n in range(count) if n not in lost]
