"""How commands show their token."""

import pytest

from tivo.cli.http import bearer
from tivo.model.errors import RequestError


def test_a_token_stands_in_a_header() -> None:
    assert ({}, {"Authorization": "Bearer abc"}) == (bearer(None), bearer("abc"))


@pytest.mark.parametrize("token", ["", "two\nlines", "ümlaut"])
def test_what_cannot_be_a_token_is_not_sent_and_not_shown(token: str) -> None:
    with pytest.raises(RequestError, match="not one line of printable characters") as refused:
        bearer(token)

    assert not token or token not in str(refused.value)
