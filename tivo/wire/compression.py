"""The codecs of record batches. Inflating stops at a limit while it goes on, not afterwards.

A batch of 1 MiB may claim, and reach, 32 GiB with zstd; what is spent here is at most the limit.
"""

from collections.abc import Callable
from enum import IntEnum
from struct import Struct as Packer

import cramjam

from tivo.model.errors import WireError
from tivo.wire.primitives import Buffer

XERIAL_START = b"\x82SNAPPY\x00" + bytes((0, 0, 0, 1, 0, 0, 0, 1))
XERIAL_BLOCK = 32 << 10
LENGTH = Packer(">i")
FIRST_GUESS = 64 << 10
OUT_OF_ROOM = "failed to write whole buffer"
"""How Rust's standard library, and so cramjam, says that the output is larger than the room for it."""


class Codec(IntEnum):
    """How the records of a batch are compressed: the low three bits of its attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def compress(codec: Codec, data: bytes) -> bytes:
    """`data` in the form in which Kafka's own clients write it."""
    match codec:
        case Codec.NONE:
            return data
        case Codec.GZIP:
            return bytes(cramjam.gzip.compress(data))
        case Codec.SNAPPY:
            return _compress_snappy(memoryview(data))
        case Codec.LZ4:
            return _compress_lz4(data)
    return bytes(cramjam.zstd.compress(data))


def inflate(codec: Codec, data: memoryview, *, limit: int) -> Buffer:
    """What was compressed, at most `limit` bytes of it. Raises WireError if there is more, or if it is damaged."""
    try:
        match codec:
            case Codec.NONE:
                return data
            case Codec.GZIP:
                return _inflate_stream(cramjam.gzip.decompress_into, data, limit)
            case Codec.SNAPPY:
                return _inflate_snappy(data, limit)
            case Codec.LZ4:
                return _inflate_stream(cramjam.lz4.decompress_into, data, limit)
        return _inflate_stream(cramjam.zstd.decompress_into, data, limit)
    except cramjam.DecompressionError as error:
        raise WireError(f"records cannot be inflated from {codec.name.lower()} into {limit} bytes: {error}") from error


def _compress_snappy(data: memoryview) -> bytes:
    """Xerial's framing, which Java reads: blocks of raw snappy, each behind its length."""
    starts = range(0, len(data), XERIAL_BLOCK)
    blocks = [bytes(cramjam.snappy.compress_raw(data[at : at + XERIAL_BLOCK])) for at in starts]
    return XERIAL_START + b"".join(LENGTH.pack(len(block)) + block for block in blocks)


def _compress_lz4(data: bytes) -> bytes:
    """One frame, of blocks that do not lean on each other: Java reads no others."""
    compressor = cramjam.lz4.Compressor(block_linked=False, content_checksum=False)
    compressor.compress(data)
    return bytes(compressor.finish())


def _inflate_stream(decompress_into: Callable[..., int], data: memoryview, limit: int) -> memoryview:
    """The formats that need not tell their size: they get room in steps, and end where the room ends."""
    room = min(limit, max(FIRST_GUESS, 8 * len(data)))
    while True:
        inflated = bytearray(room)
        try:
            return memoryview(inflated)[: decompress_into(data, inflated)]
        except cramjam.DecompressionError as error:
            if room == limit or OUT_OF_ROOM not in str(error):
                raise
        room = min(limit, 8 * room)


def _inflate_snappy(data: memoryview, limit: int) -> Buffer:
    """Raw snappy, or Xerial's framing of it."""
    if data[:8] != XERIAL_START[:8]:
        return _inflate_snappy_block(data, limit)
    inflated, at = bytearray(), len(XERIAL_START)
    if len(data) < at:
        raise WireError(f"Xerial's framing of snappy begins with {at} bytes, {len(data)} are there")
    while at < len(data):
        end = at + LENGTH.size
        (length,) = LENGTH.unpack_from(data, at) if end <= len(data) else (-1,)
        if not 0 <= length <= len(data) - end:
            raise WireError(f"a block of snappy at byte {at} of {len(data)} has length {length}")
        inflated += _inflate_snappy_block(data[end : end + length], limit - len(inflated))
        at = end + length
    return inflated


def _inflate_snappy_block(data: memoryview, limit: int) -> memoryview:
    """A block tells its size at its start, where it is checked."""
    size = cramjam.snappy.decompress_raw_len(data)
    if size > limit:
        raise WireError(f"a block of snappy inflates to {size} bytes, allowed are {limit}")
    return memoryview(cramjam.snappy.decompress_raw(data))
