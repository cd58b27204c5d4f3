"""DeleteGroups."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.support.group_member import GroupMember
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, kept, request
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_groups import DeleteGroupsRequest


def deleted(bench: BrokerBench, *group_ids: str, version: int = 2) -> list[int]:
    return [each.error_code for each in bench.ask(DeleteGroupsRequest(groups_names=list(group_ids)), version).results]


@pytest.mark.parametrize("version", range(3))
def test_group_goes_with_its_offsets(bench: BrokerBench, version: int) -> None:
    committed(bench, request())

    assert [0, ErrorCode.GROUP_ID_NOT_FOUND] == deleted(bench, "g", "g", version=version)[:1] + deleted(bench, "g")
    assert None is kept(bench)


def test_group_with_members_stays(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()

    assert [ErrorCode.NON_EMPTY_GROUP] == deleted(bench, "g")
    member.leave()
    assert [0] == deleted(bench, "g")


def test_more_than_a_thousand_groups_are_refused(bench: BrokerBench) -> None:
    committed(bench, request())

    assert {ErrorCode.POLICY_VIOLATION} == set(deleted(bench, "g", *map(str, range(1_000))))
    assert kept(bench) is not None
    assert [0] + [ErrorCode.GROUP_ID_NOT_FOUND] * 999 == deleted(bench, "g", *map(str, range(999)))


def test_disk_that_takes_nothing_is_told(bench: BrokerBench) -> None:
    committed(bench, request())
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    assert [ErrorCode.COORDINATOR_NOT_AVAILABLE] == deleted(bench, "g")
    assert kept(bench) is not None


def test_deleted_group_stays_deleted_after_a_kill(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    member = GroupMember(before)
    member.settle()
    member.leave()
    committed(before, request())
    deleted(before, "g")

    after = open_broker(tmp_path / "data")

    assert [] == after.broker.coordinator.group_ids()
    after.close()
