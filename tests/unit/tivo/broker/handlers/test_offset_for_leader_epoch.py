"""OffsetForLeaderEpoch."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)


def end_of(bench: BrokerBench, epoch: int, *, topic: str = "t", version: int = 4, **place: int) -> EpochEndOffset:
    partitions = [OffsetForLeaderPartition(leader_epoch=epoch, **place)]
    request = OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic=topic, partitions=partitions)])
    answer = bench.ask(request, version).topics[0].partitions[0]
    assert isinstance(answer, EpochEndOffset)
    return answer


@pytest.mark.parametrize("version", [2, 3, 4])
def test_present_epoch_ends_at_the_high_watermark(bench: BrokerBench, version: int) -> None:
    bench.produce("t", b"a", b"b")
    epoch = bench.leader("t").log.leader_epoch

    answer = end_of(bench, epoch, version=version)

    assert (0, epoch, 2) == (answer.error_code, answer.leader_epoch, answer.end_offset)


def test_former_epoch_ends_where_the_crash_was(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    before.produce("t", b"a")
    former = before.leader("t").log.leader_epoch

    after = open_broker(tmp_path / "data")
    after.produce("t", b"b")

    assert former < after.leader("t").log.leader_epoch
    assert (former, 1) == (end_of(after, former).leader_epoch, end_of(after, former).end_offset)
    assert ErrorCode.FENCED_LEADER_EPOCH == end_of(after, former, current_leader_epoch=former).error_code
    after.close()


def test_epoch_that_has_not_been(bench: BrokerBench) -> None:
    assert (-1, -1) == (end_of(bench, 99).leader_epoch, end_of(bench, 99).end_offset)


@pytest.mark.parametrize(
    ("topic", "place", "error"),
    [
        ("nowhere", {}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("t", {"partition": 9}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("t", {"current_leader_epoch": 99}, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ],
)
def test_place_that_is_wrong_is_refused(
    bench: BrokerBench, topic: str, place: dict[str, int], error: ErrorCode
) -> None:
    assert error == end_of(bench, 0, topic=topic, **place).error_code
