"""The consumer group machine, by itself: requests, time and answers as plain values."""

from dataclasses import dataclass, field, replace

import pytest

from tivo.broker.groups import MAX_METADATA_BYTES, Group, State
from tivo.broker.members import size_of
from tivo.broker.membership import (
    Answer,
    Beaten,
    GroupRecord,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Outcome,
    Request,
    Sync,
    Synced,
)
from tivo.wire.error_codes import ErrorCode

SECOND = 1_000_000
SESSION = 10 * SECOND
REBALANCE = 60 * SECOND
RANGE = (("range", b"topics"),)


@dataclass
class Driver:
    """Asks a group and keeps what it answers, by ticket."""

    group: Group
    now_us: int = 0
    answers: dict[int, Answer] = field(default_factory=dict)
    records: list[GroupRecord] = field(default_factory=list)
    deadline_us: int | None = None
    tickets: int = 0

    def ask(self, request: Request) -> int:
        self._take(self.group.receive(request, self.now_us))
        return request.ticket

    def ticket(self) -> int:
        self.tickets += 1
        return self.tickets

    def join(self, member_id: str = "", *, new_id: str = "", **changes: object) -> int:
        join = Join(
            ticket=self.ticket(),
            member_id=member_id,
            new_member_id=new_id or f"new-{self.tickets}",
            instance_id=None,
            client_id="client",
            client_host="host",
            session_timeout_us=SESSION,
            rebalance_timeout_us=REBALANCE,
            protocol_type="consumer",
            protocols=RANGE,
            id_required=False,
            skips_assignment=False,
        )
        return self.ask(replace(join, **changes))

    def sync(self, member_id: str, generation: int, parts: dict[str, bytes] | None = None, **changes: object) -> int:
        sync = Sync(
            ticket=self.ticket(),
            member_id=member_id,
            instance_id=None,
            generation=generation,
            protocol_type=None,
            protocol=None,
            assignments=tuple((parts or {}).items()),
        )
        return self.ask(replace(sync, **changes))

    def beat(self, member_id: str, generation: int, instance_id: str | None = None) -> ErrorCode:
        beat = Heartbeat(ticket=self.ticket(), member_id=member_id, instance_id=instance_id, generation=generation)
        answer = self.answers[self.ask(beat)]
        assert isinstance(answer, Beaten)
        return answer.error

    def leave(self, *leavers: tuple[str, str | None]) -> tuple[ErrorCode, ...]:
        answer = self.answers[self.ask(Leave(ticket=self.ticket(), leavers=leavers))]
        assert isinstance(answer, Left)
        return answer.errors

    def wait(self, span_us: int) -> None:
        """Let time pass, ticking whenever the group wants it."""
        end_us = self.now_us + span_us
        while self.deadline_us is not None and self.deadline_us <= end_us:
            self.now_us = max(self.now_us, self.deadline_us)
            self._take(self.group.tick(self.now_us))
        self.now_us = end_us

    def joined(self, ticket: int) -> Joined:
        answer = self.answers[ticket]
        assert isinstance(answer, Joined)
        return answer

    def synced(self, ticket: int) -> Synced:
        answer = self.answers[ticket]
        assert isinstance(answer, Synced)
        return answer

    def _take(self, outcome: Outcome) -> None:
        for ticket, answer in outcome.replies:
            assert ticket not in self.answers, "a second answer"
            self.answers[ticket] = answer
        self.records.extend(outcome.records)
        self.deadline_us = outcome.deadline_us


def new(**settings: int) -> Driver:
    return Driver(Group("group", **settings))


def stable(*member_ids: str, **changes: object) -> Driver:
    """A stable group of these members, the first one leading, in generation 1."""
    driver = new(initial_delay_us=SECOND)
    for member_id in member_ids:
        driver.join(new_id=member_id, **changes)
    driver.wait(SECOND)
    for member_id in reversed(member_ids):
        instance_id = changes.get("instance_id")
        assert instance_id is None or isinstance(instance_id, str)
        driver.sync(member_id, 1, {each: each.encode() for each in member_ids}, instance_id=instance_id)
    assert driver.group.state is State.STABLE
    return driver


# ------------------------------------------------------------------ joining


def test_first_member_leads_the_first_generation() -> None:
    driver = new()

    joined = driver.joined(driver.join(new_id="a"))

    assert (ErrorCode.NONE, 1, "a", "a", "range") == (
        joined.error,
        joined.generation,
        joined.member_id,
        joined.leader,
        joined.protocol,
    )
    assert (("a", None, b"topics"),) == joined.members


