"""Records on their way, and where they come to lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.client.transfer import BATCH_BYTES, BATCH_RECORDS, OffsetMap, batched, to_batch
from tivo.wire.compression import Codec
from tivo.wire.record_batch import Record, read_header, records, verify


def record(offset: int, value: bytes | None = b"v", key: bytes | None = None) -> Record:
    return Record(offset, 1_000 + offset, key, value, (("h", b"1"), ("null", None)))


def mapped(target: int, *offsets: int) -> OffsetMap:
    made = OffsetMap(target)
    made.add(record(offset) for offset in offsets)
    return made


@pytest.mark.parametrize(
    ("source", "target"),
    [(0, 100), (5, 100), (6, 101), (7, 102), (8, 103), (9, 103), (20, 103), (21, 104), (22, 105), (99, 105)],
)
def test_offset_of_the_first_record_at_or_behind_one(source: int, target: int) -> None:
    assert target == mapped(100, 5, 6, 7, 20, 21).target(source)


def test_empty_log_has_no_other_offset_than_the_next() -> None:
    assert (7, 7) == (OffsetMap(7).target(0), OffsetMap(7).target(99))


def test_records_may_come_in_turns() -> None:
    made = mapped(0, 1, 2)
    made.add([record(3), record(9)])

    assert (2, 3, 4) == (made.target(3), made.target(9), made.next)


@given(st.sets(st.integers(0, 50)), st.integers(0, 5))
def test_every_record_is_found_where_it_lies(offsets: set[int], target: int) -> None:
    ordered = sorted(offsets)
    made = mapped(target, *ordered)

    assert [target + number for number in range(len(ordered))] == [made.target(offset) for offset in ordered]
    assert target + len(ordered) == made.target(51) == made.next


def test_batches_have_a_good_size() -> None:
    half = record(0, bytes(BATCH_BYTES // 2))
    large = record(0, None, bytes(2 * BATCH_BYTES))

    assert [[half, half], [half], [large], [half]] == list(batched([half, half, half, large, half]))
    assert [BATCH_RECORDS, 1] == [len(batch) for batch in batched([record(0)] * (BATCH_RECORDS + 1))]
    assert [] == list(batched([]))


def test_batch_has_all_of_the_records_but_their_offsets() -> None:
    sent = [record(5), record(9, None, b"k"), record(10, None)]

    batch = to_batch(sent)

    header = read_header(batch)
    verify(batch, 0, header)
    assert (Codec.ZSTD, -1, 3) == (header.codec, header.producer_id, header.record_count)
    assert [each._replace(offset=number) for number, each in enumerate(sent)] == list(records(batch, 0, header))
