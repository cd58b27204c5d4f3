"""What no client should send to a broker that asks who it is: it stays, serves others, and stays small."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.compat.guarded import GuardedBroker, guarded_broker
from tests.support.broker import response_of
from tests.support.scram_client import final, first
from tivo.wire.error_codes import ErrorCode
from tivo.wire.framing import read_response, request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.metadata import MetadataRequest
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest
from tivo.wire.messages.sasl_handshake import SaslHandshakeRequest
from tivo.wire.schema import Message

PATIENCE_S = 20
GROWTH_MIB = 32


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture(autouse=True)
def _calm(broker: GuardedBroker) -> Iterator[None]:
    """Another client is served before and after, and the broker has not grown."""
    settings = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "SCRAM-SHA-256", "sasl.username": "root"}
    client = Producer(
        {"bootstrap.servers": broker.addresses["SASL_PLAINTEXT"], "sasl.password": "pencil", "linger.ms": 0, **settings}
    )
    told: list[Any] = []

    def is_served() -> bool:
        told.clear()
        client.produce("calm", b"x", on_delivery=lambda error, message: told.append(error))
        return client.flush(PATIENCE_S) == 0 and told == [None]

    assert is_served()
    before = broker.resident_mib()
    yield
    assert is_served()
    assert broker.resident_mib() < before + GROWTH_MIB


def connect(broker: GuardedBroker, security: str = "SASL_PLAINTEXT") -> socket.socket:
    host, port = broker.addresses[security].split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def is_closed(connection: socket.socket) -> bool:
    """Wait for the broker to close, reading away what it still sends."""
    with suppress(ConnectionResetError):
        while connection.recv(65_536):
            pass
    return True


def frame(request: Message) -> bytes:
    return b"".join(request_frame(request, request.api.last, correlation_id=1, client_id="c"))


def receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, "the broker closed the connection"
        data += more
    return data


def ask(connection: socket.socket, request: Message) -> Any:
    connection.sendall(frame(request))
    size = int.from_bytes(receive(connection, 4))
    return read_response(response_of(type(request)), request.api.last, memoryview(receive(connection, size)))[1]


# ------------------------------------------------------------------ logging in wrongly


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_twenty_wrong_passwords_at_once(broker: GuardedBroker, mechanism: Any) -> None:
    def guess(number: int) -> int:
        with closing(connect(broker)) as connection:
            ask(connection, SaslHandshakeRequest(mechanism=mechanism))
            message = f"\0ada\0wrong{number}".encode()
            if mechanism != "PLAIN":
                begun = ask(connection, SaslAuthenticateRequest(auth_bytes=first("ada")))
                message = final(first("ada"), begun.auth_bytes, f"wrong{number}", mechanism)
            answer = ask(connection, SaslAuthenticateRequest(auth_bytes=message))
            assert is_closed(connection)
            return int(answer.error_code)

    with ThreadPoolExecutor(20) as guessers:
        assert {ErrorCode.SASL_AUTHENTICATION_FAILED} == set(guessers.map(guess, range(20)))


def test_request_before_login_is_closed(broker: GuardedBroker) -> None:
    with closing(connect(broker)) as connection:
        connection.sendall(frame(MetadataRequest(topics=None)))

        assert is_closed(connection)


def test_wrong_order_is_told_and_closed(broker: GuardedBroker) -> None:
    with closing(connect(broker)) as connection:
        answer = ask(connection, SaslAuthenticateRequest(auth_bytes=b"\0ada\0pencil"))

        assert ErrorCode.ILLEGAL_SASL_STATE == answer.error_code
        assert is_closed(connection)


@pytest.mark.parametrize("size", [65_537, 2**31 - 1, -1])
def test_frame_that_is_too_large_before_login_is_closed(broker: GuardedBroker, size: int) -> None:
    with closing(connect(broker)) as connection:
        connection.sendall(size.to_bytes(4, signed=True) + b"x" * 100)

        assert is_closed(connection)


def test_nonce_of_another_exchange_is_refused(broker: GuardedBroker) -> None:
    with closing(connect(broker)) as mine, closing(connect(broker)) as other:
        for connection in (mine, other):
            ask(connection, SaslHandshakeRequest(mechanism="SCRAM-SHA-256"))
        begun = [ask(each, SaslAuthenticateRequest(auth_bytes=first("ada"))).auth_bytes for each in (mine, other)]
        replayed = final(first("ada"), begun[0], "pencil", "SCRAM-SHA-256")

        assert begun[0] != begun[1]
        answer = ask(other, SaslAuthenticateRequest(auth_bytes=replayed))
        assert ErrorCode.SASL_AUTHENTICATION_FAILED == answer.error_code


# ------------------------------------------------------------------ TLS where none is, and none where it is


def test_tls_to_a_listener_without(broker: GuardedBroker) -> None:
    context = ssl.create_default_context(cafile=str(broker.certificates.authority))
    with closing(connect(broker)) as connection, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(connection, server_hostname="127.0.0.1")


@pytest.mark.parametrize("said", [frame(ApiVersionsRequest()), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(64)])
@pytest.mark.parametrize("security", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_what_is_not_spoken_there(broker: GuardedBroker, security: str, said: bytes) -> None:
    with closing(connect(broker, security)) as connection:
        connection.sendall(said)
        if security == "SASL_PLAINTEXT" and said == frame(ApiVersionsRequest()):
            assert receive(connection, 4)
        else:
            assert is_closed(connection)


def test_many_that_stand_half_open(broker: GuardedBroker) -> None:
    with ExitStack() as half:
        for _ in range(300):
            connection = half.enter_context(closing(connect(broker, "SASL_SSL")))
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")  # a ClientHello begins
        served = AdminClient(
            {
                "bootstrap.servers": broker.addresses["SASL_PLAINTEXT"],
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanisms": "PLAIN",
                "sasl.username": "root",
                "sasl.password": "pencil",
            }
        )
        assert served.list_topics(timeout=PATIENCE_S).topics


def test_more_connects_than_may_be(broker: GuardedBroker) -> None:
    for security in ("SASL_PLAINTEXT", "SASL_SSL"):
        for _ in range(1_000):
            connect(broker, security).close()
