"""LeaveGroup."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.group_member import GroupMember
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity


@pytest.mark.parametrize("version", range(3))
def test_one_member_leaves(bench: BrokerBench, version: int) -> None:
    member = GroupMember(bench)
    member.settle()
    request = LeaveGroupRequest(group_id="g", member_id=member.member_id)

    assert 0 == bench.ask(request, version).error_code
    assert ErrorCode.UNKNOWN_MEMBER_ID == bench.ask(request, version).error_code


@pytest.mark.parametrize("version", range(3, 6))
def test_several_leave_each_with_its_own_answer(bench: BrokerBench, version: int) -> None:
    member = GroupMember(bench)
    member.settle()
    leavers = [MemberIdentity(member_id="stranger"), MemberIdentity(member_id=member.member_id)]

    response = bench.ask(LeaveGroupRequest(group_id="g", members=leavers), version)

    assert 0 == response.error_code
    assert [("stranger", ErrorCode.UNKNOWN_MEMBER_ID), (member.member_id, 0)] == [
        (each.member_id, each.error_code) for each in response.members
    ]


def test_more_than_a_thousand_at_once_are_refused(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()
    strangers = [MemberIdentity(member_id=str(number)) for number in range(1_000)]
    leavers = [MemberIdentity(member_id=member.member_id), *strangers]

    response = bench.ask(LeaveGroupRequest(group_id="g", members=leavers))
    assert (ErrorCode.POLICY_VIOLATION, []) == (response.error_code, response.members)
    assert 0 == member.beat()

    assert 0 == bench.ask(LeaveGroupRequest(group_id="g", members=leavers[:1_000])).members[0].error_code


def test_group_without_a_name_is_refused(bench: BrokerBench) -> None:
    assert ErrorCode.INVALID_GROUP_ID == bench.ask(LeaveGroupRequest()).error_code
