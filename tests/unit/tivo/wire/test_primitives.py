"""Varints and tagged fields, at their edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.model.errors import WireError
from tivo.wire.primitives import read_tag, read_uvarint, read_varint, skip_tags, uvarint, varint, wrapped

UNSIGNED = [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), ((1 << 64) - 1, "ffffffffffffffffff01")]
SIGNED = [
    (0, "00"),
    (-1, "01"),
    (1, "02"),
    (-64, "7f"),
    (64, "8001"),
    (-(1 << 63), "ffffffffffffffffff01"),
    ((1 << 63) - 1, "feffffffffffffffff01"),
]


@pytest.mark.parametrize(("value", "written"), UNSIGNED)
def test_an_unsigned_varint_is_written_and_read(value: int, written: str) -> None:
    assert bytes.fromhex(written) == uvarint(value)
    assert (value, len(written) // 2) == read_uvarint(bytes.fromhex(written), 0)


@pytest.mark.parametrize(("value", "written"), SIGNED)
def test_a_signed_varint_is_written_and_read(value: int, written: str) -> None:
    assert bytes.fromhex(written) == varint(value)
    assert (value, len(written) // 2) == read_varint(bytes.fromhex(written), 0)


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_any_varint_is_read_where_it_stands(value: int, before: bytes, after: bytes) -> None:
    written = before + varint(value)

    assert (value, len(written)) == read_varint(memoryview(written + after), len(before))


@pytest.mark.parametrize(
    ("written", "evidence"),
    [
        (b"", "cut short at byte 0"),
        (b"\xff", "cut short at byte 1"),
        (b"\xff" * 9, "cut short at byte 9"),
        (b"\xff" * 10, "longer than 10 bytes"),
        (b"\xff" * 11, "longer than 10 bytes"),
        (b"\xff" * 9 + b"\x02", "more than 64 bits"),
    ],
)
def test_a_bad_varint_is_refused(written: bytes, evidence: str) -> None:
    with pytest.raises(WireError, match=evidence):
        read_uvarint(written, 0)
    with pytest.raises(WireError, match=evidence):
        read_varint(written, 0)


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (0, 0),
        (-1, -1),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, -(2**63)),
        (-(2**63) - 1, 2**63 - 1),
        (2**64 + 5, 5),
    ],
)
def test_what_passes_the_end_of_64_bits_comes_out_at_the_other(value: int, held: int) -> None:
    assert held == wrapped(value)


def test_unknown_tagged_fields_are_passed_over() -> None:
    tags = memoryview(b"\x02" + b"\x00\x03abc" + b"\x90\x03\x00" + b"rest")

    assert (9, 2) == skip_tags(tags, 0, len(tags), 2)


def test_countless_tagged_fields_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(WireError, match="300 tagged fields, at most 299 more are read"):
        skip_tags(memoryview(b"\xac\x02"), 0, 2, 299)


def test_a_tagged_field_tells_its_number_and_its_bounds() -> None:
    assert (5, 5, 2) == read_tag(memoryview(b"\x05\x03abc"), 0, 5)


def test_a_tagged_field_that_leads_out_of_the_message_is_refused() -> None:
    with pytest.raises(WireError, match="tagged field 5 has 4 bytes, 3 are left"):
        read_tag(memoryview(b"\x05\x04abc"), 0, 5)
