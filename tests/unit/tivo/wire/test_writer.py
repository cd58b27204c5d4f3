"""Writing: what is written reads back; records pass through; what cannot be said is refused."""

from struct import pack
from typing import Any

import pytest

from tests.unit.tivo.wire.sample import Leader, Note, Part, Point, SampleRequest
from tivo.model.errors import WireError
from tivo.wire.codec import WRITERS, decode, encode
from tivo.wire.schema import NO_UUID

FULL = SampleRequest(
    flag=True,
    tiny=-128,
    name="né",
    blob=b"x" * 130,
    maybe=b"",
    uuid=bytes(range(16)),
    numbers=list(range(100)),
    names=["", "y" * 127],
    points=[Point(x=1, y=-1)],
    parts=[Part(index=1, records=memoryview(b"abc")), Part(index=2)],
)


@pytest.fixture(autouse=True)
def nothing_is_compiled_yet() -> None:
    WRITERS.clear()


@pytest.mark.parametrize("version", range(5))
def test_what_is_written_reads_back(version: int) -> None:
    written = memoryview(b"".join(encode(FULL, version)))

    assert FULL == decode(SampleRequest, version, written)


def test_the_bytes_of_a_plain_version() -> None:
    message = SampleRequest(name="ab", maybe=b"z", numbers=[5], names=["c"], points=[Point(x=1, y=2)])

    written = b"".join(encode(message, 1))

    assert written == (
        b"\0\0" + b"\0\2ab" + bytes(4) + b"\0\0\0\1z" + b"\0\7" + NO_UUID
        + pack(">ii", 1, 5) + b"\0\0\0\1\0\1c" + pack(">iii", 1, 1, 2) + bytes(4)
    )  # fmt: skip


def test_the_bytes_of_a_flexible_version() -> None:
    message = SampleRequest(name=None, names=None, added=3, notes=[Note(text="n")], leader=Leader(node=4))

    written = b"".join(encode(message, 4))

    assert written == (
        b"\0\0" + b"\0" + b"\1" + b"\0" + pack(">q", 3) + NO_UUID + b"\1\0\1\1"
        + b"\2" + b"\0\4\2\2n\0" + b"\1\5" + pack(">i", 4) + b"\0"
    )  # fmt: skip


def test_null_is_written_in_plain_versions() -> None:
    written = memoryview(b"".join(encode(SampleRequest(name=None, names=None), 1)))

    assert SampleRequest(name=None, names=None) == decode(SampleRequest, 1, written)


def test_tagged_fields_at_their_default_are_left_out() -> None:
    assert b"\0" == b"".join(encode(SampleRequest(), 4))[-1:]


def test_fields_that_the_version_lacks_are_not_written() -> None:
    assert encode(SampleRequest(), 0) == encode(SampleRequest(added=9, leader=Leader(node=1)), 0)


@pytest.mark.parametrize("version", [2, 3])
def test_records_are_passed_through_and_not_copied(version: int) -> None:
    first, second = bytearray(b"first"), memoryview(b"second")
    message = SampleRequest(parts=[Part(index=1, records=[first, second]), Part(index=2, records=b"third")])

    buffers = encode(message, version)

    assert buffers[1] is first
    assert buffers[2] is second
    read = decode(SampleRequest, version, memoryview(b"".join(buffers)))
    assert [b"firstsecond", b"third"] == [part.records for part in read.parts]


def test_a_message_may_end_with_records() -> None:
    buffers = encode(SampleRequest(parts=[Part(records=b"last")]), 2)

    assert b"last" == buffers[-1]


def test_empty_records_are_not_null() -> None:
    written = memoryview(b"".join(encode(SampleRequest(parts=[Part(records=b""), Part(records=[])]), 2)))

    assert [b"", b""] == [part.records for part in decode(SampleRequest, 2, written).parts]


def test_a_head_stands_in_the_first_buffer() -> None:
    first, *_ = encode(SampleRequest(), 0, head=b"head")

    assert b"head" == bytes(first)[:4]


NOTHING: Any = None


@pytest.mark.parametrize(
    ("message", "version", "field"),
    [
        (SampleRequest(tiny=128), 2, "tiny"),
        (SampleRequest(name="x" * 32768), 2, "name"),
        (SampleRequest(name=None), 0, "name"),
        (SampleRequest(name="\ud800"), 2, "name"),
        (SampleRequest(uuid=b"short"), 2, "uuid: a uuid has 16 bytes, this one 5"),
        (SampleRequest(numbers=[1 << 31]), 2, "numbers"),
        (SampleRequest(blob=NOTHING), 2, "blob"),
        (SampleRequest(points=NOTHING), 2, "points"),
        (SampleRequest(points=[Point(y=1 << 31)]), 2, "points.x, points.y"),
        (SampleRequest(leader=Leader(node=1 << 31)), 4, "leader"),
    ],
)
def test_what_the_version_cannot_express_is_refused(message: SampleRequest, version: int, field: str) -> None:
    with pytest.raises(WireError) as refused:
        encode(message, version)

    assert str(refused.value).startswith(f"SampleRequest v{version}, ")
    assert field in str(refused.value)
