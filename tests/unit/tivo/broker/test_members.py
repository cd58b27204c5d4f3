"""Members of a group one by one; what a group makes of them is in test_groups.py."""

from typing import Any

from tivo.broker.members import (
    MEMBER_BYTES,
    PROTOCOL_BYTES,
    SHORTEST_REBALANCE_US,
    Member,
    Members,
    brought_by,
    shared_protocols,
    size_of,
)
from tivo.broker.membership import Join, MemberRecord
from tivo.wire.error_codes import ErrorCode


def join(**given: Any) -> Join:
    return Join(
        **{
            "ticket": 1,
            "member_id": "",
            "new_member_id": "a",
            "instance_id": None,
            "client_id": "client",
            "client_host": "/127.0.0.1",
            "session_timeout_us": 10,
            "rebalance_timeout_us": 60,
            "protocol_type": "consumer",
            "protocols": (("range", b"meta"),),
            "id_required": False,
            "skips_assignment": False,
            **given,
        }
    )


def member(member_id: str = "a", *, now_us: int = 0, **given: Any) -> Member:
    return Member.of_join(join(**given), member_id, now_us)


def members(*each: Member) -> Members:
    return Members((one.member_id, one) for one in each)


def test_protocols_have_a_size() -> None:
    assert 0 == size_of(())
    assert 2 * PROTOCOL_BYTES + 11 + 7 == size_of((("range", b"meta"), ("sticky", b"dat")))


def test_names_of_a_consumer_count_too() -> None:
    told = join(instance_id="one", client_id="client", protocols=(("range", b"meta"),))

    assert len("one" + "client" + "range" + "meta") + MEMBER_BYTES + PROTOCOL_BYTES == brought_by(told)


def test_a_joined_member_has_a_session_from_now_on() -> None:
    joined = member(now_us=100)

    assert not joined.is_expired(109)
    assert joined.is_expired(110)


def test_a_member_that_is_heard_of_has_a_session_again() -> None:
    joined = member()

    joined.seen(100)

    assert not joined.is_expired(109)


def test_a_member_holds_its_metadata_and_its_assignment() -> None:
    one = member()
    one.assignment = b"mine"

    assert brought_by(one) + len(b"mine") == one.held_bytes


def test_a_parked_member_does_not_expire() -> None:
    waiting, syncing = member(), member()
    waiting.parked_join, syncing.parked_sync = 7, 8

    assert (True, True, False) == (waiting.is_parked, syncing.is_parked, member().is_parked)
    assert not waiting.is_expired(1_000)
    assert not syncing.is_expired(1_000)


def test_a_member_is_kept_with_the_metadata_of_the_protocol() -> None:
    joined = member(instance_id="i", protocols=(("range", b"r"), ("sticky", b"s")))
    joined.assignment = b"part"

    assert joined.record("sticky") == MemberRecord(
        member_id="a",
        instance_id="i",
        client_id="client",
        client_host="/127.0.0.1",
        rebalance_timeout_us=60,
        session_timeout_us=10,
        metadata=b"s",
        assignment=b"part",
    )


def test_a_member_read_back_has_a_whole_session_to_show_itself() -> None:
    joined = member(instance_id="i")

    again = Member.of_record(joined.record("range"), "range", now_us=100)

    assert joined.record("range") == again.record("range")
    assert not again.is_expired(109)
    assert again.has_synced


def test_a_static_member_is_found_by_its_instance() -> None:
    static, other = member("a", instance_id="i"), member("b")
    group = members(static, other)

    assert static is group.instance("i")
    assert group.instance("j") is None
    assert group.instance(None) is None


def test_a_request_speaks_for_a_member_by_id_and_instance() -> None:
    group = members(member("a", instance_id="i"), member("b"))

    assert [
        ErrorCode.NONE,
        ErrorCode.NONE,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.FENCED_INSTANCE_ID,
    ] == [
        group.identify("a", "i"),
        group.identify("b", None),
        group.identify("c", None),
        group.identify("a", "j"),
        group.identify("former", "i"),
    ]


def test_a_static_member_takes_the_place_of_its_former_self() -> None:
    former = member("b", instance_id="i")
    group = members(member("a"), former, member("c"))

    group.replace(former, member("d", instance_id="i"))

    assert ["a", "d", "c"] == list(group)


def test_others_are_neither_the_member_nor_its_former_self() -> None:
    group = members(member("a"), member("b", instance_id="i"), member("c"))

    assert ["a", "c"] == [each.member_id for each in group.besides(join(member_id="", instance_id="i"))]
    assert ["b", "c"] == [each.member_id for each in group.besides(join(member_id="a"))]


def test_the_vote_goes_to_what_most_prefer_of_what_all_follow() -> None:
    group = members(
        member("a", protocols=(("range", b""), ("sticky", b""), ("robin", b""))),
        member("b", protocols=(("mine", b""), ("sticky", b""), ("range", b""))),
        member("c", protocols=(("sticky", b""), ("range", b""))),
    )

    assert {"range", "sticky"} == shared_protocols(group.values())
    assert "sticky" == group.vote()


def test_all_have_joined_when_each_waits_for_its_answer() -> None:
    first, second = member("a"), member("b")
    group = members(first, second)

    first.parked_join = 1
    assert not group.have_all_joined
    second.parked_join = 2

    assert group.have_all_joined


def test_a_group_waits_as_long_as_its_most_patient_member() -> None:
    patient = member("b", rebalance_timeout_us=9 * SHORTEST_REBALANCE_US)

    assert patient.rebalance_timeout_us == members(member("a"), patient).longest_rebalance_us


def test_a_group_waits_a_second_at_least() -> None:
    assert 1_000_000 == members(member("a", rebalance_timeout_us=0)).longest_rebalance_us
    assert 1_000_000 == Members().longest_rebalance_us
