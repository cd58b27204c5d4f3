"""What a connection is about to send."""

from hypothesis import given
from hypothesis import strategies as st

from tivo.broker.outgoing import CORK_BYTES, JOINED_BYTES, Outgoing
from tivo.wire.primitives import Buffer


class Sink:
    """Remembers what is written, and as what."""

    def __init__(self) -> None:
        self.written: list[Buffer] = []

    def write(self, data: Buffer) -> None:
        self.written.append(data)


def flushed(*buffers: Buffer) -> list[Buffer]:
    outgoing, sink = Outgoing(), Sink()
    outgoing.add(buffers)
    outgoing.flush(sink)
    return sink.written


def test_small_buffers_go_out_together() -> None:
    assert [b"abc"] == flushed(b"a", bytearray(b"b"), memoryview(b"c"))


def test_large_buffer_is_passed_on_and_not_copied() -> None:
    large = memoryview(bytes(JOINED_BYTES + 1))

    head, body, tail = flushed(b"a", b"b", large, b"c")

    assert (b"ab", b"c") == (head, tail)
    assert body is large


def test_nothing_is_no_write() -> None:
    assert [] == flushed()


def test_what_was_sent_is_not_sent_again() -> None:
    outgoing, sink = Outgoing(), Sink()
    outgoing.add([b"a"])
    outgoing.flush(sink)
    outgoing.add([b"b"])
    outgoing.flush(sink)

    assert [b"a", b"b"] == sink.written


def test_enough_is_not_held_back_any_longer() -> None:
    outgoing = Outgoing()
    outgoing.add([bytes(CORK_BYTES - 1)])
    assert not outgoing.is_enough

    outgoing.add([b"x"])
    assert outgoing.is_enough

    outgoing.flush(Sink())
    assert not outgoing.is_enough


@given(st.lists(st.integers(0, 200_000), max_size=8))
def test_every_byte_goes_out_in_order(sizes: list[int]) -> None:
    buffers = [bytes([index]) * size for index, size in enumerate(sizes)]

    assert b"".join(buffers) == b"".join(map(bytes, flushed(*buffers)))
