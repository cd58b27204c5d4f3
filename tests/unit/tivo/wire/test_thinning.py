"""Thinned batches: what stays is what it was, and everybody reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tivo.wire.test_record_batch import ANY_RECORDS, RECORDS
from tivo.wire.compression import Codec
from tivo.wire.record_batch import Record, build, read_header, records, verify
from tivo.wire.thinning import emptied, hole, parts, thinned


def read(batch: bytes | bytearray) -> list[Record]:
    header = read_header(batch)
    verify(batch, 0, header)
    assert len(batch) == header.size
    return list(records(batch, 0, header))


def test_parts_tell_what_matters() -> None:
    batch = build(RECORDS)

    found = list(parts(batch, 0, read_header(batch)))

    assert [(10, 5000, b"key", True), (11, 4000, None, True), (13, 6000, b"", False)] == [part[:4] for part in found]
    assert bytes(batch[61:]) == b"".join(part.content for part in found)


@pytest.mark.parametrize("codec", Codec)
def test_a_thinned_batch_keeps_all_but_the_records(codec: Codec) -> None:
    batch = build(RECORDS, codec=codec, attributes=0x10, producer_id=7, producer_epoch=2, base_sequence=30)
    header = read_header(batch)
    found = list(parts(batch, 0, header))

    left = thinned(header, found[1:2])

    assert RECORDS[1:2] == read(left)
    assert header._replace(batch_length=0, crc=0, record_count=1, max_timestamp=4000) == read_header(left)._replace(
        batch_length=0, crc=0
    )


@given(ANY_RECORDS, st.sampled_from(Codec), st.integers(0, 1 << 41), st.randoms(use_true_random=False))
def test_a_horizon_changes_no_record(some: list[Record], codec: Codec, horizon_ms: int, dice: object) -> None:
    batch = build(some, codec=codec)
    header = read_header(batch)
    kept = [part for part in parts(batch, 0, header) if dice.random() < 0.7]  # type: ignore[attr-defined]
    if not kept:
        return

    left = thinned(header, kept, horizon_ms=horizon_ms)

    offsets = {part.offset for part in kept}
    assert [record for record in some if record.offset in offsets] == read(left)
    assert read_header(left).has_delete_horizon
    assert (horizon_ms, header.last_offset) == (read_header(left).base_timestamp, read_header(left).last_offset)
    assert [part.content for part in kept] != [] and read(thinned(header, kept)) == read(left)


@pytest.mark.parametrize("time_ms", [-(2**63), -1, 2**63 - 1])
@pytest.mark.parametrize("horizon_ms", [0, 2**63 - 1])
def test_a_horizon_at_the_end_of_time_changes_no_record_of_any_time(time_ms: int, horizon_ms: int) -> None:
    batch = build([Record(10, time_ms, b"key", None)])
    header = read_header(batch)

    left = thinned(header, list(parts(batch, 0, header)), horizon_ms=horizon_ms)

    assert [Record(10, time_ms, b"key", None)] == read(left)
    assert (horizon_ms, time_ms) == (read_header(left).base_timestamp, read_header(left).max_timestamp)


def test_a_record_whose_time_passes_the_end_stays_as_it_is_read() -> None:
    batch = build([Record(10, 5_000, b"a", None), Record(11, 5_001, b"b", b"")])
    header = read_header(batch)._replace(base_timestamp=2**63 - 1)

    left = thinned(header, list(parts(batch, 0, header)), horizon_ms=9_000)

    assert [2**63 - 1, -(2**63)] == [record.timestamp_ms for record in read(left)]


def test_times_of_the_append_stay() -> None:
    batch = build(RECORDS, attributes=0x08)
    header = read_header(batch)

    left = thinned(header, list(parts(batch, 0, header))[:1])

    assert 6000 == read_header(left).max_timestamp == read(left)[0].timestamp_ms


def test_an_emptied_batch_tells_offsets_and_sequence_numbers() -> None:
    batch = build(RECORDS, codec=Codec.ZSTD, attributes=0x50, producer_id=7, producer_epoch=2, base_sequence=30)

    left = emptied(read_header(batch))

    header = read_header(left)
    assert [] == read(left)
    assert (10, 13, 7, 2, 30) == (
        *(header.base_offset, header.last_offset),
        *(header.producer_id, header.producer_epoch, header.base_sequence),
    )
    assert (Codec.NONE, True, False, -1) == (
        *(header.codec, header.is_transactional),
        *(header.has_delete_horizon, header.max_timestamp),
    )


def test_a_hole_tells_its_offsets_and_nobodys_sequence() -> None:
    header = read_header(hole(100, 250, 3))

    assert [] == read(hole(100, 250, 3))
    assert (100, 250, 3, -1, 61) == (
        *(header.base_offset, header.last_offset, header.partition_leader_epoch),
        *(header.producer_id, header.size),
    )
