import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.support.tokens import users
from tivo import users_file
from tivo.auth.users import NOBODY, User
from tivo.gateway.server import Gateway, GatewayOptions, serving
from tivo.model.errors import ConfigError
from tivo.model.timeline import Now
from tivo.store.memory import MemoryStore

AWAY = "127.0.0.1:1"


def now() -> Now:
    return Now(time.time_ns() // 1_000, time.monotonic_ns() // 1_000)  # noqa: TID251  a gateway with sockets of its own


@asynccontextmanager
async def running(**options: object) -> AsyncIterator[Gateway]:
    """A gateway whose broker does not answer."""
    asked = GatewayOptions(bootstrap=AWAY, port=0, **options)  # type: ignore[arg-type]  # as each test wants it
    async with serving(asked, store=MemoryStore(), now=now) as gateway:
        yield gateway


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.example"])
async def test_beyond_loopback_it_is_not_bound_unless_that_is_meant(host: str) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.insecure"):
        async with running(host=host):
            pass


async def test_beyond_loopback_it_is_bound_where_it_asks_for_tokens(tmp_path: Path) -> None:
    file = tmp_path / "users.toml"
    users_file.write(file, users(ada=("read",)))
    async with (
        running(host="0.0.0.0", auth="tokens", users_file=file) as gateway,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}") as http,
    ):
        alive, asked = await http.get("/livez"), await http.get("/metrics")
        let_in = await http.get("/metrics", headers={"Authorization": "Bearer ada"})

    assert (200, 401, 200) == (alive.status_code, asked.status_code, let_in.status_code)


async def test_on_loopback_tokens_are_asked_for_where_that_is_set(tmp_path: Path) -> None:
    file = tmp_path / "users.toml"
    users_file.write(file, users(ada=("read",)))
    async with running(auth="tokens", users_file=file) as gateway, httpx.AsyncClient() as http:
        assert 401 == (await http.get(f"http://127.0.0.1:{gateway.port}/v1/topics")).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_without_a_users_file_or_a_token_in_it_no_gateway_starts_that_asks_for_them(
    tmp_path: Path, host: str
) -> None:
    file = tmp_path / "users.toml"
    with pytest.raises(ConfigError, match=r"users\.toml cannot be read"):
        async with running(host=host, auth="tokens", users_file=file):
            pass
    users_file.write(file, NOBODY.with_user("ada", User()))
    with pytest.raises(ConfigError, match="nobody in the users file"):
        async with running(host=host, auth="tokens", users_file=file):
            pass


async def test_a_token_that_is_removed_ends_what_it_opened_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "users.toml"
    users_file.write(file, users(ada=("read",), ben=("read",)))
    async with running(auth="tokens", users_file=file) as gateway:
        address = f"ws://127.0.0.1:{gateway.port}/ws"
        async with connect(address, additional_headers={"Authorization": "Bearer ada"}) as socket:
            users_file.write(file, users(ben=("read",)))
            await socket.wait_closed()

    assert socket.close_code in {4401, 1013}  # the latter where it was closed before, for want of a log


async def test_where_it_is_meant_it_binds_elsewhere() -> None:
    async with running(host="0.0.0.0", insecure=True) as gateway, httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{gateway.port}/livez", headers={"Host": "10.1.2.3"})

    assert 200 == answer.status_code


async def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = GatewayOptions(bootstrap=AWAY, port=port)

        with pytest.raises(ConfigError, match=rf"port {port} .*--port"):
            async with serving(options, store=MemoryStore(), now=now):
                pass


async def test_a_host_that_is_no_address_is_named() -> None:
    with pytest.raises(ConfigError, match="no address of this machine"):
        async with running(host="no such host", insecure=True):
            pass


async def test_without_a_broker_it_serves_and_says_what_it_lacks() -> None:
    async with running() as gateway, httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}") as http:
        alive, ready = await http.get("/livez"), await http.get("/readyz")
        topics = await http.get("/v1/topics")

    assert (200, 503) == (alive.status_code, ready.status_code)
    assert ["log"] == list(ready.json()["reasons"]) == list(gateway.unready())  # the store is there
    assert (503, "log_unavailable") == (topics.status_code, topics.json()["code"])


async def test_it_closes_soon_with_requests_still_there() -> None:
    async with running() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"POST /v1/topics/t/records HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        await writer.drain()
        started_us = now().steady_us

    assert 3_000_000 > now().steady_us - started_us
    assert (await reader.read()).startswith(b"HTTP/1.1 5")
    writer.close()


async def test_a_viewer_is_asked_to_come_again_while_the_log_was_never_reached() -> None:
    async with running() as gateway, connect(f"ws://127.0.0.1:{gateway.port}/ws") as viewer:
        await viewer.wait_closed()

    assert 1013 == viewer.close_code
