import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from tivo.gateway.bodies import StreamedResponse, begun, lines, read_body
from tivo.gateway.problems import Problem
from tivo.gateway.stay import Stay, admit, unauthorized


def request(*pieces: bytes, gone: bool = False, **headers: str) -> Request:
    """A request whose body arrives in these pieces; `gone`: then the client leaves."""
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False})
    arriving = iter(messages)

    async def receive() -> Message:
        return next(arriving)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": given}, receive)


async def collected(stream: Any) -> list[Any]:
    return [each async for each in stream]


async def test_a_body_is_read_whole() -> None:
    assert b"abcd" == await read_body(request(b"ab", b"", b"cd"), at_most=4)


@pytest.mark.parametrize("asked", [request(b"abc", b"de"), request(content_length="5")])
async def test_a_body_beyond_the_bound_is_refused(asked: Request) -> None:
    with pytest.raises(Problem, match="longer than 4 bytes") as refused:
        await read_body(asked, at_most=4)

    assert 413 == refused.value.status


async def test_a_client_that_leaves_ends_its_body() -> None:
    assert b"ab" == await read_body(request(b"ab", gone=True), at_most=4)


async def test_lines_that_arrive_together_stay_together() -> None:
    arrived = await collected(lines(request(b"a\nb\n", b"\nc", b"d\ne"), at_most=9))

    assert [[b"a", b"b"], [b""], [b"cd"], [b"e"]] == arrived


@pytest.mark.parametrize("pieces", [(b"abcd",), (b"ab", b"cd"), (b"abcd\nx",)])
async def test_a_line_beyond_the_bound_is_refused(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(Problem, match="a line is longer than 3 bytes"):
        await collected(lines(request(*pieces), at_most=3))


async def test_what_fails_at_once_fails_before_the_answer_begins() -> None:
    async def failing() -> AsyncGenerator[bytes, None]:
        raise Problem(503, "store_unavailable", "away")
        yield b""

    with pytest.raises(Problem, match="away"):
        await begun(failing(), media_type="text/plain")


@pytest.mark.parametrize(("endless", "ends"), [(True, True), (False, False)])
async def test_an_answer_whose_token_ends_it_is_broken_off_unless_it_has_no_end_of_its_own(
    endless: bool, ends: bool
) -> None:
    stay, sent = Stay(), list[Message]()

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"a"
        stay.end(unauthorized("gone", invalid=True))
        await asyncio.Event().wait()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {}
    admit(scope, stay)
    await StreamedResponse(pieces(), media_type="text/plain", endless=endless)(scope, receive, send)

    assert b"a" == sent[1]["body"]
    assert ends == (not sent[-1].get("more_body", False))


async def test_a_client_that_leaves_ends_its_answer() -> None:
    sent = list[Message]()

    async def pieces() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"a"

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {}
    admit(scope, Stay())
    await StreamedResponse(pieces(), media_type="text/plain", endless=True)(scope, receive, send)

    assert sent[-1].get("more_body", True)
