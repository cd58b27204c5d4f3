"""Reading: what is there is read, and nothing is believed that the bytes do not bear out."""

from struct import pack

import pytest

from tests.unit.tivo.wire.sample import Leader, Note, Part, Point, SampleRequest
from tivo.model.errors import WireError
from tivo.wire.codec import READERS, decode
from tivo.wire.reader import MOST_ELEMENTS
from tivo.wire.schema import NO_UUID

UUID = bytes(range(16))


@pytest.fixture(autouse=True)
def nothing_is_compiled_yet() -> None:
    READERS.clear()


def plain(
    name: bytes = b"\0\2ab",
    blob: bytes = b"\0\0\0\1x",
    numbers: bytes = b"\0\0\0\0",
    names: bytes = b"\0\0\0\0",
    points: bytes = b"\0\0\0\0",
    parts: bytes = b"\0\0\0\0",
) -> bytes:
    """A SampleRequest in v2."""
    return b"\1\xff" + name + blob + b"\xff\xff\xff\xff" + pack(">q", -2) + UUID + numbers + names + points + parts


def flexible(tags: bytes = b"\0", name: bytes = b"\3ab") -> bytes:
    """A SampleRequest in v3 or v4."""
    return b"\1\xff" + name + b"\2x" + b"\0" + pack(">q", -2) + UUID + b"\1\1\1\1" + tags


def read(written: bytes, version: int = 2) -> SampleRequest:
    return decode(SampleRequest, version, memoryview(written))


def test_plain_fields_are_read() -> None:
    expected = SampleRequest(flag=True, tiny=-1, name="ab", blob=b"x", maybe=None, added=-2, uuid=UUID)

    assert expected == read(plain())
    assert expected == read(flexible(), version=3)


def test_fields_that_the_version_lacks_have_their_defaults() -> None:
    oldest = b"\0\0" + b"\0\0" + b"\0\0\0\0" + b"\xff\xff\xff\xff" + b"\0\5" + NO_UUID + bytes(16)

    message = read(oldest, version=0)

    assert (-1, 5) == (message.added, message.dropped)


def test_arrays_are_read() -> None:
    message = read(
        plain(
            numbers=pack(">iii", 2, 1, -1),
            names=pack(">ih1sh", 2, 1, b"a", 0),
            points=pack(">iiiii", 2, 1, 2, 3, 4),
            parts=pack(">iiiii", 2, 7, -1, 8, 0),
        )
    )

    assert [1, -1] == message.numbers
    assert ["a", ""] == message.names
    assert [Point(x=1, y=2), Point(x=3, y=4)] == message.points
    assert [Part(index=7, records=None), Part(index=8, records=memoryview(b""))] == message.parts


def test_null_is_read_where_it_may_stand() -> None:
    assert None is read(plain(name=b"\xff\xff")).name
    assert None is read(plain(names=b"\xff\xff\xff\xff")).names
    assert None is read(flexible(name=b"\0"), version=3).name


def test_a_compact_length_of_two_bytes_is_read() -> None:
    assert "x" * 200 == read(flexible(name=b"\xc9\x01" + b"x" * 200), version=3).name


def test_records_are_a_view_of_what_was_received() -> None:
    received = bytearray(plain(parts=pack(">iii", 1, 0, 3) + b"abc"))

    records = decode(SampleRequest, 2, memoryview(received)).parts[0].records
    received[-1] = ord("!")

    assert isinstance(records, memoryview)
    assert b"ab!" == records


def test_tagged_fields_are_read_and_unknown_ones_passed_over() -> None:
    note = b"\5text" + b"\1\0\3\3me"
    tags = b"\3" + b"\0" + bytes((1 + len(note),)) + b"\2" + note + b"\1\5" + pack(">i", 9) + b"\0" + b"\x63\2??"

    message = read(flexible(tags), version=4)

    assert [Note(text="text", author="me")] == message.notes
    assert Leader(node=9) == message.leader


def test_tagged_fields_that_are_not_there_have_their_defaults() -> None:
    message = read(flexible(), version=4)

    assert ([], Leader()) == (message.notes, message.leader)


def test_the_default_of_a_tagged_array_is_never_shared() -> None:
    assert read(flexible(), version=4).notes is not read(flexible(), version=4).notes


