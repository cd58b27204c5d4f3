"""What can be read of batches when some of it cannot."""

import struct
from collections.abc import Sequence
from itertools import pairwise

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from tivo.wire.compression import Codec
from tivo.wire.record_batch import CHECKED_AT, CONTROL, CRC_AT, TRANSACTIONAL, Record, build
from tivo.wire.salvage import Piece, salvage

END = 1_000
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"


def record(offset: int, name: str = "name", value: bytes = b"value") -> Record:
    return Record(offset, 1_000 + offset, b"key", value, ((name, b"told"), ("né", None)))


def sealed(batch: bytearray, attributes: int = 0) -> bytes:
    """A batch that was changed, with attributes more and a CRC that fits."""
    batch[CHECKED_AT + 1] |= attributes
    struct.pack_into(">I", batch, CRC_AT, crc32c(bytes(batch[CHECKED_AT:])))
    return bytes(batch)


def batch(*offsets: int, wrong: Sequence[int] = (), **options: int) -> bytes:
    """A batch of records at some offsets; the headers of the `wrong` ones have names that are not UTF-8."""
    built = build([record(offset, "BAD" if offset in wrong else "name") for offset in offsets], **options)
    return sealed(bytearray(bytes(built).replace(b"BAD", b"B\xff\xfe")))


def marker(offset: int, key: bytes, producer_id: int) -> bytes:
    return sealed(build([Record(offset, 1, key, b"")], producer_id=producer_id), TRANSACTIONAL | CONTROL)


def transactional(*offsets: int, producer_id: int) -> bytes:
    return sealed(build([record(offset) for offset in offsets], producer_id=producer_id), TRANSACTIONAL)


def good(*offsets: int, next: int | None = None) -> Piece:
    return Piece([record(offset) for offset in offsets], offsets[-1] + 1 if next is None else next)


def set_aside(*offsets: int) -> Piece:
    records = [record(offset, r"B\xff\xfe") for offset in offsets]
    return Piece(records, offsets[-1] + 1, r"the name of a header is not UTF-8: B\xff\xfe")


def read(buffer: bytes, offset: int = 0, **options: object) -> list[Piece]:
    return salvage(buffer, offset, **({"end": END} | options))  # type: ignore[arg-type]


def test_nothing_holds_nothing() -> None:
    assert [] == read(b"")


def test_batches_that_can_be_read_are_one_piece() -> None:
    assert [good(0, 1, 2, 5)] == read(batch(0, 1) + batch(2, 5))


@pytest.mark.parametrize("codec", list(Codec))
def test_batch_may_be_compressed(codec: Codec) -> None:
    assert [good(0, 1)] == read(bytes(build([record(0), record(1)], codec=codec)))


def test_record_with_a_wrong_name_of_a_header_costs_itself_alone() -> None:
    assert [good(0), set_aside(1), good(2, 3)] == read(batch(0, 1, 2, wrong=[1]) + batch(3))


def test_broken_neighbours_are_one_piece() -> None:
    assert [set_aside(0, 1), good(2), set_aside(3)] == read(batch(0, 1, 2, wrong=[0, 1]) + batch(3, wrong=[3]))


def test_reading_begins_within_a_batch() -> None:
    buffer = batch(0, 1, 2, 3, wrong=[1])

    assert [set_aside(1), good(2, 3)] == read(buffer, 1)
    assert [good(2, 3)] == read(buffer, 2)
    assert [] == read(buffer, 4)


def test_holes_belong_to_the_piece_that_they_follow() -> None:
    holes = bytearray(build([record(0), record(9)]))
    struct.pack_into(">i", holes, 23, 19)  # the last offset delta: what followed was compacted away

    assert [good(0, 9, next=20)] == read(sealed(holes))
    assert [Piece([], 20)] == read(sealed(holes), 10)


def test_batch_with_a_wrong_check_sum_is_broken_as_a_whole() -> None:
    damaged = bytearray(batch(3, 4, 5))
    damaged[-1] ^= 1

    before, broken, behind = read(batch(0) + bytes(damaged) + batch(6))

    assert (good(0), good(6)) == (before, behind)
    assert ([], 6) == broken[:2]
    assert broken.broken is not None and "is damaged" in broken.broken


