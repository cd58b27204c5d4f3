"""Record batches: header, CRC, stamps, records, bounds; anything impossible is refused."""

from struct import pack_into

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tivo.model.errors import WireError
from tivo.wire.compression import Codec
from tivo.wire.primitives import varint
from tivo.wire.record_batch import (
    HEADER,
    BatchHeader,
    Record,
    batches,
    build,
    check_plausible,
    offset_behind,
    read_header,
    records,
    stamp,
    verify,
)

RECORDS = [
    Record(10, 5000, b"key", b"value", (("name", b"text"), ("none", None))),
    Record(11, 4000, None, b""),
    Record(13, 6000, b"", None),
]
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3).map(tuple)
ANY_RECORDS = st.lists(
    st.builds(
        Record,
        offset=st.integers(0, 1000),
        timestamp_ms=st.integers(-1, 1 << 40),
        key=st.none() | st.binary(max_size=80),
        value=st.none() | st.binary(max_size=80),
        headers=HEADERS,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda record: record.offset,
).map(lambda found: sorted(found, key=lambda record: record.offset))


def read(batch: bytes | bytearray) -> list[Record]:
    return list(records(batch, 0, read_header(batch)))


def batch_of(body: bytes, count: int = 1, last_offset_delta: int = 0, attributes: int = 0) -> bytes:
    header = BatchHeader(0, 49 + len(body), -1, 2, 0, attributes, last_offset_delta, 0, 9000, -1, -1, -1, count)
    return HEADER.pack(*header) + body


def record_of(offset_delta: int = 0, rest: bytes = b"\1\1\0") -> bytes:
    body = b"\0\0" + varint(offset_delta) + rest
    return varint(len(body)) + body


def test_a_header_is_read() -> None:
    batch = build(RECORDS, codec=Codec.LZ4, producer_id=7, producer_epoch=2, base_sequence=30)

    header = read_header(batch)

    assert (10, 13, 3) == (header.base_offset, header.last_offset, header.record_count)
    assert (5000, 6000) == (header.base_timestamp, header.max_timestamp)
    assert (7, 2, 30) == (header.producer_id, header.producer_epoch, header.base_sequence)
    assert (2, -1, len(batch)) == (header.magic, header.partition_leader_epoch, header.size)
    assert Codec.LZ4 is header.codec


def test_attributes_stand_beside_the_codec() -> None:
    header = read_header(build(RECORDS, codec=Codec.LZ4, attributes=0x10))

    assert (Codec.LZ4, True) == (header.codec, header.is_transactional)


@pytest.mark.parametrize(
    ("attributes", "log_append_time", "transactional", "control"),
    [(0, False, False, False), (0x08, True, False, False), (0x10, False, True, False), (0x20, False, False, True)],
)
def test_attributes_are_read(attributes: int, log_append_time: bool, transactional: bool, control: bool) -> None:
    header = read_header(batch_of(b"", attributes=attributes))

    assert log_append_time == header.is_log_append_time
    assert transactional == header.is_transactional
    assert control == header.is_control


def test_an_unknown_codec_is_refused() -> None:
    header = read_header(batch_of(b"", attributes=5))

    with pytest.raises(WireError, match="offset 0 has compression type 5"):
        _ = header.codec


@pytest.mark.parametrize("size", range(61))
def test_a_header_that_is_cut_short_is_refused(size: int) -> None:
    with pytest.raises(WireError, match=f"a batch header has 61 bytes, at byte 0 of {size} are fewer"):
        read_header(bytes(build(RECORDS))[:size])


def test_another_format_is_refused() -> None:
    batch = build(RECORDS)
    batch[16] = 1

    with pytest.raises(WireError, match="has format 1, only format 2"):
        read_header(batch)


@pytest.mark.parametrize(("position", "value"), [(8, 48), (8, -1), (57, -1), (23, -1)])
def test_impossible_headers_are_refused(position: int, value: int) -> None:
    batch = build(RECORDS)
    pack_into(">i", batch, position, value)

    with pytest.raises(WireError, match="is impossible"):
        read_header(batch)


def test_batches_follow_each_other() -> None:
    first, second = build(RECORDS), build(RECORDS[1:])

    found = list(batches(first + second))

    assert [(0, 10), (len(first), 11)] == [(position, header.base_offset) for position, header in found]
    assert [] == list(batches(b""))


def test_bytes_that_end_inside_a_batch_are_refused() -> None:
    batch = build(RECORDS)

    with pytest.raises(WireError, match=f"has {len(batch)} bytes, {len(batch) - 1} are there"):
        list(batches(batch[:-1]))


def test_a_batch_is_verified_where_it_stands() -> None:
    first, second = build(RECORDS), build(RECORDS[1:])
    both = memoryview(first + second)

    verify(both, len(first), read_header(both, len(first)))


@pytest.mark.parametrize("at", [21, 30, 61, -1])
def test_a_changed_byte_is_found(at: int) -> None:
    batch = build(RECORDS)
    batch[at] ^= 1

    with pytest.raises(WireError, match=r"\(offset 10\) is damaged: its CRC says 0x"):
        verify(batch, 0, read_header(batch))


def test_a_stamp_leaves_the_crc_valid() -> None:
    first, second = build(RECORDS), build(RECORDS)
    both = first + second

    stamp(both, len(first), 1000, 5)

    header = read_header(both, len(first))
    verify(both, len(first), header)
    assert (1000, 1003, 5) == (header.base_offset, header.last_offset, header.partition_leader_epoch)
    assert first == both[: len(first)]
    assert [1000, 1001, 1003] == [record.offset for record in records(both, len(first), header)]


@pytest.mark.parametrize("codec", list(Codec))
@settings(max_examples=20)
@given(sent=ANY_RECORDS)
def test_any_records_are_read_back(codec: Codec, sent: list[Record]) -> None:
    batch = build(sent, codec=codec)

    verify(batch, 0, read_header(batch))
    assert sent == read(batch)


@given(sent=ANY_RECORDS)
def test_what_was_built_is_plausible(sent: list[Record]) -> None:
    batch = build(sent)

    check_plausible(memoryview(batch)[HEADER.size :], read_header(batch))


@pytest.mark.parametrize(
    ("body", "count", "evidence"),
    [
        (record_of(), 2, "2 records cannot be in 7 bytes"),
        (b"", 1, "1 records cannot be in 0 bytes"),
        (b"\xff" * 20, 1, "longer than 10 bytes"),
        (b"!" * 20, 1, "record 0 at byte 0 has length -17"),
        (record_of(3) + record_of(4), 2, "offset delta 3"),
    ],
)
def test_what_cannot_be_the_records_of_its_header_is_refused(body: bytes, count: int, evidence: str) -> None:
    header = read_header(batch_of(body, count=count, last_offset_delta=count - 1))

    with pytest.raises(WireError, match=evidence):
        check_plausible(body, header)


def test_the_time_of_the_append_is_that_of_all_records() -> None:
    batch = batch_of(record_of(), attributes=0x08)

    assert [9000] == [record.timestamp_ms for record in read(batch)]


def test_a_time_that_passes_the_end_of_64_bits_is_what_kafka_takes_it_for() -> None:
    body = b"\0" + varint(2**63 - 1) + b"\0\1\1\0"
    header = read_header(batch_of(varint(len(body)) + body))._replace(base_timestamp=2)

    (record,) = records(batch_of(varint(len(body)) + body), 0, header)

    assert -(2**63) + 1 == record.timestamp_ms


def test_an_empty_batch_has_no_records() -> None:
    assert [] == read(batch_of(b"", count=0))


def test_more_records_than_allowed_are_not_inflated() -> None:
    batch = build([Record(0, 0, None, bytes(100_000))], codec=Codec.ZSTD)

    with pytest.raises(WireError, match="cannot be inflated from zstd into 90000 bytes"):
        list(records(batch, 0, read_header(batch), max_inflated=90_000))


@pytest.mark.parametrize(
    ("batch", "evidence"),
    [
        (batch_of(b""), "the varint at byte 0 is cut short"),
        (batch_of(varint(0)), "record 0 at byte 0 has length 0"),
        (batch_of(varint(-1)), "record 0 at byte 0 has length -1"),
        (batch_of(varint(9) + bytes(8)), "record 0 at byte 0 has length 9, 8 bytes are left"),
        (batch_of(record_of() + b"rest"), "the batch says 1 records, 4 more bytes follow"),
        (batch_of(record_of() * 2, count=2), "record 1 has offset delta 0, behind 0"),
        (batch_of(record_of(offset_delta=1)), "record 0 has offset delta 1, behind -1, and the last of the batch is 0"),
        (batch_of(record_of(offset_delta=-1)), "record 0 has offset delta -1"),
        (batch_of(varint(2) + b"\0\0" + b"\0"), "record 0 has offset delta 0"),
        (batch_of(record_of(rest=varint(-2) + b"\1\0")), "a length of -2"),
        (batch_of(record_of(rest=varint(9) + b"\1\0")), "a length of 9 at byte 5 leads out of the record"),
        (batch_of(record_of(rest=b"\1\1" + varint(-1))), "says -1 headers"),
        (batch_of(record_of(rest=b"\1\1" + varint(3) + b"ab")), "says 3 headers"),
        (batch_of(record_of(rest=b"\1\1\0" + b"x")), "a record ends at byte 8, its headers end at byte 7"),
        (batch_of(record_of(rest=b"\1\1\2" + b"\1\1")), "a header has no name"),
        (batch_of(record_of(rest=b"\1\1\2" + b"\2\xff\1")), "the name of a header is not UTF-8"),
    ],
)
def test_records_that_do_not_fit_are_refused(batch: bytes, evidence: str) -> None:
    with pytest.raises(WireError) as refused:
        read(batch)

    assert evidence in str(refused.value)


@pytest.mark.parametrize("codec", list(Codec))
def test_every_cut_of_the_records_is_refused(codec: Codec) -> None:
    whole = bytes(build(RECORDS, codec=codec))

    for size in range(62, len(whole)):
        cut = bytearray(whole[:size])
        pack_into(">i", cut, 8, size - 12)
        with pytest.raises(WireError):
            read(cut)


def test_a_batch_tells_that_its_base_timestamp_is_a_horizon() -> None:
    assert read_header(build(RECORDS, attributes=0x40)).has_delete_horizon
    assert not read_header(build(RECORDS, attributes=0x30)).has_delete_horizon


@pytest.mark.parametrize("count", [1, 2, 3])
def test_offset_behind_the_last_batch_is_found(count: int) -> None:
    whole = b"".join(bytes(build([Record(at * 10 + 7, 0, None, b"v" * at)])) for at in range(count))

    assert (count - 1) * 10 + 8 == offset_behind(whole)
