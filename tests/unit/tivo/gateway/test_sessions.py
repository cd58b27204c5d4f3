from typing import Any

import pytest

from tivo.auth.principals import Principal
from tivo.auth.tokens import Bearer
from tivo.gateway.problems import Problem
from tivo.gateway.sessions import Sessions, address_of, client_of
from tivo.gateway.stay import Stay, admit


def test_no_more_seats_than_there_are_in_all() -> None:
    sessions = Sessions(max_sessions=1)

    with sessions.seat("127.0.0.1"), pytest.raises(Problem, match="all 1 sessions") as refused, sessions.seat("::1"):
        pass

    assert (429, True) == (refused.value.status, refused.value.retryable)


def test_one_client_takes_no_more_than_its_share() -> None:
    sessions = Sessions(max_sessions_per_client=1)

    with (
        sessions.seat("10.0.0.1"),
        sessions.seat("10.0.0.2"),
        pytest.raises(Problem, match=r"10\.0\.0\.1 has 1 sessions"),
        sessions.seat("10.0.0.1"),
    ):
        pass


def test_on_loopback_only_the_bound_on_all_counts() -> None:
    sessions = Sessions(max_sessions_per_client=1)

    with sessions.seat("127.0.0.1"), sessions.seat("127.0.0.1"):
        assert 2 == sessions.taken


def test_a_seat_that_was_left_is_free() -> None:
    sessions = Sessions(max_sessions=1, max_sessions_per_client=1)
    for _ in range(2):
        with sessions.seat("10.0.0.1"):
            pass

    assert 0 == sessions.taken


def test_limits_are_told_by_their_names() -> None:
    assert {"max_sessions": 3, "max_sessions_per_client": 2} == Sessions(
        max_sessions=3, max_sessions_per_client=2
    ).limits()


def test_a_client_is_a_principal_or_an_address_where_nobody_is_asked() -> None:
    scope: dict[str, Any] = {"client": ("10.0.0.1", 5)}

    admit(scope, Stay())
    assert "10.0.0.1" == client_of(scope)
    admit(scope, Stay(Bearer(Principal("ada"), ())))
    assert ("User:ada", "10.0.0.1") == (client_of(scope), address_of(scope))
    assert "127.0.0.1" == address_of({"client": None})
