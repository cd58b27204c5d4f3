"""A client that sends what it likes: bytes on a socket, and requests in our own encoding."""

import socket
from contextlib import suppress
from typing import Any

from tests.compat.running import RunningBroker
from tests.support.broker import response_of
from tivo.wire.framing import read_response, request_frame
from tivo.wire.schema import Message

PATIENCE_S = 20


def connect(broker: RunningBroker) -> socket.socket:
    return socket.create_connection(("127.0.0.1", broker.port), timeout=PATIENCE_S)


def is_closed(connection: socket.socket) -> bool:
    """Wait for the broker to close, reading away what it still sends."""
    with suppress(ConnectionResetError):
        while connection.recv(65_536):
            pass
    return True


def receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, "the broker closed the connection"
        data += more
    return data


def frame(request: Message, version: int | None = None) -> bytes:
    version = request.api.last if version is None else version
    return b"".join(request_frame(request, version, correlation_id=1, client_id="c"))


def ask(connection: socket.socket, request: Message, version: int | None = None) -> Any:
    """Send a request, in its newest version unless said otherwise, and wait for the answer."""
    version = request.api.last if version is None else version
    connection.sendall(frame(request, version))
    return take(connection, request, version)


def take(connection: socket.socket, request: Message, version: int) -> Any:
    """Wait for the answer to a request that was sent."""
    size = int.from_bytes(receive(connection, 4))
    return read_response(response_of(type(request)), version, memoryview(receive(connection, size)))[1]
