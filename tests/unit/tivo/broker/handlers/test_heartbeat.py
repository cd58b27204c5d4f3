"""Heartbeat."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.group_member import GroupMember
from tivo.wire.error_codes import ErrorCode


@pytest.mark.parametrize("version", range(5))
def test_member_lives_as_long_as_it_says_so(bench: BrokerBench, version: int) -> None:
    member = GroupMember(bench)
    member.settle()
    for _ in range(3):
        bench.runtime.forward(9_000_000)
        assert 0 == member.beat(version)

    bench.runtime.forward(10_000_000)

    assert ErrorCode.UNKNOWN_MEMBER_ID == member.beat(version)


def test_what_is_wrong_is_refused(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()

    assert ErrorCode.INVALID_GROUP_ID == GroupMember(bench, group_id="").beat()
    assert ErrorCode.UNKNOWN_MEMBER_ID == GroupMember(bench, group_id="nobody", member_id="x").beat()
    assert ErrorCode.ILLEGAL_GENERATION == GroupMember(bench, member_id=member.member_id, generation=7).beat()


def test_group_that_nobody_joined_is_not_kept(bench: BrokerBench) -> None:
    GroupMember(bench, group_id="nobody", member_id="x").beat()

    assert [] == bench.broker.coordinator.group_ids()
