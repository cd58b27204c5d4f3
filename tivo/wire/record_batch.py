"""Record batches, format v2: the unit of data on the wire and in a segment.

A batch is a header of 61 bytes and its records, compressed or not. The CRC covers all that follows it; base offset and
leader epoch stand before it, so a broker stamps them in place. Kafka's `max_timestamp` is that of the header; the exact
bounds need a look at every record.
"""

from collections.abc import Iterator, Sequence
from struct import Struct as Packer
from typing import NamedTuple

from crc32c import crc32c

from tivo.model.errors import WireError
from tivo.model.event import Headers
from tivo.wire.compression import Codec, compress, inflate
from tivo.wire.primitives import Buffer, read_varint, varint, wrapped

HEADER = Packer(">qiibIhiqqqhii")
BASE_OFFSET = Packer(">q")
LEADER_EPOCH = Packer(">i")
CRC = Packer(">I")
LENGTH = Packer(">i")
LENGTH_AT = 8
LEADER_EPOCH_AT = 12
CRC_AT = 17
CHECKED_AT = 21
"""Where the bytes begin that the CRC covers."""
LENGTH_END = 12
"""`batch_length` counts the bytes behind itself."""
MAGIC = 2
MAX_INFLATED = 64 << 20
SMALLEST_RECORD = 7
"""Bytes of a record that holds nothing: its length, attributes, two deltas, no key, no value, no headers."""

CODEC_BITS = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20
DELETE_HORIZON = 0x40
"""Stands in a compacted batch whose base timestamp is the time from which on its tombstones may go (KIP-534)."""


class Record(NamedTuple):
    """One record of a batch. `timestamp_ms` is what consumers see: the time of the append where the topic says so."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class BatchHeader(NamedTuple):
    """The 61 bytes at the start of a batch."""

    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return LENGTH_END + self.batch_length

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def codec(self) -> Codec:
        """Raises WireError for a codec that Kafka does not know."""
        number = self.attributes & CODEC_BITS
        if number > Codec.ZSTD:
            raise WireError(f"the batch at offset {self.base_offset} has compression type {number}, known are 0 to 4")
        return Codec(number)

    @property
    def is_log_append_time(self) -> bool:
        return bool(self.attributes & LOG_APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL)

    @property
    def has_delete_horizon(self) -> bool:
        return bool(self.attributes & DELETE_HORIZON)


def read_header(buffer: Buffer, position: int = 0) -> BatchHeader:
    """The header of the batch at `position`. Raises WireError if it is cut short, of another format or impossible."""
    if len(buffer) - position < HEADER.size:
        raise WireError(f"a batch header has {HEADER.size} bytes, at byte {position} of {len(buffer)} are fewer")
    header = BatchHeader._make(HEADER.unpack_from(buffer, position))
    if header.magic != MAGIC:
        raise WireError(f"the batch at byte {position} has format {header.magic}, only format {MAGIC} is understood")
    if header.size < HEADER.size or header.record_count < 0 or header.last_offset_delta < 0:
        raise WireError(
            f"the batch at byte {position} is impossible: length {header.batch_length}, "
            f"{header.record_count} records, last offset delta {header.last_offset_delta}"
        )
    return header


def batches(buffer: Buffer) -> Iterator[tuple[int, BatchHeader]]:
    """Position and header of every batch. Raises WireError if the bytes end inside one."""
    position = 0
    while position < len(buffer):
        header = read_header(buffer, position)
        if header.size > len(buffer) - position:
            raise WireError(f"the batch at byte {position} has {header.size} bytes, {len(buffer) - position} are there")
        yield position, header
        position += header.size


def offset_behind(buffer: Buffer) -> int:
    """The offset behind the last of some whole batches. Quick where they are many: it looks at their lengths alone."""
    at, last, size = 0, 0, len(buffer)
    while at < size:
        last = at
        at += LENGTH_END + LENGTH.unpack_from(buffer, at + LENGTH_AT)[0]
    return read_header(buffer, last).last_offset + 1


def verify(buffer: Buffer, position: int, header: BatchHeader) -> None:
    """Raises WireError unless the CRC fits. Lets other threads run meanwhile."""
    computed = crc32c(memoryview(buffer)[position + CHECKED_AT : position + header.size])
    if computed != header.crc:
        raise WireError(
            f"the batch at byte {position} (offset {header.base_offset}) is damaged: "
            f"its CRC says {header.crc:#010x}, its bytes {computed:#010x}"
        )


def stamp(buffer: bytearray | memoryview, position: int, base_offset: int, leader_epoch: int) -> None:
    """Writes base offset and leader epoch into the batch at `position`; the CRC stays valid."""
    BASE_OFFSET.pack_into(buffer, position, base_offset)
    LEADER_EPOCH.pack_into(buffer, position + LEADER_EPOCH_AT, leader_epoch)


def records(
    buffer: Buffer,
    position: int,
    header: BatchHeader,
    *,
    max_inflated: int = MAX_INFLATED,
    name_errors: str = "strict",
) -> Iterator[Record]:
    """The records of the batch at `position`, one by one.

    Raises WireError if they inflate to more than `max_inflated` bytes, or if count, lengths or offsets do not fit.
    Also for the name of a header that is not UTF-8, unless `name_errors` says how to decode it all the same.
    """
    data = inflated(buffer, position, header, max_inflated)
    for offset, timestamp_ms, begin, end in spans(data, header):
        key, at = read_bytes(data, begin, end)
        value, at = read_bytes(data, at, end)
        yield Record(offset, timestamp_ms, key, value, _read_headers(data, at, end, name_errors))


def check_plausible(data: Buffer, header: BatchHeader) -> None:
    """Raises WireError where inflated records cannot be what the header says, at the cost of one record.

    As many records as it counts must have room, and the first one must be one. Whether all are is for readers to see.
    """
    if header.record_count * SMALLEST_RECORD > len(data):
        raise WireError(f"{header.record_count} records cannot be in {len(data)} bytes")
    next(spans(data, header), None)


def build(
    records: Sequence[Record],
    *,
    codec: Codec = Codec.NONE,
    attributes: int = 0,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
) -> bytearray:
    """A batch of one record or more, by rising offset; that of the first is the base offset.

    `attributes` are those beside the codec.
    """
    first, last = records[0], records[-1]
    batch = bytearray(HEADER.size)
    batch += compress(codec, b"".join(_written(record, first) for record in records))
    header = BatchHeader(
        base_offset=first.offset,
        batch_length=len(batch) - LENGTH_END,
        partition_leader_epoch=-1,
        magic=MAGIC,
        crc=0,
        attributes=attributes | codec,
        last_offset_delta=last.offset - first.offset,
        base_timestamp=first.timestamp_ms,
        max_timestamp=max(record.timestamp_ms for record in records),
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        record_count=len(records),
    )
    HEADER.pack_into(batch, 0, *header)
    CRC.pack_into(batch, CRC_AT, crc32c(memoryview(batch)[CHECKED_AT:]))
    return batch


def inflated(buffer: Buffer, position: int, header: BatchHeader, limit: int) -> Buffer:
    """The bytes of a batch's records, back to back. Raises WireError where there are more than `limit`."""
    return inflate(header.codec, memoryview(buffer)[position + HEADER.size : position + header.size], limit=limit)