def test_unknown_tagged_fields_of_an_older_version_are_passed_over() -> None:
    assert "ab" == read(flexible(b"\1\x07\3abc"), version=3).name


@pytest.mark.parametrize(
    ("written", "field", "evidence"),
    [
        (plain(name=b"\xff\xfe"), "name", "a negative length: -2"),
        (plain(name=b"\x7f\xff"), "name", "its length is 32767, only 49 bytes are left"),
        (plain(name=b"\0\1\xff"), "name", "'utf-8' codec can't decode"),
        (plain(blob=b"\xff\xff\xff\xff"), "blob", "null, where this version allows none"),
        (plain(numbers=b"\0\0\0\4"), "numbers", "its length is 4, only 12 bytes are left"),
        (plain(numbers=b"\x7f\xff\xff\xff"), "numbers", "its length is 2147483647"),
        (plain(points=b"\xff\xff\xff\xff"), "points", "null, where"),
        (plain(points=pack(">ii", 2, 0)), "points", "its length is 2, only 8 bytes are left"),
        (plain(parts=pack(">iii", 1, 0, 5)), "parts.records", "its length is 5, only 0 bytes are left"),
        (plain(parts=b"\0\0"), "parts", "unpack_from requires"),
        (b"", "flag, tiny, name", "unpack_from requires"),
    ],
)
def test_what_is_malformed_is_refused_with_field_and_evidence(written: bytes, field: str, evidence: str) -> None:
    with pytest.raises(WireError) as refused:
        read(written)

    assert str(refused.value).startswith(f"SampleRequest v2, {field}: ")
    assert evidence in str(refused.value)


@pytest.mark.parametrize(
    ("written", "evidence"),
    [
        (flexible()[:-1], "tags: the bytes end before it"),
        (flexible(name=b"\xff" * 11), "name: the varint at byte 2 is longer than 10 bytes"),
        (flexible(b"\1\1\4" + bytes(5)), "leader: tagged field 1 should end at byte 43, its value ends at byte 44"),
        (flexible(b"\1\1\6" + bytes(6)), "leader: tagged field 1 should end at byte 45, its value ends at byte 44"),
        (flexible(b"\1\1\7" + bytes(6)), "tags: tagged field 1 has 7 bytes, 6 are left"),
        (flexible(b"\xff\xff\x3f"), "tags: the varint at byte 39 is cut short"),
        (flexible(b"\xff\xff\xff\xff\x0f"), "tags: with it there are 4294967295 elements"),
    ],
)
def test_flexible_messages_are_refused_with_field_and_evidence(written: bytes, evidence: str) -> None:
    with pytest.raises(WireError) as refused:
        read(written, version=4)

    assert evidence in str(refused.value)


def test_every_cut_is_refused() -> None:
    whole = plain(names=pack(">ih1s", 1, 1, b"a"), points=pack(">iii", 1, 1, 2), parts=pack(">iii", 1, 7, 1) + b"r")
    read(whole)

    for size in range(len(whole)):
        with pytest.raises(WireError, match="SampleRequest v2, "):
            read(whole[:size])


def test_a_message_of_countless_small_elements_is_refused() -> None:
    with pytest.raises(WireError, match=f"numbers: with it there are {MOST_ELEMENTS + 1} elements"):
        read(plain(numbers=pack(">i", MOST_ELEMENTS + 1) + bytes(4 * (MOST_ELEMENTS + 1))))


@pytest.mark.parametrize("version", [3, 4])
def test_tagged_fields_count_as_elements(version: int) -> None:
    """Version 3 knows none of them, version 4 some."""
    message = memoryview(flexible(b"\3" + b"\x63\0" * 3))

    assert "ab" == decode(SampleRequest, version, message, most=3).name
    with pytest.raises(WireError, match=r"3 .*tagged fields, at most 2"):
        decode(SampleRequest, version, message, most=2)


def test_tagged_fields_and_elements_count_together() -> None:
    note = b"\5text" + b"\1\x63\0"
    message = memoryview(flexible(b"\1" + b"\0" + bytes((1 + len(note),)) + b"\2" + note))

    assert "text" == decode(SampleRequest, 4, message, most=3).notes[0].text
    with pytest.raises(WireError, match=r"notes\.tags: with it there are 3 elements"):
        decode(SampleRequest, 4, message, most=2)
