"""Bearer tokens."""

from datetime import UTC, datetime, timedelta

import pytest

from tivo.auth.principals import Principal
from tivo.auth.tokens import check, digest
from tivo.auth.users import NOBODY, Scope, Token, User, Users
from tivo.model.errors import AuthenticationError
from tivo.model.timeline import Now

EXPIRY = datetime(2027, 1, 1, tzinfo=UTC)
EXPIRY_US = int(EXPIRY.timestamp()) * 1_000_000


def users(*, expires: datetime | None = None) -> Users:
    kept = Token(name="laptop", sha256=digest("secret"), scopes=("read", "admin:a."), expires=expires)
    return NOBODY.with_user("ben", User(tokens=(Token(name="x", sha256=digest("x"), scopes=()),))).with_user(
        "ada", User(tokens=(kept,))
    )


def test_token_tells_who_and_what() -> None:
    bearer = check(users(), "secret", Now(0, 0))

    assert Principal("ada") == bearer.principal
    assert (Scope("read", ""), Scope("admin", "a.")) == bearer.scopes


@pytest.mark.parametrize(
    ("permit", "topic", "may"), [("read", "t", True), ("write", "t", False), ("write", "a.b", True)]
)
def test_what_a_bearer_may(permit: str, topic: str, may: bool) -> None:
    assert may == check(users(), "secret", Now(0, 0)).may(permit, topic)  # type: ignore[arg-type]  # any text


@pytest.mark.parametrize("token", ["", "secre", digest("secret")])
def test_unknown_token(token: str) -> None:
    with pytest.raises(AuthenticationError, match="the token is unknown"):
        check(users(), token, Now(0, 0))


def test_token_expires_at_its_time() -> None:
    assert check(users(expires=EXPIRY), "secret", Now(EXPIRY_US - 1, 0))
    assert check(users(expires=EXPIRY + timedelta(microseconds=1)), "secret", Now(EXPIRY_US, 0))
    with pytest.raises(AuthenticationError, match="token 'laptop' of ada has expired"):
        check(users(expires=EXPIRY), "secret", Now(EXPIRY_US, 0))
