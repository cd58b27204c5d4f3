"""Listeners on real sockets: TLS, client certificates, logins over TLS, and those who never get that far."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Certificates
from tests.support.manual_clock import ManualClock
from tests.unit.tivo.broker.test_server import Client, metadata, options, until
from tivo.auth.users import NOBODY, User, verifier_of
from tivo.broker.listeners import Endpoint, Listener, Security, TlsOptions
from tivo.broker.server import Server, serving
from tivo.model.errors import ConfigError
from tivo.users_file import write
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest
from tivo.wire.messages.sasl_handshake import SaslHandshakeRequest

SSL_, SASL, SASL_SSL = range(1, 4)
"""Places of the listeners behind the first."""


def users(password: str) -> Any:
    kept = verifier_of(password, "SCRAM-SHA-256", salt=b"saltsalt", iterations=4096)
    return NOBODY.with_user("ada", User(scram_sha_256=kept))


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users.toml"
    write(path, users("pencil"))
    return path


def four(tmp_path: Path, certificates: Certificates, users_file: Path, *, mutual: bool = False, **changes: Any) -> Any:
    """Options of a broker with a listener of each kind."""
    tls = TlsOptions(certificate=certificates.server, key=certificates.server_key)
    if mutual:
        tls = replace(tls, client_ca=certificates.authority)
    more = tuple(Listener(security=each, port=0) for each in (Security.SSL, Security.SASL_PLAINTEXT, Security.SASL_SSL))
    return options(tmp_path, listeners=more, tls=tls, users_file=users_file, **changes)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(
    tmp_path: Path, clock: ManualClock, certificates: Certificates, users_file: Path
) -> AsyncIterator[Server]:
    async with serving(four(tmp_path, certificates, users_file), now=clock) as opened:
        yield opened


def trusting(certificates: Certificates, *, showing: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates.authority))
    if showing:
        context.load_cert_chain(certificates.client, certificates.client_key)
    return context


@asynccontextmanager
async def client_at(server: Server, place: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    name = "localhost" if context else None
    streams = await asyncio.open_connection("127.0.0.1", server.doors.ports[place], ssl=context, server_hostname=name)
    client = Client(*streams)
    try:
        yield client
    finally:
        client.writer.close()


async def log_in(client: Client, password: str) -> int:
    await client.ask(SaslHandshakeRequest(mechanism="PLAIN"))
    client.send(SaslAuthenticateRequest(auth_bytes=f"\0ada\0{password}".encode()))
    answer = await client.receive(SaslAuthenticateRequest())
    return int(answer.error_code)


async def test_each_listener_tells_its_own_address(server: Server, certificates: Certificates) -> None:
    async with client_at(server, 0) as plain, client_at(server, SSL_, trusting(certificates)) as secret:
        told = [(await client.ask(metadata())).brokers[0].port for client in (plain, secret)]

    assert server.doors.ports[:2] == told
    assert 4 == len(set(server.doors.ports))
    assert [each.security for each in server.broker.identity.endpoints] == [
        Security.PLAINTEXT,
        Security.SSL,
        Security.SASL_PLAINTEXT,
        Security.SASL_SSL,
    ]


@pytest.mark.parametrize("place", [SASL, SASL_SSL])
async def test_login(server: Server, certificates: Certificates, place: int) -> None:
    context = trusting(certificates) if place == SASL_SSL else None
    async with client_at(server, place, context) as client:
        assert 0 == await log_in(client, "pencil")
        assert (await client.ask(metadata())).cluster_id


async def test_wrong_password_closes(server: Server) -> None:
    async with client_at(server, SASL) as client:
        assert 58 == await log_in(client, "wrong")
        assert await client.is_closed()


async def test_changed_users_file_counts_within_a_second(server: Server, users_file: Path) -> None:
    write(users_file, users("crayon"))
    server.sweep()

    async with client_at(server, SASL) as client:
        assert 0 == await log_in(client, "crayon")


async def test_certificate_tells_who_it_is(
    tmp_path: Path, clock: ManualClock, certificates: Certificates, users_file: Path
) -> None:
    async with (
        serving(four(tmp_path, certificates, users_file, mutual=True), now=clock) as server,
        client_at(server, SSL_, trusting(certificates, showing=True)) as client,
    ):
        assert (await client.ask(metadata())).cluster_id
        (connection,) = server.connections

        assert "CN=ada" in connection._session.who.name


async def test_without_a_certificate_nobody_comes_in(
    tmp_path: Path, clock: ManualClock, certificates: Certificates, users_file: Path
) -> None:
    async with serving(four(tmp_path, certificates, users_file, mutual=True), now=clock) as server:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with client_at(server, SSL_, trusting(certificates)) as client:
                await client.ask(ApiVersionsRequest())
        await until(lambda: not server.connections)


async def test_old_tls_is_not_spoken(server: Server, certificates: Certificates) -> None:
    context = trusting(certificates)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    async with client_at(server, SSL_, context) as client:
        spoken = client.writer.get_extra_info("ssl_object").version()

    assert spoken in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x0a\0\x12\0\0\0\0\0\1\xff\xff", bytes(100)])
async def test_what_is_no_tls_is_closed(server: Server, garbage: bytes) -> None:
    async with client_at(server, SSL_) as client:
        client.writer.write(garbage)
        assert await closes(client)
    await until(lambda: not server.connections)


async def test_tls_to_a_plain_listener_is_closed(server: Server, certificates: Certificates) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with client_at(server, 0, trusting(certificates)):
            pass
    await until(lambda: not server.connections)


async def closes(client: Client) -> bool:
    """Read away what still comes, as an alert of TLS may."""
    async with asyncio.timeout(20):
        with suppress(ConnectionResetError):
            await client.reader.read()
    return True


async def test_those_who_are_being_greeted_count_as_connections(
    tmp_path: Path, clock: ManualClock, certificates: Certificates, users_file: Path
) -> None:
    limited = four(tmp_path, certificates, users_file, max_connections=2)
    async with serving(limited, now=clock) as server:
        async with client_at(server, SSL_) as first, client_at(server, SSL_) as second:
            await until(lambda: 2 == len(server.connections))
            async with client_at(server, 0) as third:
                assert await third.is_closed()
            server.sweep()
            assert 2 == len(server.connections)
            del first, second
        await until(lambda: not server.connections)


async def test_handshake_has_a_deadline(
    tmp_path: Path, clock: ManualClock, certificates: Certificates, users_file: Path
) -> None:
    hasty = four(tmp_path, certificates, users_file, login_us=50_000)
    async with serving(hasty, now=clock) as server, client_at(server, SSL_) as silent:
        assert await closes(silent)
        await until(lambda: not server.connections)


async def test_stop_turns_away_who_is_being_greeted(
    tmp_path: Path, clock: ManualClock, certificates: Certificates, users_file: Path
) -> None:
    async with serving(four(tmp_path, certificates, users_file), now=clock) as server:
        opened = client_at(server, SSL_)
        silent = await opened.__aenter__()
        await until(lambda: bool(server.connections))

    assert await closes(silent)
    await opened.__aexit__(None, None, None)
    assert set() == server.connections


async def test_who_does_not_say_who_it_is_is_closed(server: Server, clock: ManualClock) -> None:
    async with client_at(server, SASL) as silent, client_at(server, 0) as other:
        assert (await silent.ask(ApiVersionsRequest())).api_keys
        assert (await other.ask(ApiVersionsRequest())).api_keys
        clock.forward(10_000_001)

        server.sweep()

        assert await silent.is_closed()
        assert (await other.ask(ApiVersionsRequest())).api_keys


async def test_too_many_new_connections_of_one_address_are_closed(tmp_path: Path, clock: ManualClock) -> None:
    async with serving(options(tmp_path, max_connections_per_second=2), now=clock) as server:
        async with client_at(server, 0), client_at(server, 0):
            await until(lambda: 2 == len(server.connections))
            async with client_at(server, 0) as third:
                assert await third.is_closed()
        clock.forward(1_000_000)
        async with client_at(server, 0) as later:
            assert (await later.ask(ApiVersionsRequest())).api_keys


async def test_missing_users_file_keeps_it_from_starting(tmp_path: Path, clock: ManualClock) -> None:
    wanted = options(tmp_path, security=Security.SASL_PLAINTEXT, users_file=tmp_path / "none.toml")

    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        async with serving(wanted, now=clock):
            pass


async def test_port_in_use_gives_back_the_others(tmp_path: Path, clock: ManualClock) -> None:
    async with serving(options(tmp_path), now=clock) as server:
        taken = server.port
    async with serving(options(tmp_path), now=clock) as server:
        more = (Listener(port=taken), Listener(port=server.port))
        with pytest.raises(ConfigError, match=f":{server.port} cannot be bound"):
            async with serving(options(tmp_path / "other", listeners=more), now=clock):
                pass
    async with serving(options(tmp_path, port=taken), now=clock) as server:
        assert [Endpoint(Security.PLAINTEXT, "127.0.0.1", taken)] == server.doors.endpoints


async def test_anonymous_is_who_comes_where_nobody_is_asked(tmp_path: Path, clock: ManualClock) -> None:
    async with serving(options(tmp_path, authorizer="acl"), now=clock) as server, client_at(server, 0) as client:
        (topic,) = (await client.ask(metadata("t"))).topics

        assert 29 == topic.error_code
