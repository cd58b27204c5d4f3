"""OffsetDelete."""

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.support.group_member import GroupMember
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, kept, request
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)


def deleted(bench: BrokerBench, group_id: str = "g") -> OffsetDeleteResponse:
    topics = [OffsetDeleteRequestTopic(name="t", partitions=[OffsetDeleteRequestPartition(partition_index=0)])]
    response = bench.ask(OffsetDeleteRequest(group_id=group_id, topics=topics))
    assert isinstance(response, OffsetDeleteResponse)
    return response


def test_offset_is_forgotten(bench: BrokerBench) -> None:
    committed(bench, request())

    response = deleted(bench)

    assert (0, 0) == (response.error_code, response.topics[0].partitions[0].error_code)
    assert None is kept(bench)


def test_more_places_than_a_broker_may_have_are_refused(bench: BrokerBench) -> None:
    committed(bench, request())
    places = [OffsetDeleteRequestPartition(partition_index=at) for at in range(1_001)]
    topics = [OffsetDeleteRequestTopic(name="t", partitions=places)]

    assert ErrorCode.POLICY_VIOLATION == bench.ask(OffsetDeleteRequest(group_id="g", topics=topics)).error_code
    assert kept(bench) is not None


def test_group_that_is_not_known(bench: BrokerBench) -> None:
    assert ErrorCode.GROUP_ID_NOT_FOUND == deleted(bench).error_code


def test_group_with_members_keeps_its_offsets(bench: BrokerBench) -> None:
    GroupMember(bench).settle()

    assert ErrorCode.NON_EMPTY_GROUP == deleted(bench).error_code


def test_disk_that_takes_nothing_is_told(bench: BrokerBench) -> None:
    committed(bench, request())
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == deleted(bench).error_code
    assert kept(bench) is not None
