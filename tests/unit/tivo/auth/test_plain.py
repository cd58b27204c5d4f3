"""PLAIN."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.auth.plain import Given, check, parse
from tivo.auth.principals import Principal
from tivo.auth.scram import INVALID
from tivo.auth.users import NOBODY, User, verifier_of
from tivo.model.errors import AuthenticationError

SHORT = verifier_of("pencil", "SCRAM-SHA-256", salt=b"saltsalt", iterations=4096)
LONG = verifier_of("pencil", "SCRAM-SHA-512", salt=b"saltsalt", iterations=4096)
SECRET = b"of this process"


@pytest.mark.parametrize("message", [b"\0ada\0pencil", b"ada\0ada\0pencil"])
def test_what_a_message_says(message: bytes) -> None:
    assert Given("ada", "pencil") == parse(message)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "a PLAIN message is"),
        (b"\0ada", "a PLAIN message is"),
        (b"\0a\0b\0c", "a PLAIN message is"),
        (b"\0\xff\0x", "a PLAIN message is"),
        (b"\0\0x", "names a user and a password"),
        (b"\0ada\0", "names a user and a password"),
        (b"root\0ada\0pencil", "another user"),
    ],
)
def test_message_that_is_none(message: bytes, why: str) -> None:
    with pytest.raises(AuthenticationError, match=why):
        parse(message)


@given(st.binary(max_size=100))
def test_no_message_crashes_it(message: bytes) -> None:
    with suppress(AuthenticationError):
        parse(message)


@pytest.mark.parametrize("user", [User(scram_sha_256=SHORT), User(scram_sha_512=LONG)])
def test_right_password_by_either_verifier(user: User) -> None:
    assert Principal("ada") == check(NOBODY.with_user("ada", user), Given("ada", "pencil"), secret=SECRET)


@pytest.mark.parametrize("user", [None, User(), User(scram_sha_256=SHORT)])
def test_wrong_password_and_unknown_user_look_alike(user: User | None) -> None:
    users = NOBODY if user is None else NOBODY.with_user("ada", user)

    with pytest.raises(AuthenticationError, match=f"^{INVALID}$"):
        check(users, Given("ada", "wrong"), secret=SECRET)
