from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from tivo.gateway.guard import Guard, is_loopback


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


@asynccontextmanager
async def client(
    *, loopback_only: bool = True, bound: str = "tivo.example", allow: tuple[str, ...] = ()
) -> AsyncIterator[httpx.AsyncClient]:
    guard = Guard(answer, loopback_only=loopback_only, host=bound, allow_origins=allow)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://localhost:8080") as made:
        yield made


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_names_and_addresses_of_this_machine_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.evil.com", "evil.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.evil.com", "::"]
)
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:8080", "localhost.evil.com", "10.0.0.1:8080", "", "[::1", "a@b"]
)
async def test_a_host_that_is_not_loopback_is_misdirected(host: str) -> None:
    async with client() as http:
        refused = await http.get("/", headers={"Host": host})

    assert (421, "forbidden_host") == (refused.status_code, refused.json()["code"])


async def test_a_proxy_on_this_machine_passes_on_a_name_that_is_allowed() -> None:
    async with client(allow=("https://tivo.example",)) as http:
        passed = await http.get("/", headers={"Host": "tivo.example", "Origin": "https://tivo.example"})
        other = await http.get("/", headers={"Host": "evil.example"})

    assert (200, 421) == (passed.status_code, other.status_code)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.com", "https://localhost.evil.com", "null", "file://", "http://", "http://[", "chrome://localhost"],
)
async def test_a_foreign_origin_is_forbidden(origin: str) -> None:
    async with client() as http:
        refused = await http.post("/", headers={"Origin": origin})

    assert (403, "forbidden_origin") == (refused.status_code, refused.json()["code"])


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3000", "HTTP://LocalHost"]
)
async def test_on_loopback_any_loopback_origin_may_come(origin: str) -> None:
    async with client() as http:
        taken = await http.get("/", headers={"Origin": origin})

    assert 200 == taken.status_code
    assert origin == taken.headers["access-control-allow-origin"]
    assert "Origin" in taken.headers["vary"]


async def test_who_sends_no_origin_is_no_page() -> None:
    async with client() as http:
        assert 200 == (await http.get("/")).status_code


async def test_bound_elsewhere_a_page_of_the_same_host_may_come() -> None:
    async with client(loopback_only=False) as http:
        taken = await http.get("/", headers={"Host": "tivo.example:8080", "Origin": "http://tivo.example:8080"})
        refused = await http.get("/", headers={"Host": "tivo.example:8080", "Origin": "http://localhost:8080"})

    assert 200 == taken.status_code
    assert 403 == refused.status_code


@pytest.mark.parametrize(
    "host", ["10.1.2.3:8080", "[fd00::1]:8080", "localhost", "Tivo.Example:8080", "charts.example", "charts.example."]
)
async def test_bound_elsewhere_addresses_and_known_names_are_answered(host: str) -> None:
    async with client(loopback_only=False, allow=("https://charts.example:8443",)) as http:
        assert 200 == (await http.get("/", headers={"Host": host})).status_code


@pytest.mark.parametrize("host", ["rebound.evil.com:8080", "10.1.2.3.evil.com", ""])
async def test_bound_elsewhere_a_name_turned_around_to_this_machine_is_misdirected(host: str) -> None:
    async with client(loopback_only=False) as http:
        refused = await http.get("/", headers={"Host": host, "Origin": f"http://{host}"})

    assert (421, "forbidden_host") == (refused.status_code, refused.json()["code"])


async def test_an_origin_allowed_by_name_may_come() -> None:
    async with client(loopback_only=False, allow=("https://Charts.example/",)) as http:
        taken = await http.get("/", headers={"Origin": "https://charts.example"})

    assert 200 == taken.status_code


async def test_a_preflight_is_answered_for_those_who_may_come() -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    async with client() as http:
        taken = await http.options("/", headers={"Origin": "http://localhost:1", **asked})
        refused = await http.options("/", headers={"Origin": "http://evil.com", **asked})

    assert 204 == taken.status_code
    assert "content-type" == taken.headers["access-control-allow-headers"]
    assert "POST" in taken.headers["access-control-allow-methods"]
    assert 403 == refused.status_code


async def test_the_request_id_is_echoed() -> None:
    async with client() as http:
        answered = await http.get("/", headers={"X-Request-Id": "abc-1"})

    assert "abc-1" == answered.headers["x-request-id"]


@pytest.mark.parametrize("given", ["a b", "x" * 129, "é", 'a"b'])
async def test_a_request_id_that_would_not_fit_in_a_log_is_replaced(given: str) -> None:
    async with client() as http:
        answered = await http.get("/", headers={"X-Request-Id": given.encode()})

    assert 32 == len(answered.headers["x-request-id"])


async def test_a_socket_of_a_foreign_page_is_refused_before_it_opens() -> None:
    async def told(headers: list[tuple[bytes, bytes]], extensions: dict[str, object]) -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/ws", "headers": headers, "extensions": extensions}
        await Guard(answer, loopback_only=True)(scope, receive, send)
        return sent

    evil = [(b"host", b"localhost"), (b"origin", b"http://evil.com")]

    start, body = await told(evil, {"websocket.http.response": {}})
    (close,) = await told(evil, {})

    assert (403, "websocket.http.response.start") == (start["status"], start["type"])
    assert b"forbidden_origin" in body["body"]
    assert ("websocket.close", 1008) == (close["type"], close["code"])
