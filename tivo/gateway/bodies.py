"""What comes in and goes out of an HTTP request in bounded memory."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tivo.gateway.problems import Problem
from tivo.gateway.stay import Stay, stay_of

SMALL_BODY = 64 * 2**10
IDLE_SECONDS = 30
"""How long a client may take for the next piece of its body."""


async def read_body(request: Request, *, at_most: int) -> bytes:
    """The whole body. Raises Problem 413 as soon as it is longer than `at_most`, 408 where it stops coming."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > at_most:
        raise too_large(at_most)
    body = bytearray()
    async for piece in pieces(request):
        body += piece
        if len(body) > at_most:
            raise too_large(at_most)
    return bytes(body)


async def pieces(request: Request) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. Raises Problem 408 where the client stops sending, ends where it is gone."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                piece = await anext(stream, None)
        except TimeoutError:
            detail = f"the body stopped coming for {IDLE_SECONDS} s"
            raise Problem(408, "body_timeout", detail, headers={"Connection": "close"}) from None
        except ClientDisconnect:
            return
        if piece is None:
            return
        if piece:
            yield piece


async def lines(request: Request, *, at_most: int) -> AsyncGenerator[list[bytes], None]:
    """The body's lines, those together that arrived together; blank ones too. The last needs no line end.

    Raises Problem 413 where a line is longer than `at_most`.
    """
    rest = bytearray()
    async for piece in pieces(request):
        rest += piece
        whole: list[bytes] = []
        if b"\n" in piece:
            *whole, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
        if len(rest) > at_most or any(len(line) > at_most for line in whole):
            raise too_large(at_most, what="a line")
        if whole:
            yield whole
    if rest:
        yield [bytes(rest)]


class SmallBodies:
    """ASGI middleware for routes that read their body whole: it must be short, and say so beforehand."""

    def __init__(self, app: ASGIApp, *, at_most: int = SMALL_BODY) -> None:
        self._app = app
        self._at_most = at_most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers:
            problem = Problem(411, "length_required", "this request wants a Content-Length")
        elif int(headers.get("content-length", "0")) > self._at_most:
            problem = too_large(self._at_most)
        else:
            await self._app(scope, receive, send)
            return
        await problem.response(scope["path"])(scope, receive, send)


def too_large(at_most: int, *, what: str = "the body") -> Problem:
    return Problem(
        413, "too_large", f"{what} is longer than {at_most} bytes", headers={"Connection": "close"}, limit=at_most
    )


async def begun(
    pieces: AsyncGenerator[bytes, None],
    *,
    media_type: str,
    headers: Mapping[str, str] | None = None,
    endless: bool = False,
) -> "StreamedResponse":
    """A streamed answer whose first piece is made already, so that what fails at once is still told by its status."""
    first = await anext(pieces, b"")

    async def all_pieces() -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return StreamedResponse(all_pieces(), media_type=media_type, headers=headers, endless=endless)


class StreamedResponse(Response):
    """Sends pieces as they are made, no faster than the client takes them, and stops where it goes away."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        watch: bool = True,
        endless: bool = False,
    ) -> None:
        """`watch` false: the pieces are made from the request's body, whose end tells that the client is gone.

        `endless`: the answer has no end of its own, so where its token ends it, that is its end. Any other is
        broken off there, so that nobody takes a part for the whole.
        """
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self._pieces = pieces
        self._watch = watch
        self._endless = endless
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._watch:
            await self._send_all(send)
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                watchers = [tasks.create_task(_until_gone(receive)), tasks.create_task(_until_over(stay_of(scope)))]
                await self._send_all(send)
                for watcher in watchers:
                    watcher.cancel()
        except* _Gone:
            pass
        except* _Over:
            if self._endless:
                await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # sessions have deadlines, a long answer has none
        await send({"type": "http.response.body", "body": b""})


class _Gone(Exception):
    """The client has left; nobody waits for the rest."""


class _Over(Exception):
    """The client's token is worth nothing any more."""


async def _until_over(stay: Stay) -> None:
    await stay.until_over()
    raise _Over


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Gone
