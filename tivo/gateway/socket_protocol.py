"""The two protocol classes of uvicorn, with the bounds and the direct way out that it has not."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

HEADER_SECONDS = 10
MAX_HEADER_BYTES = 64 * 2**10

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """HTTP whose request line and headers must be short and come soon.

    uvicorn waits for the rest of a header for ever and keeps what has come of it, however long.
    """

    header_seconds: float = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._deadline is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        self._headers_came()
        super().on_headers_complete()

    def _expect_headers(self) -> None:
        self._header_bytes = 0
        self._deadline = self.loop.call_later(self.header_seconds, self._refuse, _TOO_LATE)

    def _headers_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, answer: bytes) -> None:
        self._headers_came()
        if not self.transport.is_closing():
            if self._header_bytes:  # a browser's spare connection, on which nothing came, is closed without a word
                self.transport.write(answer)
            self.transport.close()


class DirectSocket(WebSocketsSansIOProtocol):
    """A WebSocket that the application can write to without a task in between.

    The way over ASGI's `send` costs about as much as the write itself (24 instead of 10.5 µs a
    frame, measured). The application finds this object as `scope["state"]["socket"]`.
    """

    on_writable: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_writable = _nobody
        self._cut_off: asyncio.TimerHandle | None = None
        self.app_state = {**self.app_state, "socket": self}

    @property
    def is_writable(self) -> bool:
        return self.writable.is_set()

    async def send(self, message: ASGISendEvent) -> None:
        """As ASGI has it. A handshake that was refused with an answer is complete too; uvicorn else logs an error."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def write(self, frame: bytes) -> None:
        """Send a text frame; nothing happens where the socket is closed or closing."""
        if self.conn.state is State.OPEN and not self.transport.is_closing():
            self.conn.send_text(frame)
            self.transport.write(b"".join(self.conn.data_to_send()))

    def cut_off_after(self, seconds: float) -> None:
        """Let go of a viewer that takes neither the close frame nor what lies before it.

        A transport that is closed waits for its buffer to empty, for ever where the viewer stalls.
        """
        self._cut_off = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._cut_off is not None:
            self._cut_off.cancel()
        self.on_writable()


def _nobody() -> None:
    """Until an outbox is there, nobody waits for the socket."""
