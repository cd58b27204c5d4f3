"""What a connection is about to send: replies are gathered, and go out with few system calls and few copies."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from tivo.wire.primitives import Buffer

CORK_BYTES = 256 << 10
"""Replies to the requests of one read are held back up to this size, so that small ones share a system call."""

JOINED_BYTES = 64 << 10
"""Buffers up to this size are joined before they are sent: a system call costs more than the copy."""


class Sink(Protocol):
    """A transport, as far as it matters here."""

    def write(self, data: Buffer, /) -> None: ...


class Outgoing:
    """Buffers in the order in which they are to be sent."""

    __slots__ = ("_buffers", "_bytes")

    def __init__(self) -> None:
        self._buffers: list[Buffer] = []
        self._bytes = 0

    @property
    def is_enough(self) -> bool:
        """More is not worth waiting for."""
        return self._bytes >= CORK_BYTES

    def add(self, buffers: Iterable[Buffer]) -> None:
        for buffer in buffers:
            self._buffers.append(buffer)
            self._bytes += len(buffer)

    def flush(self, sink: Sink) -> None:
        """Send all of it."""
        for buffer in _joined(self._buffers):
            sink.write(buffer)
        self._buffers.clear()
        self._bytes = 0


def _joined(buffers: Iterable[Buffer]) -> Iterator[Buffer]:
    """The buffers, runs of small ones made into one; large ones, records read from the log, are not copied."""
    small: list[Any] = []
    for buffer in buffers:
        if len(buffer) <= JOINED_BYTES:
            small.append(buffer)
            continue
        if small:
            yield b"".join(small)
            small.clear()
        yield buffer
    if small:
        yield b"".join(small)