def spans(data: Buffer, header: BatchHeader) -> Iterator[tuple[int, int, int, int]]:
    """Of every record: its offset, its timestamp, where its key begins and where it ends."""
    at, previous = 0, -1
    for index in range(header.record_count):
        length, begin = read_varint(data, at)
        end = begin + length
        if not begin < end <= len(data):
            raise WireError(f"record {index} at byte {at} has length {length}, {len(data) - begin} bytes are left")
        timestamp_delta, at = read_varint(data, begin + 1)  # behind the attributes, of which there are none yet
        offset_delta, at = read_varint(data, at)
        if at > end or not previous < offset_delta <= header.last_offset_delta:
            raise WireError(
                f"record {index} has offset delta {offset_delta}, behind {previous}, "
                f"and the last of the batch is {header.last_offset_delta}"
            )
        created_ms = wrapped(header.base_timestamp + timestamp_delta)
        timestamp_ms = header.max_timestamp if header.is_log_append_time else created_ms
        yield header.base_offset + offset_delta, timestamp_ms, at, end
        at, previous = end, offset_delta
    if at != len(data):
        raise WireError(f"the batch says {header.record_count} records, {len(data) - at} more bytes follow them")


def read_bytes(data: Buffer, at: int, end: int) -> tuple[bytes | None, int]:
    """Bytes behind their length; None for null."""
    length, at = read_varint(data, at)
    if length == -1:
        return None, at
    if not 0 <= length <= end - at:
        raise WireError(f"a length of {length} at byte {at} leads out of the record, which ends at byte {end}")
    return bytes(data[at : at + length]), at + length


def _read_headers(data: Buffer, at: int, end: int, name_errors: str) -> Headers:
    count, at = read_varint(data, at)
    if not 0 <= count <= end - at:
        raise WireError(f"a record that ends at byte {end} says {count} headers at byte {at}")
    headers = []
    for _ in range(count):
        name, at = read_bytes(data, at, end)
        value, at = read_bytes(data, at, end)
        headers.append((_header_name(name, name_errors), value))
    if at != end:
        raise WireError(f"a record ends at byte {end}, its headers end at byte {at}")
    return tuple(headers)


def _header_name(name: bytes | None, errors: str) -> str:
    if name is None:
        raise WireError("a header has no name")
    try:
        return name.decode(errors=errors)
    except UnicodeDecodeError as error:
        raise WireError(f"the name of a header is not UTF-8: {error}") from error


def _written(record: Record, first: Record) -> bytes:
    """The record, its deltas counted from the first of its batch."""
    body = b"".join(
        (
            b"\0",
            varint(record.timestamp_ms - first.timestamp_ms),
            varint(record.offset - first.offset),
            _written_bytes(record.key),
            _written_bytes(record.value),
            varint(len(record.headers)),
            *(_written_bytes(name.encode()) + _written_bytes(value) for name, value in record.headers),
        )
    )
    return varint(len(body)) + body


def _written_bytes(value: bytes | None) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value
