"""Record batches with fewer records than they came with, as Kafka's compaction leaves them.

A thinned batch keeps its offsets from the first to the last, its producer, its sequence numbers, its codec and its
attributes; the records that stay keep their bytes. Where all of its records are gone a batch may stay as a header
alone, which tells offsets and sequence numbers still; and one such header may tell a run of batches that are gone.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crc32c import crc32c

from tivo.wire.compression import compress
from tivo.wire.primitives import Buffer, read_varint, varint, wrapped
from tivo.wire.record_batch import (
    CHECKED_AT,
    CODEC_BITS,
    CRC,
    CRC_AT,
    DELETE_HORIZON,
    HEADER,
    LENGTH_END,
    MAGIC,
    MAX_INFLATED,
    BatchHeader,
    inflated,
    read_bytes,
    spans,
)

NO_TIME = -1


class Part(NamedTuple):
    """A record, as far as it matters whether it stays: `content` is all of it, its length in front."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    has_value: bool
    content: memoryview


def parts(buffer: Buffer, position: int, header: BatchHeader, *, max_inflated: int = MAX_INFLATED) -> Iterator[Part]:
    """The records of the batch at `position`. Raises WireError as `records` does; headers are not looked at."""
    data = memoryview(inflated(buffer, position, header, max_inflated))
    start = 0
    for offset, timestamp_ms, key_at, end in spans(data, header):
        key, value_at = read_bytes(data, key_at, end)
        length, _ = read_varint(data, value_at)
        yield Part(offset, timestamp_ms, key, length >= 0, data[start:end])
        start = end


def thinned(header: BatchHeader, kept: Sequence[Part], *, horizon_ms: int | None = None) -> bytearray:
    """The batch with these of its records, one at least. `horizon_ms`: its tombstones may go from then on."""
    newest_ms = header.max_timestamp if header.is_log_append_time else max(part.timestamp_ms for part in kept)
    left = header._replace(max_timestamp=newest_ms, record_count=len(kept))
    if horizon_ms is None:
        return _written(left, b"".join(part.content for part in kept))
    left = left._replace(attributes=left.attributes | DELETE_HORIZON, base_timestamp=horizon_ms)
    return _written(left, b"".join(_retimed(part.content, header.base_timestamp - horizon_ms) for part in kept))


def emptied(header: BatchHeader) -> bytearray:
    """The batch without any record: its offsets, its producer and its sequence numbers."""
    attributes = header.attributes & ~(CODEC_BITS | DELETE_HORIZON)
    left = header._replace(attributes=attributes, base_timestamp=NO_TIME, max_timestamp=NO_TIME, record_count=0)
    return _written(left, b"")


def hole(base_offset: int, last_offset: int, leader_epoch: int) -> bytearray:
    """A batch without records and without a producer: these offsets are gone, whatever was there."""
    header = BatchHeader(
        base_offset=base_offset,
        batch_length=0,
        partition_leader_epoch=leader_epoch,
        magic=MAGIC,
        crc=0,
        attributes=0,
        last_offset_delta=last_offset - base_offset,
        base_timestamp=NO_TIME,
        max_timestamp=NO_TIME,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        record_count=0,
    )
    return _written(header, b"")


def _retimed(content: memoryview, later_ms: int) -> bytes:
    """A record whose batch has another base timestamp, so that its own time stays."""
    _, begin = read_varint(content, 0)
    delta, rest = read_varint(content, begin + 1)
    body = b"".join((content[begin : begin + 1], varint(wrapped(delta + later_ms)), content[rest:]))
    return varint(len(body)) + body


def _written(header: BatchHeader, content: bytes) -> bytearray:
    batch = bytearray(HEADER.size)
    batch += compress(header.codec, content) if content else b""
    HEADER.pack_into(batch, 0, *header._replace(batch_length=len(batch) - LENGTH_END))
    CRC.pack_into(batch, CRC_AT, crc32c(memoryview(batch)[CHECKED_AT:]))
    return batch
