"""Whatever arrives, there are requests and refusals and nothing else, and memory stays in proportion to the bytes.

Every request that is served, in every version, is cut at every byte, has lengths of every size that cannot be put in
every place, and has garbage in place of its body.
"""

import tracemalloc
from struct import pack, pack_into

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.wire.cases import CASES, MESSAGES
from tests.support.lengths import full
from tivo.model.errors import WireError
from tivo.wire.compression import Codec
from tivo.wire.connection import Item, Refusal, Request, ServerConnection
from tivo.wire.framing import request_frame
from tivo.wire.record_batch import Record, batches, build, records, verify
from tivo.wire.schema import Message, structure

SERVED = {message.api.key: message for message in MESSAGES if message.__name__.endswith("Request")}
REQUESTS = [(message, version) for message, version in CASES if message in SERVED.values()]
every_request = pytest.mark.parametrize(
    ("message", "version"), REQUESTS, ids=[f"{message.__name__} v{version}" for message, version in REQUESTS]
)

IMPOSSIBLE = [
    b"\xff",
    b"\x80",
    b"\x7f\xff",
    b"\xff\xfe",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xfe",
    b"\x7f\xff\xff\xff",
    b"\x00\x0f\xff\xff",
    b"\xff\xff\xff\xff\x0f",
    b"\xff" * 10,
    b"\xff" * 9 + b"\x01",
    b"\x80" * 9 + b"\x01",
]
"""Lengths of -1, -2, far too many, and varints up to and beyond 64 bits."""

OVERHEAD = 64 << 10
PER_BYTE = 64
"""What a byte may cost: the smallest element of an array has two, and makes an object of a hundred."""


def sample(message: type[Message], version: int) -> bytes:
    """The frame of a request with something in every field, without its size."""
    made = full(structure(message, version))
    assert isinstance(made, Message)
    return b"".join(request_frame(made, version, correlation_id=7, client_id="me"))[4:]


def received(frame: bytes) -> list[Item]:
    """What a new connection makes of a frame; the size is put before it."""
    connection = ServerConnection(SERVED)
    data, at, items = len(frame).to_bytes(4) + frame, 0, []
    while at < len(data):
        room = connection.get_buffer()
        count = min(len(room), len(data) - at)
        room[:count] = data[at : at + count]
        at += count
        items += connection.received(count)
    return items


def assert_refused(items: list[Item]) -> None:
    (item,) = items
    assert isinstance(item, Refusal)
    assert isinstance(item.error, WireError)
    assert str(item.error)


@every_request
def test_the_sample_is_a_request(message: type[Message], version: int) -> None:
    (item,) = received(sample(message, version))

    assert isinstance(item, Request)
    assert full(structure(message, version)) == item.body


@every_request
def test_every_cut_is_refused(message: type[Message], version: int) -> None:
    whole = sample(message, version)

    for size in range(len(whole)):
        assert_refused(received(whole[:size]))


@every_request
def test_impossible_lengths_in_any_place_are_refused_or_read_as_something_else(
    message: type[Message], version: int
) -> None:
    whole = sample(message, version)

    for at in range(8, len(whole)):
        for impossible in IMPOSSIBLE:
            (item,) = received(whole[:at] + impossible + whole[at + len(impossible) :])
            assert isinstance(item, Request) or str(item.error)


@every_request
@pytest.mark.parametrize("filling", [b"\x00", b"\x01", b"\x02", b"\x03", b"\x7f", b"\x80", b"\xff", b"\0\0\0\1"])
def test_a_body_of_one_byte_over_and_over_takes_memory_in_proportion(
    message: type[Message], version: int, filling: bytes
) -> None:
    frame = (
        pack(">hhih", message.api.key, version, 7, -1) + b"\0" + b"\xff\xff\x03" + filling * (50_000 // len(filling))
    )
    tracemalloc.start()

    (item,) = received(frame)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(item, Request | Refusal)
    assert peak <= OVERHEAD * 4 + PER_BYTE * len(frame)


@settings(max_examples=300)
@given(request=st.sampled_from(REQUESTS), body=st.binary(max_size=300))
def test_garbage_bodies_are_read_or_refused(request: tuple[type[Message], int], body: bytes) -> None:
    message, version = request
    header = pack(">hhih", message.api.key, version, 7, -1)

    (item,) = received(header + body)

    assert isinstance(item, Request) or str(item.error)


@settings(max_examples=300)
@given(pieces=st.lists(st.binary(min_size=1, max_size=200), max_size=10))
def test_garbage_is_read_or_refused_in_any_pieces(pieces: list[bytes]) -> None:
    connection = ServerConnection(SERVED)

    for piece in pieces:
        connection.get_buffer()[: len(piece)] = piece
        for item in connection.received(len(piece)):
            assert isinstance(item, Request) or str(item.error)


@pytest.mark.parametrize("codec", list(Codec))
@settings(max_examples=100)
@given(data=st.data())
def test_damaged_batches_are_read_or_refused(codec: Codec, data: st.DataObject) -> None:
    batch = build([Record(offset, offset, b"key", b"value" * 9, (("h", None),)) for offset in range(3)], codec=codec)
    for _ in range(data.draw(st.integers(1, 3))):
        impossible = data.draw(st.sampled_from(IMPOSSIBLE))
        at = data.draw(st.integers(8, len(batch) - 1))
        batch[at : at + len(impossible)] = impossible
    pack_into(">i", batch, 8, len(batch) - 12)

    try:
        for position, header in batches(batch):
            list(records(batch, position, header, max_inflated=10_000))
            verify(batch, position, header)
    except WireError as refused:
        assert str(refused)
