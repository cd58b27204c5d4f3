"""The consumer group machine, by itself: requests, time and answers as plain values."""

import pytest

from tests.support.group_driver import RANGE, SECOND, SESSION, Driver, new, stable
from tivo.broker.generations import State
from tivo.broker.groups import ID_BYTES, MAX_METADATA_BYTES
from tivo.broker.members import MEMBER_BYTES, size_of
from tivo.wire.error_codes import ErrorCode

# ------------------------------------------------------------------ joining


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


def test_full_group_takes_nobody() -> None:
    driver = new(max_members=1)
    driver.join(new_id="a")

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="b")).error
    assert ErrorCode.REBALANCE_IN_PROGRESS is not driver.beat("a", 1)


def test_group_takes_no_more_metadata_than_its_leader_can_be_told() -> None:
    beside = MEMBER_BYTES + len("client") + size_of((("range", b""),))
    half = (("range", bytes((MAX_METADATA_BYTES - len("group")) // 2 - beside)),)
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a", protocols=half)
    driver.join(new_id="b", protocols=half)

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="c")).error

    driver.join("b", protocols=RANGE)
    driver.join(new_id="c")
    driver.wait(SECOND)

    assert ["a", "b", "c"] == list(driver.group.members)


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


# ------------------------------------------------------------------ living and leaving


def test_heartbeat_keeps_a_member() -> None:
    driver = stable("a")
    for _ in range(5):
        driver.wait(SESSION - 1)
        assert ErrorCode.NONE is driver.beat("a", 1)


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


def test_operator_removes_a_static_member_by_its_instance_id() -> None:
    driver = static()

    assert (ErrorCode.NONE,) == driver.leave(("", "static"))
    assert (ErrorCode.UNKNOWN_MEMBER_ID,) == driver.leave(("", "static"))
    assert State.EMPTY is driver.group.state


def test_static_member_needs_no_second_round_for_its_id() -> None:
    driver = new()

    joined = driver.joined(driver.join(new_id="a", instance_id="static", id_required=True))

    assert ErrorCode.NONE is joined.error


# ------------------------------------------------------------------ offsets


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


def test_leader_assigns_no_more_than_a_group_may_hold() -> None:
    driver = new(initial_delay_us=SECOND)
    driver.join(new_id="a")
    driver.wait(SECOND)
    room = MAX_METADATA_BYTES - len("group") - MEMBER_BYTES - len("client") - size_of(RANGE)

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.synced(driver.sync("a", 1, {"a": bytes(room + 1)})).error
    assert State.COMPLETING is driver.group.state
    assert ErrorCode.NONE is driver.synced(driver.sync("a", 1, {"a": bytes(room)})).error
    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="b")).error


def test_group_takes_no_more_than_there_is_room_for() -> None:
    driver = stable("a")
    driver.group.max_bytes = driver.group.held_bytes

    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="b")).error
    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.joined(driver.join(new_id="b", id_required=True)).error
    assert ErrorCode.NONE is driver.joined(driver.join("a")).error
    assert ErrorCode.GROUP_MAX_SIZE_REACHED is driver.synced(driver.sync("a", 2, {"a": bytes(100)})).error
    assert ErrorCode.NONE is driver.synced(driver.sync("a", 2, {"a": b"a"})).error


def test_ids_that_were_handed_out_take_room() -> None:
    driver = new()
    assert 0 == driver.group.held_bytes
    driver.join(id_required=True)

    assert len("group") + ID_BYTES == driver.group.held_bytes
    driver.wait(SESSION)
    assert 0 == driver.group.held_bytes
