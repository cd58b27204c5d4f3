"""SyncGroup."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.support.group_member import GroupMember
from tivo.wire.error_codes import ErrorCode


@pytest.fixture
def joined(bench: BrokerBench) -> GroupMember:
    member = GroupMember(bench)
    joining = member.join(0)
    bench.runtime.forward(1_000_000)
    member.take(joining.response)
    return member


@pytest.mark.parametrize("version", range(6))
def test_leader_gets_its_part(joined: GroupMember, version: int) -> None:
    synced = joined.sync({joined.member_id: b"everything"}, version)
    joined.bench.runtime.work()

    assert (0, b"everything") == (synced.response.error_code, synced.response.assignment)


def test_nobody_is_told_before_the_generation_is_safe(joined: GroupMember) -> None:
    synced = joined.sync({joined.member_id: b"everything"})

    assert None is synced.response
    joined.bench.runtime.work()

    assert b"everything" == synced.response.assignment


def test_generation_that_cannot_be_kept_is_not_told(joined: GroupMember) -> None:
    joined.bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    synced = joined.sync({joined.member_id: b"everything"})
    joined.bench.runtime.work()

    assert (ErrorCode.COORDINATOR_NOT_AVAILABLE, b"") == (synced.response.error_code, synced.response.assignment)


def test_generation_that_cannot_be_synced_is_not_told(joined: GroupMember) -> None:
    joined.bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5))

    synced = joined.sync({joined.member_id: b"everything"})
    joined.bench.runtime.work()

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == synced.response.error_code
    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == joined.beat()
    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == joined.leave()


def test_what_is_wrong_is_refused(bench: BrokerBench) -> None:
    assert ErrorCode.INVALID_GROUP_ID == GroupMember(bench, group_id="").sync().response.error_code
    assert ErrorCode.UNKNOWN_MEMBER_ID == GroupMember(bench, member_id="stranger").sync().response.error_code
