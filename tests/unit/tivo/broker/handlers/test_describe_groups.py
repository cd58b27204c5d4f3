"""DescribeGroups and ListGroups."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.group_member import GroupMember
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, request
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_groups import DescribedGroup, DescribeGroupsRequest


def described(bench: BrokerBench, group_id: str, version: int = 5) -> DescribedGroup:
    (group,) = bench.ask(DescribeGroupsRequest(groups=[group_id]), version).groups
    assert isinstance(group, DescribedGroup)
    return group


@pytest.mark.parametrize("version", range(6))
def test_stable_group_with_its_parts(bench: BrokerBench, version: int) -> None:
    member = GroupMember(bench)
    member.settle()

    group = described(bench, "g", version)

    assert (0, "Stable", "consumer", "range") == (
        group.error_code,
        group.group_state,
        group.protocol_type,
        group.protocol_data,
    )
    assert [(member.member_id, "test", "/127.0.0.1", b"topics", b"everything")] == [
        (each.member_id, each.client_id, each.client_host, each.member_metadata, each.member_assignment)
        for each in group.members
    ]


def test_parts_are_not_told_while_they_are_dealt(bench: BrokerBench) -> None:
    GroupMember(bench).settle()
    GroupMember(bench).join(0)

    group = described(bench, "g")

    assert ("PreparingRebalance", "") == (group.group_state, group.protocol_data)
    assert {(b"", b"")} == {(each.member_metadata, each.member_assignment) for each in group.members}


def test_group_with_nothing_but_offsets_is_empty(bench: BrokerBench) -> None:
    committed(bench, request())

    assert ("Empty", []) == (described(bench, "g").group_state, described(bench, "g").members)


def test_group_that_is_not_known_is_dead(bench: BrokerBench) -> None:
    assert (0, "Dead") == (described(bench, "nobody").error_code, described(bench, "nobody").group_state)


def test_group_without_a_name_is_refused(bench: BrokerBench) -> None:
    assert ErrorCode.INVALID_GROUP_ID == described(bench, "").error_code


def test_group_that_is_named_twice_is_told_once(bench: BrokerBench) -> None:
    groups = bench.ask(DescribeGroupsRequest(groups=["g", "h", "g"])).groups

    assert ["g", "h"] == [group.group_id for group in groups]


@pytest.mark.parametrize(("count", "error"), [(1_000, 0), (1_001, ErrorCode.POLICY_VIOLATION)])
def test_more_than_a_thousand_groups_are_refused(bench: BrokerBench, count: int, error: int) -> None:
    groups = bench.ask(DescribeGroupsRequest(groups=[f"g{number}" for number in range(count)])).groups

    assert count == len(groups)
    assert {error} == {group.error_code for group in groups}