def test_batch_is_read_as_far_as_it_can_be() -> None:
    broken = bytearray(batch(0, 1, 2))
    broken[broken.rindex(b"key") - 1] = 0x7E  # the length of the last key leads out of the record

    first, rest, behind = read(sealed(broken) + batch(3))

    assert (good(0, 1), good(3)) == (first, behind)
    assert ([], 3) == rest[:2]


def test_record_may_be_broken_in_any_way() -> None:
    nameless = bytearray(batch(0))
    at = nameless.index(b"name")
    nameless[at - 1 : at + 4] = b"\x01"  # null

    (piece,) = read(sealed(_resized(nameless)))

    assert ([], 1) == piece[:2] and piece.broken


def _resized(batch: bytearray) -> bytearray:
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    return batch


def test_unknown_codec_breaks_the_batch_alone() -> None:
    assert [([], 2, "the batch at offset 0 has compression type 7, known are 0 to 4"), good(2)] == read(
        sealed(bytearray(batch(0, 1)), 7) + batch(2)
    )


def test_reading_ends_at_a_batch_of_another_format() -> None:
    older = bytearray(batch(4, 5))
    older[16] = 1

    before, broken = read(batch(0) + bytes(older) + batch(6))

    assert good(0) == before
    assert ([], 5) == broken[:2] and "format 1" in (broken.broken or "")
    assert 6 == read(bytes(older), 5)[0].next


def test_batch_cut_short_is_left_for_the_next_fetch() -> None:
    cut = batch(1, 2)

    assert [good(0)] == read(batch(0) + cut[:-1]) == read(batch(0) + cut[:20])


def test_nothing_is_read_at_or_beyond_the_end() -> None:
    assert [good(0, 1)] == read(batch(0, 1) + batch(2), end=2)
    assert [] == read(batch(0, 1), end=0)


def test_end_that_broken_bytes_tell_is_not_believed_beyond_the_log() -> None:
    broken = bytearray(batch(5, 6))
    struct.pack_into(">i", broken, 23, 0x7FFFFFFF)

    (piece,) = read(bytes(broken), 5)

    assert ([], END) == piece[:2] and piece.broken


def test_aborted_transactions_and_markers_are_passed_over() -> None:
    buffer = (
        transactional(0, 1, producer_id=7)
        + transactional(2, producer_id=8)
        + marker(3, ABORT, 7)
        + transactional(4, producer_id=7)
        + marker(5, COMMIT, 8)
        + marker(6, COMMIT, 7)
    )

    (piece,) = read(buffer, aborted=[(7, 0)])

    assert [2, 4] == [record.offset for record in piece.records]
    assert 7 == piece.next


def test_transaction_aborted_later_than_another_is_told_apart() -> None:
    buffer = transactional(0, producer_id=7) + marker(1, COMMIT, 7) + transactional(2, producer_id=7)

    (piece,) = read(buffer, aborted=[(7, 2)])

    assert ([0], 3) == ([record.offset for record in piece.records], piece.next)


@given(
    offsets=st.lists(st.integers(0, 40), min_size=1, max_size=30, unique=True).map(sorted),
    cuts=st.sets(st.integers(1, 29)),
    wrong=st.sets(st.integers(0, 40)),
    offset=st.integers(0, 41),
)
def test_every_record_is_told_once_and_every_offset_belongs_to_one_piece(
    offsets: list[int], cuts: set[int], wrong: set[int], offset: int
) -> None:
    starts = [0, *sorted(cut for cut in cuts if cut < len(offsets)), len(offsets)]
    buffer = b"".join(batch(*offsets[low:high], wrong=list(wrong)) for low, high in pairwise(starts))

    pieces = read(buffer, offset)

    told = {record.offset: piece.broken for piece in pieces for record in piece.records}
    assert {each: each in wrong for each in offsets if each >= offset} == {
        each: broken is not None for each, broken in told.items()
    }
    ends = [offset, *(piece.next for piece in pieces)]
    assert ends == sorted(set(ends))
    for base, piece in zip(ends, pieces, strict=False):
        assert all(base <= record.offset < piece.next for record in piece.records)