def test_first_members_gather_for_the_initial_delay() -> None:
    driver = new(initial_delay_us=SECOND)

    first, second = driver.join(new_id="a"), driver.join(new_id="b")
    assert {} == driver.answers
    driver.wait(SECOND)

    assert (1, 1) == (driver.joined(first).generation, driver.joined(second).generation)


def test_only_the_leader_is_told_the_members() -> None:
    driver = new(initial_delay_us=SECOND)
    leader, follower = driver.join(new_id="a"), driver.join(new_id="b")
    driver.wait(SECOND)

    assert ["a", "b"] == [member_id for member_id, _, _ in driver.joined(leader).members]
    assert () == driver.joined(follower).members


def test_new_member_has_to_come_back_with_its_id() -> None:
    driver = new()

    told = driver.joined(driver.join(new_id="a", id_required=True))
    joined = driver.joined(driver.join("a", id_required=True))

    assert (ErrorCode.MEMBER_ID_REQUIRED, "a") == (told.error, told.member_id)
    assert (ErrorCode.NONE, 1, "a") == (joined.error, joined.generation, joined.member_id)


def test_id_that_is_not_used_lapses() -> None:
    driver = new()
    driver.join(new_id="a", id_required=True)
    assert not driver.group.is_idle

    driver.wait(SESSION)

    assert driver.group.is_idle
    assert ErrorCode.UNKNOWN_MEMBER_ID is driver.joined(driver.join("a")).error


def test_id_that_nobody_was_given_is_unknown() -> None:
    driver = stable("a")

    assert ErrorCode.UNKNOWN_MEMBER_ID is driver.joined(driver.join("stranger")).error


@pytest.mark.parametrize(
    ("protocol_type", "protocols"),
    [("", RANGE), ("consumer", ()), ("connect", RANGE), ("consumer", (("other", b""),))],
)
def test_member_that_shares_no_protocol_is_refused(
    protocol_type: str, protocols: tuple[tuple[str, bytes], ...]
) -> None:
    driver = stable("a")

    joined = driver.joined(driver.join(protocol_type=protocol_type, protocols=protocols))

    assert ErrorCode.INCONSISTENT_GROUP_PROTOCOL is joined.error
    assert State.STABLE is driver.group.state


def test_protocol_of_most_members_among_the_shared_is_chosen() -> None:
    driver = new(initial_delay_us=SECOND)
    both = (("sticky", b""), ("range", b""))
    tickets = [driver.join(protocols=protocols) for protocols in (both, tuple(reversed(both)), tuple(reversed(both)))]
    driver.wait(SECOND)

    assert {"range"} == {driver.joined(ticket).protocol for ticket in tickets}


def test_full_group_takes_nobody() -> None:
    driver = new(max_members=1)
    driver.join(new_id="a")

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="b")).error
    assert ErrorCode.REBALANCE_IN_PROGRESS is not driver.beat("a", 1)


