import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect

from tivo.gateway.server import UvicornServer
from tivo.gateway.socket_protocol import MAX_HEADER_BYTES, BoundedHttp, DirectSocket


class HastyHttp(BoundedHttp):
    header_seconds = 0.05


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@asynccontextmanager
async def served(app: ASGIApp, http: type[BoundedHttp] = BoundedHttp) -> AsyncIterator[int]:
    """The port of an application behind these protocols."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = UvicornServer(app, http=http)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            await server.ready.wait()
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True


async def told(port: int, *pieces: bytes) -> bytes:
    """What a client hears until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    heard = await reader.read()
    writer.close()
    return heard


async def test_a_request_in_time_is_answered() -> None:
    async with served(hello) as port:
        heard = await told(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert heard.startswith(b"HTTP/1.1 200")


async def test_a_header_that_does_not_end_is_waited_for_no_longer_than_the_bound() -> None:
    async with served(hello, HastyHttp) as port:
        heard = await told(port, b"GET / HTTP/1.1\r\nHost:")

    assert heard.startswith(b"HTTP/1.1 408")


async def test_the_second_request_of_a_connection_is_bounded_too() -> None:
    async with served(hello, HastyHttp) as port:
        heard = await told(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HT")

    assert heard.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in heard


async def test_a_connection_on_which_nothing_comes_is_closed_without_a_word() -> None:
    async with served(hello, HastyHttp) as port:
        assert b"" == await told(port)


async def test_headers_beyond_the_bound_are_refused() -> None:
    async with served(hello) as port:
        heard = await told(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", bytes([65]) * (MAX_HEADER_BYTES + 1))

    assert heard.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_clear_request_is_refused(request_bytes: bytes) -> None:
    async with served(hello) as port:
        assert (await told(port, request_bytes)).startswith(b"HTTP/1.1 400")


async def test_frames_can_be_written_without_a_task_in_between() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        direct: DirectSocket = scope["state"]["socket"]
        assert direct.is_writable
        direct.write(b'"one"')
        direct.write(b'"two"')
        await receive()
        direct.write(b'"nobody hears this"')

    async with served(application) as port, connect(f"ws://127.0.0.1:{port}") as viewer:
        assert ['"one"', '"two"'] == [await viewer.recv(), await viewer.recv()]


async def test_a_viewer_that_stops_reading_makes_the_socket_unwritable_and_its_leaving_is_told() -> None:
    states: list[bool] = []
    stalled, left = asyncio.Event(), asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        direct: DirectSocket = scope["state"]["socket"]
        direct.on_writable = left.set
        while direct.is_writable:
            direct.write(bytes(2**16))
            await asyncio.sleep(0)
        states.append(direct.is_writable)
        stalled.set()
        await left.wait()
        states.append(direct.is_writable)

    async with served(application) as port:
        viewer = await connect(f"ws://127.0.0.1:{port}", max_queue=1)
        await stalled.wait()
        viewer.transport.abort()

    assert [False, True] == states
