"""Logging in, on one connection to a listener with SASL."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.broker import BrokerBench
from tests.support.scram_client import final, first
from tests.unit.tivo.broker.test_connection import Listener, Socket
from tivo.auth.principals import Principal
from tivo.auth.users import NOBODY, Mechanism, User, Users, verifier_of
from tivo.broker.listeners import Endpoint, Security
from tivo.broker.logins import FAILURE_DELAY_US, MECHANISMS
from tivo.metrics import BROKER_LOGINS
from tivo.wire.error_codes import ErrorCode
from tivo.wire.framing import request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.metadata import MetadataRequest
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest
from tivo.wire.messages.sasl_handshake import SaslHandshakeRequest

SASL = Endpoint(Security.SASL_PLAINTEXT, "10.0.0.5", 9093)
SCRAMS: tuple[Mechanism, ...] = ("SCRAM-SHA-256", "SCRAM-SHA-512")


def user(password: str = "pencil") -> User:
    kept = [verifier_of(password, each, salt=b"saltsalt", iterations=4096) for each in SCRAMS]
    return User(scram_sha_256=kept[0], scram_sha_512=kept[1])


USERS: Users = NOBODY.with_user("ada", user()).with_user("a,b=c", user())


@pytest.fixture
def socket(bench: BrokerBench) -> Iterator[Socket]:
    with opened(bench) as made:
        yield made


@contextmanager
def opened(bench: BrokerBench, endpoint: Endpoint = SASL) -> Iterator[Socket]:
    bench.broker.logins.users = lambda: USERS
    made = Socket(Listener(bench.broker), endpoint=endpoint)
    yield made
    made.connection.connection_lost(None)


def ask(bench: BrokerBench, socket: Socket, request: Any) -> Any:
    socket.send(request)
    bench.runtime.work()
    (reply,) = socket.replies()
    return reply


def say(bench: BrokerBench, socket: Socket, message: bytes) -> Any:
    return ask(bench, socket, SaslAuthenticateRequest(auth_bytes=message))


def fail(bench: BrokerBench, socket: Socket, message: bytes) -> Any:
    """The answer to a message that does not serve; it comes after the delay, and the connection closes behind it."""
    socket.send(SaslAuthenticateRequest(auth_bytes=message))
    bench.runtime.work()
    bench.runtime.forward(FAILURE_DELAY_US - 1)
    assert ([], False) == (socket.replies(), socket.transport.closed)
    bench.runtime.forward(1)
    (reply,) = socket.replies()
    assert socket.transport.closed
    assert ErrorCode.SASL_AUTHENTICATION_FAILED == reply.error_code
    return reply


def test_before_it_says_who_it_is_a_client_may_ask_what_is_served(bench: BrokerBench, socket: Socket) -> None:
    assert ask(bench, socket, ApiVersionsRequest()).api_keys
    assert not socket.connection.is_known


@pytest.mark.parametrize("name", ["ada", "a,b=c"])
@pytest.mark.parametrize("mechanism", SCRAMS)
def test_scram_lets_in(bench: BrokerBench, socket: Socket, mechanism: Mechanism, name: str) -> None:
    assert 0 == ask(bench, socket, SaslHandshakeRequest(mechanism=mechanism)).error_code
    begun = say(bench, socket, first(name))
    done = say(bench, socket, final(first(name), begun.auth_bytes, "pencil", mechanism))

    assert (0, None, 0) == (done.error_code, done.error_message, done.session_lifetime_ms)
    assert done.auth_bytes.startswith(b"v=")
    assert (Principal(name), True) == (socket.connection._session.who, socket.connection.is_known)


def test_plain_lets_in(bench: BrokerBench, socket: Socket) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))

    assert 0 == say(bench, socket, b"\0ada\0pencil").error_code
    (broker,) = ask(bench, socket, MetadataRequest(topics=[])).brokers
    assert ("10.0.0.5", 9093) == (broker.host, broker.port)


@pytest.mark.parametrize("message", [b"\0ada\0wrong", b"\0who\0pencil", b"nonsense", b""])
def test_plain_that_does_not_serve(bench: BrokerBench, socket: Socket, message: bytes) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))

    assert fail(bench, socket, message).error_message.startswith("PLAIN: ")
    assert not socket.connection.is_known


def test_plain_is_refused_where_too_many_passwords_wait_already(bench: BrokerBench, socket: Socket) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))
    bench.runtime.may_compute = False

    told = fail(bench, socket, b"\0ada\0pencil")

    assert "PLAIN: too many passwords wait to be checked; try again" == told.error_message
    assert not socket.connection.is_known


@pytest.mark.parametrize("name", ["ada", "nobody"])
@pytest.mark.parametrize("mechanism", SCRAMS)
def test_scram_that_does_not_serve(bench: BrokerBench, socket: Socket, mechanism: Mechanism, name: str) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism=mechanism))
    begun = say(bench, socket, first(name))

    told = fail(bench, socket, final(first(name), begun.auth_bytes, "wrong", mechanism))

    assert f"{mechanism}: the user is unknown or the password is wrong" == told.error_message


def test_exchange_of_another_connection_is_not_played_again(bench: BrokerBench, socket: Socket) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="SCRAM-SHA-256"))
    begun = say(bench, socket, first("ada"))
    proof = final(first("ada"), begun.auth_bytes, "pencil", "SCRAM-SHA-256")

    with opened(bench) as other:
        ask(bench, other, SaslHandshakeRequest(mechanism="SCRAM-SHA-256"))
        say(bench, other, first("ada"))
        assert "nonce" in fail(bench, other, proof).error_message


def test_every_login_is_counted(bench: BrokerBench, socket: Socket) -> None:
    counters = [BROKER_LOGINS.labels("PLAIN", result) for result in ("ok", "failed")]
    before = [counter._value.get() for counter in counters]

    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))
    say(bench, socket, b"\0ada\0pencil")
    with opened(bench) as other:
        ask(bench, other, SaslHandshakeRequest(mechanism="PLAIN"))
        fail(bench, other, b"\0ada\0wrong")

    assert [1, 1] == [counter._value.get() - was for counter, was in zip(counters, before, strict=True)]


# ------------------------------------------------------------------ the order of things


def test_mechanisms_are_told_to_who_chooses_another(bench: BrokerBench, socket: Socket) -> None:
    told = ask(bench, socket, SaslHandshakeRequest(mechanism="GSSAPI"))

    assert (ErrorCode.UNSUPPORTED_SASL_MECHANISM, list(MECHANISMS)) == (told.error_code, told.mechanisms)
    assert socket.transport.closed


def test_authenticate_before_handshake(bench: BrokerBench, socket: Socket) -> None:
    assert ErrorCode.ILLEGAL_SASL_STATE == say(bench, socket, b"\0ada\0pencil").error_code
    assert socket.transport.closed


def test_second_handshake(bench: BrokerBench, socket: Socket) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))

    assert ErrorCode.ILLEGAL_SASL_STATE == ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN")).error_code
    assert socket.transport.closed


@pytest.mark.parametrize("request_", [SaslHandshakeRequest(mechanism="PLAIN"), SaslAuthenticateRequest()])
def test_no_second_login(bench: BrokerBench, socket: Socket, request_: Any) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))
    say(bench, socket, b"\0ada\0pencil")

    assert ErrorCode.ILLEGAL_SASL_STATE == ask(bench, socket, request_).error_code
    assert socket.transport.closed


@pytest.mark.parametrize("request_", [SaslHandshakeRequest(mechanism="PLAIN"), SaslAuthenticateRequest()])
def test_no_login_where_nobody_is_asked(bench: BrokerBench, request_: Any) -> None:
    with opened(bench, Endpoint(Security.PLAINTEXT, "h", 1)) as socket:
        assert ErrorCode.ILLEGAL_SASL_STATE == ask(bench, socket, request_).error_code
        assert socket.transport.closed


def test_other_requests_before_login_close(
    bench: BrokerBench, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    socket.send(MetadataRequest(topics=None))

    assert ([], True) == (socket.replies(), socket.transport.closed)
    assert "Metadata before the client has said who it is: ILLEGAL_SASL_STATE" in caplog.text


def test_request_behind_a_login_that_fails_is_not_served(bench: BrokerBench, socket: Socket) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))
    socket.send(SaslAuthenticateRequest(auth_bytes=b"\0ada\0wrong"), ApiVersionsRequest())
    bench.runtime.work()
    bench.runtime.forward(FAILURE_DELAY_US)

    assert [ErrorCode.SASL_AUTHENTICATION_FAILED] == [each.error_code for each in socket.replies()]
    assert socket.transport.closed


def test_frames_before_login_are_small(bench: BrokerBench, socket: Socket) -> None:
    socket.receive((socket.listener.login_request_bytes + 1).to_bytes(4))

    assert socket.transport.closed


def test_frames_after_login_are_as_large_as_any(bench: BrokerBench, socket: Socket) -> None:
    ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))
    say(bench, socket, b"\0ada\0pencil")

    socket.receive((socket.listener.login_request_bytes + 1).to_bytes(4))

    assert not socket.transport.closed


def test_client_that_goes_before_the_answer_is_let_go(bench: BrokerBench) -> None:
    with opened(bench) as socket:
        ask(bench, socket, SaslHandshakeRequest(mechanism="PLAIN"))
        socket.send(SaslAuthenticateRequest(auth_bytes=b"nonsense"))
    bench.runtime.forward(FAILURE_DELAY_US)

    assert [] == socket.replies()


# ------------------------------------------------------------------ without headers (SaslHandshake v0)


def bare(bench: BrokerBench, socket: Socket, message: bytes) -> bytes:
    socket.receive(len(message).to_bytes(4) + message)
    bench.runtime.work()
    answer = b"".join(socket.transport.writes)
    socket.transport.writes.clear()
    return answer


def handshake_v0(socket: Socket, mechanism: str) -> None:
    frame = request_frame(SaslHandshakeRequest(mechanism=mechanism), 0, correlation_id=1, client_id="old")
    socket.receive(b"".join(frame))
    assert socket.transport.writes
    socket.transport.writes.clear()


def test_bare_plain(bench: BrokerBench, socket: Socket) -> None:
    handshake_v0(socket, "PLAIN")

    assert bytes(4) == bare(bench, socket, b"\0ada\0pencil")
    assert ask(bench, socket, MetadataRequest(topics=[])).cluster_id


def test_bare_scram(bench: BrokerBench, socket: Socket) -> None:
    handshake_v0(socket, "SCRAM-SHA-256")
    answer = bare(bench, socket, first("ada"))[4:]

    assert b"v=" == bare(bench, socket, final(first("ada"), answer, "pencil", "SCRAM-SHA-256"))[4:6]
    assert socket.connection.is_known


def test_bare_failure_is_only_seen_by_the_close(bench: BrokerBench, socket: Socket) -> None:
    handshake_v0(socket, "PLAIN")

    assert b"" == bare(bench, socket, b"\0ada\0wrong")
    bench.runtime.forward(FAILURE_DELAY_US)

    assert ([], True) == (socket.transport.writes, socket.transport.closed)


# ------------------------------------------------------------------ anything at all


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    mechanism=st.sampled_from(MECHANISMS),
    messages=st.lists(st.binary(max_size=60) | st.sampled_from([first("ada"), b"c=biws,r=abc,p=AAAA"]), max_size=3),
)
def test_no_messages_let_in_who_knows_no_password(
    bench: BrokerBench, caplog: pytest.LogCaptureFixture, mechanism: str, messages: list[bytes]
) -> None:
    caplog.set_level(logging.CRITICAL)
    with opened(bench) as socket:
        ask(bench, socket, SaslHandshakeRequest(mechanism=mechanism))
        for message in messages:
            if not socket.transport.closed:
                socket.send(SaslAuthenticateRequest(auth_bytes=message))
                bench.runtime.work()
                bench.runtime.forward(FAILURE_DELAY_US)
        assert not socket.connection.is_known
