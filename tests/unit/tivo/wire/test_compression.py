"""Codecs: there and back, as others write them, and never more than is allowed."""

import gzip
from collections.abc import Callable

import cramjam
import pytest
import zstandard
from aiokafka.codec import lz4_encode, snappy_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from tivo.model.errors import WireError
from tivo.wire.compression import FIRST_GUESS, LENGTH, XERIAL_START, Codec, compress, inflate

COMPRESSED = [codec for codec in Codec if codec]
TEXT = b"the same again and again, " * 10_000


def raw_snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


@pytest.mark.parametrize("codec", list(Codec))
@settings(max_examples=20)
@given(data=st.binary(max_size=200) | st.integers(60_000, 140_000).map(bytes))
def test_what_is_compressed_inflates_again(codec: Codec, data: bytes) -> None:
    assert data == inflate(codec, memoryview(compress(codec, data)), limit=len(data))


@pytest.mark.parametrize(
    ("codec", "compressed"),
    [
        (Codec.GZIP, gzip.compress),
        (Codec.SNAPPY, snappy_encode),
        (Codec.SNAPPY, raw_snappy),
        (Codec.LZ4, lz4_encode),
        (Codec.LZ4, cramjam.lz4.compress),
        (Codec.ZSTD, zstandard.ZstdCompressor(level=19).compress),
        (Codec.ZSTD, zstandard.ZstdCompressor(write_content_size=False).compress),
    ],
)
def test_what_others_compress_is_inflated(codec: Codec, compressed: Callable[[bytes], bytes]) -> None:
    assert TEXT == inflate(codec, memoryview(bytes(compressed(TEXT))), limit=len(TEXT))


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.LZ4, Codec.ZSTD])
def test_frames_may_follow_each_other(codec: Codec) -> None:
    twice = compress(codec, b"one ") + compress(codec, b"two")

    assert b"one two" == inflate(codec, memoryview(twice), limit=100)


def test_lz4_blocks_do_not_lean_on_each_other() -> None:
    flags = compress(Codec.LZ4, TEXT)[4]

    assert flags & 0b0010_0000


@pytest.mark.parametrize("codec", COMPRESSED)
@pytest.mark.parametrize("limit", [0, 1, FIRST_GUESS, len(TEXT) - 1])
def test_more_than_the_limit_is_refused(codec: Codec, limit: int) -> None:
    compressed = memoryview(compress(codec, TEXT))

    with pytest.raises(WireError):
        inflate(codec, compressed, limit=limit)


@pytest.mark.parametrize("codec", COMPRESSED)
def test_every_cut_is_refused(codec: Codec) -> None:
    compressed = compress(codec, b"some text, some text, some text")

    for size in range(1, len(compressed)):
        if codec is Codec.SNAPPY and size == len(XERIAL_START):
            continue  # no block at all: nothing is there to be missed
        with pytest.raises(WireError):
            inflate(codec, memoryview(compressed)[:size], limit=1000)


def test_a_bomb_takes_no_more_than_the_limit() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 28))

    with pytest.raises(WireError, match="from zstd into 1048576 bytes"):
        inflate(Codec.ZSTD, memoryview(bomb), limit=1 << 20)


def test_a_block_of_snappy_that_claims_too_much_is_refused_before_room_is_made() -> None:
    claims = memoryview(b"\xff\xff\xff\xff\x0f" + b"x")

    with pytest.raises(WireError, match="inflates to 4294967295 bytes, allowed are 1000"):
        inflate(Codec.SNAPPY, claims, limit=1000)


def test_blocks_of_snappy_count_together() -> None:
    block = raw_snappy(bytes(600))
    framed = XERIAL_START + 2 * (LENGTH.pack(len(block)) + block)

    assert bytes(1200) == inflate(Codec.SNAPPY, memoryview(framed), limit=1200)
    with pytest.raises(WireError, match="inflates to 600 bytes, allowed are 400"):
        inflate(Codec.SNAPPY, memoryview(framed), limit=1000)


@pytest.mark.parametrize("length", [-1, 5, 1 << 30])
def test_a_block_of_snappy_with_a_wrong_length_is_refused(length: int) -> None:
    framed = XERIAL_START + LENGTH.pack(length) + b"four"

    with pytest.raises(WireError, match=f"at byte 16 of 24 has length {length}"):
        inflate(Codec.SNAPPY, memoryview(framed), limit=1000)


@pytest.mark.parametrize("codec", COMPRESSED)
@given(data=st.binary(max_size=100))
def test_garbage_is_inflated_or_refused_and_nothing_else(codec: Codec, data: bytes) -> None:
    try:
        assert len(inflate(codec, memoryview(data), limit=1000)) <= 1000
    except WireError as refused:
        assert str(refused)
