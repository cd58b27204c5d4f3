"""The packed page: events of one partition and one bucket, in playback order, as one compressed block of bytes.

A header of fixed size, then rows in MessagePack under zstd. A row is the whole event, value kind
included, so a page is read straight into events: 1.9 M events/s, as fast as columns and without
a second form of the event; the topic, repeated in every row, costs 0.1 bytes per event.
"""

import struct
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec
import zstandard
from crc32c import crc32c

from tivo.model.bucket import bucket_start
from tivo.model.errors import StoreError
from tivo.model.event import Event
from tivo.store.selection import event_bytes

T = TypeVar("T")

MAX_EVENTS = 2_000
MAX_BYTES = 1 << 20
"""A page is cut before it grows beyond these, so that a seek reads and unpacks little. One event may be larger."""

SMALL_EVENTS = MAX_EVENTS // 2
SMALL_BYTES = MAX_BYTES // 4
"""Pages below both are small. Any two of them fit in one, so merging leaves at most one small page behind."""

SPREAD_EVENTS = 100
"""A page is cut for spanning too long only behind so many events: a quiet topic's pages may span a bucket."""

_MAGIC = b"tvpg"
_VERSION = 1
_CODEC_ZSTD = 1
_LEVEL = 1

_HEAD = struct.Struct(">4sBBxxIIqqqqI16s")
_CRC = struct.Struct(">I")
HEADER_BYTES = _HEAD.size + _CRC.size


class PageHeader(NamedTuple):
    """What a packed page says of itself. `digest` is of the rows before compression, the same whatever packed them."""

    partition: int
    events: int
    min_time_us: int
    max_time_us: int
    base: int
    next: int
    raw_bytes: int
    digest: bytes

    @property
    def is_small(self) -> bool:
        return self.events < SMALL_EVENTS and self.raw_bytes < SMALL_BYTES


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row as far as its time: what follows is passed over."""

    time_us: int


class Packer:
    """Packs and unpacks pages. Holds the compressor's state, so each thread has its own."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[Event])
        self._times = msgspec.msgpack.Decoder(list[_Row])
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def pack(self, events: Sequence[Event], *, bucket_us: int, span_us: int) -> Iterator[tuple[PageHeader, bytes]]:
        """The packed pages of events of one partition in playback order, cut where pages end.

        A page ends at its bucket's edge, before it grows too large, and, once it holds
        SPREAD_EVENTS, before it spans more than `span_us`.
        """
        if not events:
            return
        raw = self._encoder.encode(events)
        if len(raw) <= MAX_BYTES and not _ends_before(events[-1], events[0], len(events) - 1, bucket_us, span_us):
            yield self._seal(events, raw)
            return
        for piece in _cut(events, bucket_us, span_us):
            yield self._seal(piece, self._encoder.encode(piece))

    def pack_part(self, events: Sequence[Event]) -> tuple[PageHeader, bytes]:
        """One packed page of events of one partition in any order, such as a part of an image."""
        return self._seal(events, self._encoder.encode(events))

    def unpack(self, packed: bytes) -> list[Event]:
        """The events of a packed page as they were packed. Raises StoreError where the bytes are damaged."""
        return self._rows(packed, self._decoder)

    def times(self, packed: bytes) -> list[int]:
        """The times of the events alone, in a third of the time. Raises StoreError as `unpack` does."""
        return [row.time_us for row in self._rows(packed, self._times)]

    def _rows(self, packed: bytes, decoder: msgspec.msgpack.Decoder[list[T]]) -> list[T]:
        header = read_header(packed)
        try:
            raw = self._decompressor.decompress(memoryview(packed)[HEADER_BYTES:], max_output_size=header.raw_bytes)
            rows = decoder.decode(raw)
        except (zstandard.ZstdError, msgspec.DecodeError) as error:
            raise StoreError(f"packed page of {len(packed)} bytes: the rows are damaged: {error}") from error
        if len(rows) != header.events or len(raw) != header.raw_bytes:
            raise StoreError(
                f"packed page: the header tells of {header.events} events in {header.raw_bytes} bytes,"
                f" the rows hold {len(rows)} in {len(raw)}"
            )
        return rows

    def _seal(self, events: Sequence[Event], raw: bytes) -> tuple[PageHeader, bytes]:
        offsets = [event.offset for event in events]
        times_us = [event.time_us for event in events]
        header = PageHeader(
            partition=events[0].partition,
            events=len(events),
            min_time_us=min(times_us),
            max_time_us=max(times_us),
            base=min(offsets),
            next=max(offsets) + 1,
            raw_bytes=len(raw),
            digest=blake2b(raw, digest_size=16).digest(),
        )
        head = _HEAD.pack(_MAGIC, _VERSION, _CODEC_ZSTD, *header)
        body = self._compressor.compress(raw)
        return header, b"".join((head, _CRC.pack(crc32c(body, crc32c(head))), body))


def read_header(packed: bytes) -> PageHeader:
    """The header of a packed page, its check sum compared. Raises StoreError where the bytes are damaged."""
    if len(packed) < HEADER_BYTES:
        raise StoreError(f"packed page: {len(packed)} bytes, a header alone has {HEADER_BYTES}")
    magic, version, codec, *fields = _HEAD.unpack_from(packed)
    if magic != _MAGIC:
        raise StoreError(f"packed page: begins with {magic!r}, not with {_MAGIC!r}")
    if (version, codec) != (_VERSION, _CODEC_ZSTD):
        raise StoreError(f"packed page: version {version} with codec {codec} is not known here")
    (told,) = _CRC.unpack_from(packed, _HEAD.size)
    found = crc32c(memoryview(packed)[HEADER_BYTES:], crc32c(packed[: _HEAD.size]))
    if told != found:
        raise StoreError(f"packed page of {len(packed)} bytes: check sum {found:#010x}, written with {told:#010x}")
    return PageHeader(*fields)


def _ends_before(event: Event, first: Event, held: int, bucket_us: int, span_us: int) -> bool:
    """Whether a page that holds so many events from `first` on cannot take this one, its bytes aside.

    If it can, it can take every event between: the test of a page's last event is the test of the page.
    """
    return (
        held >= MAX_EVENTS
        or bucket_start(first.time_us, bucket_us) != bucket_start(event.time_us, bucket_us)
        or (held >= SPREAD_EVENTS and event.time_us - first.time_us > span_us)
    )


def _cut(events: Sequence[Event], bucket_us: int, span_us: int) -> Iterator[Sequence[Event]]:
    start, size = 0, 0
    for at, event in enumerate(events):
        weight = row_bytes(event)
        if at > start and (
            size + weight > MAX_BYTES or _ends_before(event, events[start], at - start, bucket_us, span_us)
        ):
            yield events[start:at]
            start, size = at, 0
        size += weight
    yield events[start:]


def row_bytes(event: Event) -> int:
    """Bytes that an event takes as a row at most: 52 are for its numbers and the heads of its strings."""
    return 52 + len(event.topic) + event_bytes(event) + 10 * len(event.headers)
