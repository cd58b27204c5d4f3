"""Tickets."""

import pytest

from tivo.auth.tickets import MOST_TICKETS, TICKET_US, Tickets
from tivo.model.errors import AuthenticationError
from tivo.model.timeline import Now

THEN = Now(0, 0)


def test_a_ticket_stands_for_its_token_once() -> None:
    tickets = Tickets()
    tickets.issue("ticket", "token", THEN, owner="ada")

    assert "token" == tickets.redeem("ticket", THEN)
    with pytest.raises(AuthenticationError):
        tickets.redeem("ticket", THEN)


def test_a_ticket_of_nobody_stands_for_no_token() -> None:
    tickets = Tickets()
    tickets.issue("ticket", None, THEN, owner=None)

    assert None is tickets.redeem("ticket", THEN)


def test_a_ticket_is_good_for_half_a_minute_of_steady_time() -> None:
    tickets = Tickets()
    for name in ("early", "late"):
        tickets.issue(name, "token", THEN, owner="ada")

    assert "token" == tickets.redeem("early", Now(10**15, TICKET_US - 1))
    with pytest.raises(AuthenticationError, match="too old"):
        tickets.redeem("late", Now(0, TICKET_US))


def test_an_unknown_ticket_is_none() -> None:
    with pytest.raises(AuthenticationError, match="unknown"):
        Tickets().redeem("ticket", THEN)


def test_old_ones_are_forgotten_and_many_push_out_the_oldest() -> None:
    tickets = Tickets()
    tickets.issue("old", "token", THEN, owner="ada")
    for number in range(MOST_TICKETS + 1):
        tickets.issue(str(number), "token", Now(0, TICKET_US), owner="ada")

    assert MOST_TICKETS == len(tickets)
    assert "token" == tickets.redeem("1", Now(0, TICKET_US))
    with pytest.raises(AuthenticationError):
        tickets.redeem("0", Now(0, TICKET_US))


def test_who_asks_for_many_pushes_out_his_own_and_nobody_elses() -> None:
    tickets = Tickets()
    tickets.issue("ben's", "b", THEN, owner="ben")
    for number in range(MOST_TICKETS):
        tickets.issue(str(number), "a", THEN, owner="ada")
    tickets.issue("cleo's", "c", THEN, owner="cleo")

    assert MOST_TICKETS == len(tickets)
    assert ["b", "c", "a"] == [tickets.redeem(each, THEN) for each in ("ben's", "cleo's", "2")]
    for gone in ("0", "1"):
        with pytest.raises(AuthenticationError):
            tickets.redeem(gone, THEN)


def test_nothing_of_a_ticket_is_kept() -> None:
    tickets = Tickets()
    tickets.issue("ticket", "token", THEN, owner="ada")

    assert "ticket" not in tickets._kept
