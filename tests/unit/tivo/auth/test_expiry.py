"""When tokens expire next."""

from datetime import UTC, datetime

from tests.support.tokens import users
from tivo.auth.expiry import next_expiry_us
from tivo.auth.users import NOBODY, Users
from tivo.model.timeline import Now

EARLY, LATE = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 2, 1, tzinfo=UTC)


def test_the_next_of_all_that_lie_ahead() -> None:
    both = Users(users=users(ada=(), expires=LATE).users | users(ben=(), expires=EARLY).users)

    assert 1_000_000 == next_expiry_us(both, Now(0, 0))
    assert 2_000_001 == next_expiry_us(both, Now(1_000_000, 0))
    assert None is next_expiry_us(both, Now(2_000_001, 0))


def test_tokens_without_an_end_never_expire() -> None:
    assert None is next_expiry_us(users(ada=()), Now(0, 0))
    assert None is next_expiry_us(NOBODY, Now(0, 0))