def test_group_takes_no_more_metadata_than_its_leader_can_be_told() -> None:
    beside = len("client") + size_of((("range", b""),))
    half = (("range", bytes(MAX_METADATA_BYTES // 2 - beside)),)
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a", protocols=half)
    driver.join(new_id="b", protocols=half)

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="c")).error

    driver.join("b", protocols=RANGE)
    driver.join(new_id="c")
    driver.wait(SECOND)

    assert ["a", "b", "c"] == list(driver.group.members)


def test_second_join_frees_the_first() -> None:
    driver = new(initial_delay_us=SECOND)
    first = driver.join(new_id="a")

    second = driver.join("a")
    driver.wait(SECOND)

    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.joined(first).error
    assert ErrorCode.NONE is driver.joined(second).error


def test_follower_that_asks_needlessly_gets_the_present_generation() -> None:
    driver = stable("a", "b")

    joined = driver.joined(driver.join("b"))

    assert (ErrorCode.NONE, 1, "a", ()) == (joined.error, joined.generation, joined.leader, joined.members)
    assert State.STABLE is driver.group.state


def test_leader_that_joins_again_has_partitions_dealt_anew() -> None:
    driver = stable("a", "b")

    again = driver.join("a")
    assert again not in driver.answers
    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.beat("b", 1)
    driver.join("b")

    assert 2 == driver.joined(again).generation


def test_changed_metadata_has_partitions_dealt_anew() -> None:
    driver = stable("a", "b")

    driver.join("b", protocols=(("range", b"other topics"),))

    assert State.PREPARING is driver.group.state


def test_member_that_missed_its_answer_gets_it_again_before_sync() -> None:
    driver = new()
    driver.join(new_id="a")

    again = driver.joined(driver.join("a"))

    assert (1, "a") == (again.generation, again.leader)
    assert 1 == len(again.members)


# ------------------------------------------------------------------ syncing


def test_followers_wait_for_the_leader() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b")
    driver.wait(SECOND)

    follower = driver.sync("b", 1)
    assert follower not in driver.answers
    leader = driver.sync("a", 1, {"a": b"0", "b": b"1"})

    assert (b"0", b"1") == (driver.synced(leader).assignment, driver.synced(follower).assignment)


def test_generation_is_kept_before_anybody_is_told() -> None:
    driver = stable("a", "b")

    (record,) = driver.records
    assert (1, "range", "a", "consumer") == (record.generation, record.protocol, record.leader, record.protocol_type)
    assert [("a", b"a"), ("b", b"b")] == [(member.member_id, member.assignment) for member in record.members]


def test_member_without_a_part_gets_an_empty_one() -> None:
    driver = new()
    driver.join(new_id="a")

    assert b"" == driver.synced(driver.sync("a", 1, {})).assignment


def test_sync_in_a_stable_group_gives_the_part_again() -> None:
    driver = stable("a")

    assert b"a" == driver.synced(driver.sync("a", 1)).assignment


def test_second_sync_frees_the_first() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b")
    driver.wait(SECOND)
    first = driver.sync("b", 1)

    driver.sync("b", 1)

    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.synced(first).error


@pytest.mark.parametrize(
    ("member_id", "generation", "changes", "error"),
    [
        ("stranger", 1, {}, ErrorCode.UNKNOWN_MEMBER_ID),
        ("a", 0, {}, ErrorCode.ILLEGAL_GENERATION),
        ("a", 1, {"protocol": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ("a", 1, {"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ("a", 1, {"protocol_type": "consumer", "protocol": "range"}, ErrorCode.NONE),
    ],
)
def test_sync_is_checked(member_id: str, generation: int, changes: dict[str, object], error: ErrorCode) -> None:
    driver = stable("a")

    assert error is driver.synced(driver.sync(member_id, generation, **changes)).error


def test_sync_after_another_rebalance_began_is_told_so() -> None:
    driver = stable("a", "b")
    driver.join(new_id="c")

    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.synced(driver.sync("a", 1)).error


def test_rebalance_frees_those_who_wait_for_the_leader() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b")
    driver.wait(SECOND)
    follower = driver.sync("b", 1)

    driver.join(new_id="c")

    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.synced(follower).error


def test_member_that_never_syncs_is_removed() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b")
    driver.wait(SECOND)
    driver.sync("a", 1, {})
    for _ in range(7):
        driver.beat("a", 1)
        driver.beat("b", 1)
        driver.wait(9 * SECOND)

    assert ["a"] == list(driver.group.members)


# ------------------------------------------------------------------ living and leaving


def test_heartbeat_keeps_a_member() -> None:
    driver = stable("a")
    for _ in range(5):
        driver.wait(SESSION - 1)
        assert ErrorCode.NONE is driver.beat("a", 1)


def test_silent_member_is_removed_and_the_others_rebalance() -> None:
    driver = stable("a", "b")
    driver.wait(SESSION // 2)
    driver.beat("a", 1)

    driver.wait(SESSION // 2)

    assert ["a"] == list(driver.group.members)
    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.beat("a", 1)


def test_last_silent_member_leaves_an_empty_group() -> None:
    driver = stable("a")

    driver.wait(SESSION)

    assert State.EMPTY is driver.group.state
    assert (2, ()) == (driver.records[-1].generation, driver.records[-1].members)
    assert driver.deadline_us is None


def test_waiting_member_does_not_expire() -> None:
    driver = stable("a", "b")
    newcomer = driver.join(new_id="c")
    for _ in range(5):
        driver.wait(SESSION - 1)
        driver.beat("a", 1)
        driver.beat("b", 1)

    assert newcomer not in driver.answers
    assert "c" in driver.group.members


def test_member_that_is_freed_from_waiting_has_a_whole_session_to_join_again() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="leader")
    driver.join(new_id="follower")
    driver.wait(SECOND)
    waiting = driver.sync("follower", 1)

    driver.wait(SESSION)  # the leader was silent all the while, and is out

    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.synced(waiting).error
    assert ["follower"] == list(driver.group.members)
    driver.wait(SESSION - 1)
    assert ["follower"] == list(driver.group.members)


def test_who_does_not_join_in_time_is_left_out() -> None:
    driver = stable("a", "b")
    newcomer = driver.join(new_id="c")
    for _ in range(7):
        driver.wait(SESSION - 1)
        driver.beat("a", 1)
        driver.beat("b", 1)

    assert (2, "c") == (driver.joined(newcomer).generation, driver.joined(newcomer).leader)
    assert ["c"] == list(driver.group.members)


def test_member_that_leaves_is_not_waited_for() -> None:
    driver = stable("a", "b")

    assert (ErrorCode.NONE,) == driver.leave(("b", None))
    again = driver.join("a")

    assert 2 == driver.joined(again).generation
    assert [("a", None, b"topics")] == list(driver.joined(again).members)


def test_member_that_leaves_gets_an_answer_to_what_it_waits_for() -> None:
    driver = stable("a", "b")
    waiting = driver.join("a")

    driver.leave(("a", None))

    assert ErrorCode.UNKNOWN_MEMBER_ID is driver.joined(waiting).error


def test_leaver_that_was_only_expected_is_forgotten() -> None:
    driver = new()
    driver.join(new_id="a", id_required=True)

    assert (ErrorCode.NONE,) == driver.leave(("a", None))
    assert driver.group.is_idle
    assert State.EMPTY is driver.group.state


def test_each_leaver_gets_its_own_answer() -> None:
    driver = stable("a", "b")

    assert (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NONE) == driver.leave(("stranger", None), ("b", None))


@pytest.mark.parametrize(
    ("member_id", "generation", "error"),
    [
        ("a", 1, ErrorCode.NONE),
        ("a", 0, ErrorCode.ILLEGAL_GENERATION),
        ("stranger", 1, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_heartbeat_is_checked(member_id: str, generation: int, error: ErrorCode) -> None:
    assert error is stable("a").beat(member_id, generation)


# ------------------------------------------------------------------ static members


def static(**changes: object) -> Driver:
    """A stable group of one static member, `a`."""
    return stable("a", instance_id="static", **changes)


def test_static_member_that_is_back_takes_up_its_part() -> None:
    driver = static()

    joined = driver.joined(driver.join(new_id="a2", instance_id="static"))

    assert (ErrorCode.NONE, 1, "a2") == (joined.error, joined.generation, joined.member_id)
    assert State.STABLE is driver.group.state
    assert b"a" == driver.synced(driver.sync("a2", 1, instance_id="static")).assignment
    assert ["a2"] == [member.member_id for member in driver.records[-1].members]


def test_former_self_of_a_static_member_is_fenced() -> None:
    driver = static()
    driver.join(new_id="a2", instance_id="static")

    assert ErrorCode.FENCED_INSTANCE_ID is driver.beat("a", 1, "static")
    assert ErrorCode.FENCED_INSTANCE_ID is driver.joined(driver.join("a", instance_id="static")).error
    assert (ErrorCode.FENCED_INSTANCE_ID,) == driver.leave(("a", "static"))


def test_static_leader_that_is_back_does_not_deal() -> None:
    driver = static()

    old = driver.joined(driver.join(new_id="a2", instance_id="static"))
    newer = driver.joined(driver.join(new_id="a3", instance_id="static", skips_assignment=True))

    assert ("a", ()) == (old.leader, old.members)
    assert ("a3", True, 1) == (newer.leader, newer.skip_assignment, len(newer.members))


def test_static_follower_that_is_back_stays_a_follower() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b", instance_id="static")
    driver.wait(SECOND)
    driver.sync("b", 1, instance_id="static")
    driver.sync("a", 1, {"a": b"0", "b": b"1"})

    joined = driver.joined(driver.join(new_id="b2", instance_id="static", skips_assignment=True))

    assert ("a", False, ()) == (joined.leader, joined.skip_assignment, joined.members)


def test_static_member_that_is_back_with_another_protocol_rebalances() -> None:
    driver = static(protocols=(("range", b""), ("sticky", b"")))

    ticket = driver.join(new_id="a2", instance_id="static", protocols=(("sticky", b""),))

    assert (2, "sticky") == (driver.joined(ticket).generation, driver.joined(ticket).protocol)


def test_static_member_that_comes_back_during_a_rebalance_frees_its_former_self() -> None:
    driver = new(initial_delay_us=SECOND)
    former = driver.join(new_id="a", instance_id="static")

    again = driver.join(new_id="a2", instance_id="static")
    driver.wait(SECOND)

    assert ErrorCode.FENCED_INSTANCE_ID is driver.joined(former).error
    assert "a2" == driver.joined(again).member_id


def test_static_member_is_kept_through_a_rebalance_that_it_misses() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b", instance_id="static", session_timeout_us=10 * REBALANCE)
    driver.wait(SECOND)
    driver.sync("b", 1, instance_id="static")
    driver.sync("a", 1, {})

    again = driver.join("a", session_timeout_us=10 * REBALANCE, protocols=(("range", b"changed"),))
    driver.wait(REBALANCE)

    assert ["a", "b"] == [member_id for member_id, _, _ in driver.joined(again).members]


def test_rebalance_in_which_only_static_members_are_left_waits_for_one_of_them() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.join(new_id="b", instance_id="static", session_timeout_us=10 * REBALANCE)
    driver.wait(SECOND)
    driver.sync("b", 1, instance_id="static")
    driver.sync("a", 1, {})
    driver.leave(("a", None))

    driver.wait(3 * REBALANCE)
    assert State.PREPARING is driver.group.state
    ticket = driver.join(new_id="b2", instance_id="static")

    assert 2 == driver.joined(ticket).generation


def test_rebalance_of_static_members_that_allow_no_time_looks_again_after_a_while() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="static", instance_id="static", rebalance_timeout_us=0)
    driver.join(new_id="dynamic")
    driver.wait(SECOND)
    driver.sync("dynamic", 1)
    driver.sync("static", 1, instance_id="static")
    driver.leave(("dynamic", None))

    assert driver.deadline_us == driver.now_us + SECOND
    driver.wait(SESSION)

    assert State.EMPTY is driver.group.state


def test_operator_removes_a_static_member_by_its_instance_id() -> None:
    driver = static()

    assert (ErrorCode.NONE,) == driver.leave(("", "static"))
    assert (ErrorCode.UNKNOWN_MEMBER_ID,) == driver.leave(("", "static"))
    assert State.EMPTY is driver.group.state


def test_static_member_needs_no_second_round_for_its_id() -> None:
    driver = new()

    joined = driver.joined(driver.join(new_id="a", instance_id="static", id_required=True))

    assert ErrorCode.NONE is joined.error


# ------------------------------------------------------------------ offsets, restarts


def test_consumer_without_a_group_commits_while_nobody_is_in_it() -> None:
    assert ErrorCode.NONE is new().group.check_commit("", None, -1, 0)
    assert ErrorCode.UNKNOWN_MEMBER_ID is stable("a").group.check_commit("", None, -1, 0)


def test_members_commit_except_between_join_and_sync() -> None:
    driver = new()
    driver.join(new_id="a")
    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.group.check_commit("a", None, 1, 0)

    driver.sync("a", 1, {})

    assert ErrorCode.NONE is driver.group.check_commit("a", None, 1, 0)
    assert ErrorCode.ILLEGAL_GENERATION is driver.group.check_commit("a", None, 2, 0)
    assert ErrorCode.UNKNOWN_MEMBER_ID is driver.group.check_commit("b", None, 1, 0)


def test_commit_is_a_sign_of_life() -> None:
    driver = stable("a")
    driver.wait(SESSION - 1)

    driver.group.check_commit("a", None, 1, driver.now_us)
    driver.wait(2)

    assert ["a"] == list(driver.group.members)


def test_group_that_is_read_back_goes_on_where_it_was() -> None:
    before = stable("a", "b")

    after = Driver(Group("group"), now_us=100 * SECOND)
    after.group.apply(before.records[-1], after.now_us)

    assert ErrorCode.NONE is after.beat("b", 1)
    assert b"b" == after.synced(after.sync("b", 1)).assignment
    assert 100 * SECOND + SESSION == after.group.deadline_us
    assert [("a", b"a"), ("b", b"b")] == [(m.member_id, m.assignment) for m in after.group.members.values()]


def test_empty_group_is_read_back_empty() -> None:
    before = stable("a")
    before.leave(("a", None))

    after = Group("group")
    after.apply(before.records[-1], 0)

    assert (State.EMPTY, 2, None) == (after.state, after.generation, after.deadline_us)


def test_generations_go_on_after_everybody_left() -> None:
    driver = stable("a")
    driver.leave(("a", None))

    ticket = driver.join(new_id="b")
    driver.wait(SECOND)

    assert 3 == driver.joined(ticket).generation


def test_leader_assigns_no_more_than_a_group_may_hold() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.wait(SECOND)
    room = MAX_METADATA_BYTES - len("client") - size_of(RANGE)

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.synced(driver.sync("a", 1, {"a": bytes(room + 1)})).error
    assert State.COMPLETING is driver.group.state
    assert ErrorCode.NONE is driver.synced(driver.sync("a", 1, {"a": bytes(room)})).error
    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="b")).error
