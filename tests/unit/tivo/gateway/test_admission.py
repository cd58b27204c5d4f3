"""Who is let in, and for how long."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.gateway_app import KnownUsers
from tests.support.manual_clock import ManualClock
from tests.support.tokens import users
from tivo import users_file
from tivo.auth.needs import Need
from tivo.auth.tickets import MOST_TICKETS
from tivo.auth.users import Users
from tivo.gateway.admission import Admission, nobody_asked
from tivo.gateway.credentials import Credential, Way
from tivo.gateway.problems import Problem
from tivo.gateway.stay import Stay
from tivo.metrics import GATEWAY_REFUSED
from tivo.users_file import UsersFile

ADDRESS = "10.1.2.3"


class Door:
    """An admission whose users and clock the test holds, and whose waits it notes."""

    def __init__(self, held: Users) -> None:
        self.known = KnownUsers(held)
        self.clock = ManualClock()
        self.waited_s: list[float] = []
        self.admission = Admission(self.known, self.clock, sleep=self._wait)

    async def _wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)

    async def enter(self, token: str, need: Need | None = None, way: Way = Way.HEADER) -> Stay:
        return await self.admission.admit(Credential(way, token), need, address=ADDRESS)

    async def refused(self, token: str, need: Need | None = None, way: Way = Way.HEADER) -> Problem:
        with pytest.raises(Problem) as refused:
            await self.enter(token, need, way)
        return refused.value


@pytest.fixture
def door() -> Door:
    return Door(users(ada=("read:a.",), ben=("admin",)))


def counted(why: str) -> float:
    return GATEWAY_REFUSED.labels(why)._value.get()


async def test_who_brings_a_token_of_the_users_file_is_in(door: Door) -> None:
    stay = await door.enter("ada", Need("read", "a.x"))

    assert ("User:ada", True, False) == (stay.client, stay.may("read", "a.x"), stay.may("read", "b"))
    assert [] == door.waited_s


async def test_where_nobody_is_asked_everybody_is_in_and_may_everything() -> None:
    admission = nobody_asked(ManualClock())

    stay = await admission.admit(None, Need("admin", ""), address=ADDRESS)
    admission.look()

    assert (False, None, True) == (admission.asks, stay.client, stay.may("admin", "t"))


async def test_who_shows_nothing_is_asked_for_a_token_and_not_slowed(door: Door) -> None:
    before = counted("nothing_shown")

    with pytest.raises(Problem, match="Authorization: Bearer TOKEN") as refused:
        await door.admission.admit(None, None, address=ADDRESS)

    assert (401, {"WWW-Authenticate": 'Bearer realm="tivo"'}) == (refused.value.status, refused.value.headers)
    assert ([], 1) == (door.waited_s, counted("nothing_shown") - before)


async def test_a_wrong_token_is_counted_and_answered_later_each_time(door: Door) -> None:
    before = counted("wrong")

    problems = [await door.refused("guess") for _ in range(3)]

    assert [401, 401, 401] == [each.status for each in problems]
    assert 'Bearer realm="tivo", error="invalid_token"' == (problems[0].headers or {})["WWW-Authenticate"]
    assert ([0.1, 0.3, 0.7], 3) == (door.waited_s, counted("wrong") - before)


async def test_who_guesses_on_is_turned_away_while_right_tokens_of_the_same_address_pass(door: Door) -> None:
    for _ in range(20):
        problem = await door.refused("guess")
    waited = len(door.waited_s)

    assert (429, "too_many_attempts") == (problem.status, problem.code)
    assert "User:ada" == (await door.enter("ada")).client
    assert waited == len(door.waited_s)


async def test_a_missing_scope_is_told_by_its_name(door: Door) -> None:
    problem = await door.refused("ada", Need("write", "a.x"))

    assert (403, "write:a.x", []) == (problem.status, problem.members["scope"], door.waited_s)


async def test_a_token_that_has_expired_is_told_so() -> None:
    door = Door(users(ada=("read",), expires=datetime(1970, 1, 1, tzinfo=UTC)))

    assert "expired" in str(await door.refused("ada"))


async def test_a_ticket_lets_its_holder_in_once_with_the_scopes_of_the_token(door: Door) -> None:
    ticket, until_us = door.admission.ticket(await door.enter("ada"))

    assert "User:ada" == (await door.enter(ticket, way=Way.TICKET)).client
    assert 401 == (await door.refused(ticket, way=Way.TICKET)).status
    assert 30_000_000 == until_us - door.clock.wall_us


async def test_whoever_asks_for_tickets_without_end_takes_none_from_others(door: Door) -> None:
    ada, ben = await door.enter("ada"), await door.enter("ben")
    ticket, _ = door.admission.ticket(ben)
    first, _ = door.admission.ticket(ada)
    for _ in range(MOST_TICKETS):
        door.admission.ticket(ada)

    assert "User:ben" == (await door.enter(ticket, way=Way.TICKET)).client
    assert 401 == (await door.refused(first, way=Way.TICKET)).status


async def test_a_ticket_is_worth_no_more_than_its_token(door: Door) -> None:
    ticket, _ = door.admission.ticket(await door.enter("ada"))
    door.known.users = users(ben=("admin",))

    assert 401 == (await door.refused(ticket, way=Way.TICKET)).status


async def test_a_ticket_made_where_nobody_is_asked_is_worth_nothing_elsewhere(door: Door) -> None:
    ticket, _ = door.admission.ticket(Stay())

    assert 401 == (await door.refused(ticket, way=Way.TICKET)).status


async def test_a_token_is_no_ticket(door: Door) -> None:
    assert 401 == (await door.refused("ada", way=Way.TICKET)).status


async def test_what_a_token_opened_is_over_when_it_is_removed(door: Door) -> None:
    ada, ben = await door.enter("ada"), await door.enter("ben")
    before = counted("ended")

    with door.admission.during(ada), door.admission.during(ben):
        door.known.users = users(ben=("admin",))
        door.admission.look()

    assert ada.ended is not None and (401, None) == (ada.ended.status, ben.ended)
    assert 1 == counted("ended") - before


async def test_what_a_token_opened_is_over_when_it_expires() -> None:
    door = Door(users(ada=("read",), expires=datetime(2100, 1, 1, tzinfo=UTC)))
    ada = await door.enter("ada")

    with door.admission.during(ada):
        door.admission.look()
        assert None is ada.ended
        door.clock.forward(int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 - door.clock.wall_us)
        door.admission.look()

    assert ada.ended is not None and "expired" in str(ada.ended)


async def test_what_a_token_opened_goes_on_by_the_scopes_it_has_now(door: Door) -> None:
    ada, other = await door.enter("ada"), await door.enter("ada")

    with door.admission.during(ada), door.admission.during(other):
        door.known.users = users(ada=("write",))
        door.admission.look()

    assert (True, False, None) == (other.may("write", "a.x"), ada.may("read", "a.x"), ada.ended)


async def test_who_has_left_is_looked_after_no_more(door: Door) -> None:
    ada = await door.enter("ada")
    with door.admission.during(ada):
        pass

    door.known.users = users()
    door.admission.look()

    assert None is ada.ended


async def test_a_users_file_that_changes_counts_at_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    users_file.write(path, users(ada=("read",), ben=("read",)))
    admission = Admission(UsersFile(path), ManualClock())
    ada = await admission.admit(Credential(Way.HEADER, "ada"), None, address=ADDRESS)

    with admission.during(ada):
        users_file.write(path, users(ben=("read",)))
        admission.look()

    assert ada.ended is not None


async def test_a_token_that_was_made_a_moment_ago_is_good_already(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    users_file.write(path, users(ada=("read",)))
    admission = Admission(UsersFile(path), ManualClock())
    users_file.write(path, users(ada=("read",), ben=("read",)))

    assert "User:ben" == (await admission.admit(Credential(Way.HEADER, "ben"), None, address=ADDRESS)).client


async def test_one_line_of_the_log_tells_of_guesses_and_holds_no_secret(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            await door.refused("a-secret-guess")
            await door.refused("a-secret-ticket", way=Way.TICKET)

    assert ['refused "10.1.2.3": "the token is unknown"'] == [record.getMessage() for record in caplog.records]
