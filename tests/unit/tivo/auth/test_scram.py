"""SCRAM, the server's side: the RFC's own exchange, what attackers try, and anything at all."""

from base64 import b64decode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scram_client import final
from tivo.auth.principals import Principal
from tivo.auth.scram import INVALID, MOST_MESSAGE, ScramServer
from tivo.auth.users import HASHES, NOBODY, Mechanism, User, Users, verifier_of
from tivo.model.errors import AuthenticationError

SECRET = b"of this process"
NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
FINAL = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
EITHER = pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])


def users(name: str = "user", password: str = "pencil") -> Users:
    made = {each: verifier_of(password, each, salt=SALT, iterations=4096) for each in HASHES}
    return NOBODY.with_user(name, User(scram_sha_256=made["SCRAM-SHA-256"], scram_sha_512=made["SCRAM-SHA-512"]))


def server(mechanism: Mechanism = "SCRAM-SHA-256", known: Users | None = None) -> ScramServer:
    return ScramServer(users() if known is None else known, mechanism, nonce=NONCE, secret=SECRET)


def test_the_exchange_of_rfc_7677() -> None:
    exchange = server()

    assert f"r=rOprNGfwEbeRWgbNEkqO{NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode() == exchange.receive(FIRST)
    assert b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" == exchange.receive(FINAL)
    assert Principal("user") == exchange.principal


@EITHER
@pytest.mark.parametrize("binding", ["n,,", "y,,", "n,a=a=2Cb=3D,"])
def test_name_with_comma_and_equals_sign(mechanism: Mechanism, binding: str) -> None:
    exchange = server(mechanism, users("a,b="))
    first = f"{binding}n=a=2Cb=3D,r=abc,ext=more".encode()

    exchange.receive(final(first, exchange.receive(first), "pencil", mechanism, binding=binding))

    assert Principal("a,b=") == exchange.principal


@EITHER
def test_unknown_user_is_told_as_many_iterations_as_most_have(mechanism: Mechanism) -> None:
    def told(known: Users) -> bytes:
        return server(mechanism, known).receive(b"n,,n=who,r=abc").rpartition(b",")[2]

    many = verifier_of("pencil", mechanism, salt=SALT, iterations=20_000)
    odd = NOBODY.with_user("odd", User(scram_sha_256=many, scram_sha_512=many))
    most = [users(name).users[name] for name in ("a", "b")]

    assert (b"i=10000", b"i=20000") == (told(NOBODY), told(odd))
    assert b"i=4096" == told(odd.with_user("a", most[0]).with_user("b", most[1]))


@EITHER
@pytest.mark.parametrize("known", [users(), NOBODY, NOBODY.with_user("user", User())])
def test_wrong_password_and_unknown_user_look_alike(mechanism: Mechanism, known: Users) -> None:
    exchange = server(mechanism, known)
    answer = exchange.receive(FIRST)

    with pytest.raises(AuthenticationError, match=f"^{INVALID}$"):
        exchange.receive(final(FIRST, answer, "wrong", mechanism))
    assert None is exchange.principal


def test_unknown_user_has_the_same_salt_each_time_and_no_other_users() -> None:
    first = server(known=NOBODY).receive(FIRST)

    assert first == server(known=NOBODY).receive(FIRST)
    assert first != server(known=NOBODY).receive(FIRST.replace(b"n=user", b"n=other"))


def test_nonce_of_another_exchange_is_refused() -> None:
    exchange = ScramServer(users(), "SCRAM-SHA-256", nonce="another", secret=SECRET)
    exchange.receive(FIRST)

    with pytest.raises(AuthenticationError, match="nonce"):
        exchange.receive(FINAL)


def test_altered_nonce_is_refused_though_the_proof_is_right() -> None:
    exchange = server()
    answer = exchange.receive(FIRST)

    with pytest.raises(AuthenticationError, match="nonce"):
        exchange.receive(final(FIRST, answer.replace(b"r=", b"r=x"), "pencil", "SCRAM-SHA-256"))


def test_other_channel_binding_is_refused() -> None:
    exchange = server()
    exchange.receive(FIRST)

    with pytest.raises(AuthenticationError, match="channel binding"):
        exchange.receive(FINAL.replace(b"c=biws", b"c=eSws"))


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (b"", "is not n,,n=user"),
        (b"\xff", "not UTF-8"),
        (b"p=tls-unique,,n=user,r=abc", "channel binding is not offered"),
        (b"n,,m=must,n=user,r=abc", "is not n,,n=user"),
        (b"n,,n=,r=abc", "is not n,,n=user"),
        (b"n,,n=user,r=", "is not n,,n=user"),
        (b"n,,n=us=er,r=abc", "=2C and =3D"),
        (b"n,a=root,n=user,r=abc", "another user"),
        (b"n,,n=user,r=" + b"x" * MOST_MESSAGE, "at most"),
    ],
)
def test_first_message_that_is_none(first: bytes, why: str) -> None:
    with pytest.raises(AuthenticationError, match=why):
        server().receive(first)


@pytest.mark.parametrize(
    ("proof", "why"), [("p=!", "base64"), ("p=AAAA", "32 bytes, not 3"), ("q=AAAA", "is not c="), ("", "is not c=")]
)
def test_final_message_that_is_none(proof: str, why: str) -> None:
    exchange = server()
    answer = exchange.receive(FIRST)
    bare = final(FIRST, answer, "pencil", "SCRAM-SHA-256").decode().partition(",p=")[0]

    with pytest.raises(AuthenticationError, match=why):
        exchange.receive(f"{bare},{proof}".encode())


@given(st.binary(max_size=200) | st.text("nyrcp=,a1+", max_size=60).map(str.encode), st.binary(max_size=200))
def test_no_messages_crash_it_and_none_let_in(first: bytes, second: bytes) -> None:
    exchange = server()

    with suppress(AuthenticationError):
        exchange.receive(first)
        exchange.receive(second)

    assert None is exchange.principal


@given(st.integers(0, len(FINAL) - 1), st.integers(1, 255))
def test_no_changed_final_message_lets_in(at: int, flip: int) -> None:
    exchange = server()
    exchange.receive(FIRST)
    changed = bytearray(FINAL)
    changed[at] ^= flip

    # only the unused bits of the last base64 letter can change without a change of the proof
    if FINAL.rpartition(b"p=")[2].rstrip(b"=")[:-1] in bytes(changed) and at >= len(FINAL) - 2:
        return
    with pytest.raises(AuthenticationError):
        exchange.receive(bytes(changed))


@EITHER
@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=10), data=st.data()
)
def test_right_password_lets_in_whatever_the_name(mechanism: Mechanism, name: str, data: st.DataObject) -> None:
    if name in ("*", "ANONYMOUS"):
        return
    password = data.draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=10))
    exchange = server(mechanism, users(name, password))
    first = f"n,,n={name.replace('=', '=3D').replace(',', '=2C')},r=abc".encode()

    exchange.receive(final(first, exchange.receive(first), password, mechanism))

    assert Principal(name) == exchange.principal
