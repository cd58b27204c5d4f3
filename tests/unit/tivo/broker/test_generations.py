"""The generations of a consumer group: what comes of joins, of departures and of time."""

from tests.support.group_driver import REBALANCE, SECOND, SESSION, Driver, new, stable
from tivo.broker.generations import State
from tivo.broker.groups import Group
from tivo.wire.error_codes import ErrorCode


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


def test_protocol_of_most_members_among_the_shared_is_chosen() -> None:
    driver = new(initial_delay_us=SECOND)
    both = (("sticky", b""), ("range", b""))
    tickets = [driver.join(protocols=protocols) for protocols in (both, tuple(reversed(both)), tuple(reversed(both)))]
    driver.wait(SECOND)

    assert {"range"} == {driver.joined(ticket).protocol for ticket in tickets}


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


def test_second_join_frees_the_first() -> None:
    driver = new(initial_delay_us=SECOND)
    first = driver.join(new_id="a")

    second = driver.join("a")
    driver.wait(SECOND)

    assert ErrorCode.REBALANCE_IN_PROGRESS is driver.joined(first).error
    assert ErrorCode.NONE is driver.joined(second).error


def test_nothing_comes_of_time_in_a_group_that_waits_for_nothing() -> None:
    driver = stable("a")

    outcome = driver.group.tick(driver.now_us + 1)

    assert ((), (), driver.deadline_us) == (outcome.replies, outcome.records, outcome.deadline_us)
    assert State.STABLE is driver.group.state
