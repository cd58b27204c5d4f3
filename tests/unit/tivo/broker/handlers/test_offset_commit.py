"""OffsetCommit, and OffsetFetch of what was committed."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.support.group_member import GroupMember
from tivo.broker.offsets import Committed
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)


def request(
    offset: int = 5, *, topic: str = "t", metadata: str | None = "verbatim", **fields: object
) -> OffsetCommitRequest:
    place = OffsetCommitRequestPartition(
        partition_index=0, committed_offset=offset, committed_leader_epoch=3, committed_metadata=metadata
    )
    return OffsetCommitRequest(
        **{"group_id": "g", **fields}, topics=[OffsetCommitRequestTopic(name=topic, partitions=[place])]
    )


def committed(bench: BrokerBench, given: OffsetCommitRequest, version: int | None = None) -> int:
    return int(bench.ask(given, version).topics[0].partitions[0].error_code)


def kept(bench: BrokerBench) -> Committed | None:
    return bench.broker.coordinator.offsets.of("g", "t", 0)


@pytest.mark.parametrize("version", range(2, 10))
def test_consumer_without_a_group_commits(bench: BrokerBench, version: int) -> None:
    assert 0 == committed(bench, request(), version)

    found = kept(bench)
    assert found is not None
    assert (5, 3 if version >= 6 else -1, "verbatim") == (found.offset, found.leader_epoch, found.metadata)


def test_member_commits_in_its_generation(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()
    mine = {"member_id": member.member_id, "generation_id_or_member_epoch": member.generation}

    assert 0 == committed(bench, request(**mine))
    assert ErrorCode.ILLEGAL_GENERATION == committed(bench, request(**{**mine, "generation_id_or_member_epoch": 9}))
    assert ErrorCode.UNKNOWN_MEMBER_ID == committed(bench, request())


def test_commit_counts_once_it_is_safe(bench: BrokerBench) -> None:
    sent = bench.send(request())

    assert (None, None) == (sent.response, kept(bench))
    bench.runtime.work()

    assert 0 == sent.response.topics[0].partitions[0].error_code
    assert kept(bench) is not None


@pytest.mark.parametrize("version", [8, 9])
def test_group_id_that_the_journal_cannot_keep_is_refused(bench: BrokerBench, version: int) -> None:
    assert ErrorCode.INVALID_GROUP_ID == committed(bench, request(group_id="g" * 32_768), version)
    assert 0 == committed(bench, request(group_id="g" * 32_767), version)


@pytest.mark.parametrize(
    ("count", "errors"),
    [(1_000, {0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}), (1_001, {ErrorCode.POLICY_VIOLATION})],
)
def test_more_places_than_a_broker_may_have_are_refused(bench: BrokerBench, count: int, errors: set[int]) -> None:
    places = [OffsetCommitRequestPartition(partition_index=at) for at in range(count)]
    topics = [OffsetCommitRequestTopic(name="t", partitions=places)]

    (told,) = bench.ask(OffsetCommitRequest(group_id="g", topics=topics)).topics

    assert errors == {place.error_code for place in told.partitions}


def test_as_many_places_as_a_broker_may_have_are_taken(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data", max_partitions=5_000)

    assert 5_000 == bench.broker.limits.max_places_per_request
    bench.close()


def test_going_back_is_fine(bench: BrokerBench) -> None:
    committed(bench, request(9))
    committed(bench, request(2))

    assert 2 == (kept(bench) or Committed(0, 0, "", 0)).offset


@pytest.mark.parametrize("offset", [-1, -2])
def test_start_and_end_are_kept_as_they_are_named(bench: BrokerBench, offset: int) -> None:
    assert 0 == committed(bench, request(offset))
    assert offset == (kept(bench) or Committed(0, 0, "", 0)).offset


def test_null_metadata_is_kept_empty(bench: BrokerBench) -> None:
    assert 0 == committed(bench, request(metadata=None))
    assert "" == (kept(bench) or Committed(0, 0, "?", 0)).metadata


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (request(group_id=""), ErrorCode.INVALID_GROUP_ID),
        (request(topic="nowhere"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (request(metadata="x" * 4_097), ErrorCode.OFFSET_METADATA_TOO_LARGE),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, given: OffsetCommitRequest, error: ErrorCode) -> None:
    assert error == committed(bench, given)
    assert None is kept(bench)


def test_good_places_are_kept_beside_a_wrong_one(bench: BrokerBench) -> None:
    given = request()
    given.topics.append(request(topic="nowhere").topics[0])

    answers = [topic.partitions[0].error_code for topic in bench.ask(given).topics]

    assert [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] == answers
    assert kept(bench) is not None


def test_disk_that_takes_nothing_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == committed(bench, request())
    assert None is kept(bench)


def test_offsets_survive_a_kill(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    committed(before, request())

    after = open_broker(tmp_path / "data")

    assert kept(before) == kept(after)
    after.close()
