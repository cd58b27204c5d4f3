"""DeleteRecords."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.unit.tivo.broker.handlers.test_fetch import produce_one
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)


def before(offset: int, *, topic: str = "t", partition: int = 0) -> DeleteRecordsRequest:
    place = DeleteRecordsPartition(partition_index=partition, offset=offset)
    return DeleteRecordsRequest(topics=[DeleteRecordsTopic(name=topic, partitions=[place])])


def deleted(bench: BrokerBench, request: DeleteRecordsRequest, version: int = 2) -> tuple[int, int]:
    """Low watermark and error."""
    (topic,) = bench.ask(request, version).topics
    result: DeleteRecordsPartitionResult
    (result,) = topic.partitions
    return result.low_watermark, result.error_code


@pytest.mark.parametrize("version", range(3))
def test_the_log_starts_later(bench: BrokerBench, version: int) -> None:
    bench.produce("t", b"a", b"b", b"c")

    assert (2, 0) == deleted(bench, before(2), version)
    assert 2 == bench.leader("t").log.log_start


def test_minus_one_is_the_high_watermark(bench: BrokerBench) -> None:
    bench.produce("t", b"a", b"b")
    bench.send(produce_one(b"not synced yet", acks=-1))

    assert 2 == bench.leader("t").high_watermark
    sent = bench.send(before(-1))
    bench.runtime.work()

    assert 2 == sent.response.topics[0].partitions[0].low_watermark


def test_what_is_gone_already_moves_nothing(bench: BrokerBench) -> None:
    bench.produce("t", b"a", b"b")
    deleted(bench, before(2))

    assert (2, 0) == deleted(bench, before(1))


def test_the_answer_waits_for_the_disk(bench: BrokerBench) -> None:
    bench.produce("t", b"a", b"b")

    sent = bench.send(before(1))

    assert sent.response is None
    synced = bench.disk.count("fsync_dir", "t-0")
    bench.runtime.work()
    assert synced + 1 == bench.disk.count("fsync_dir", "t-0")
    assert 1 == sent.response.topics[0].partitions[0].low_watermark


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (before(3), ErrorCode.OFFSET_OUT_OF_RANGE),
        (before(-2), ErrorCode.OFFSET_OUT_OF_RANGE),
        (before(0, topic="nowhere"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (before(0, partition=7), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (before(0, topic="__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (before(0, topic="compacted"), ErrorCode.POLICY_VIOLATION),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, request_: DeleteRecordsRequest, error: ErrorCode) -> None:
    bench.produce("t", b"a", b"b")
    bench.make("compacted", cleanup_policy="compact")

    assert (-1, error) == deleted(bench, request_)
    assert 0 == bench.leader("t").log.log_start


def test_records_of_a_topic_that_is_compacted_and_deletes_too_may_go(bench: BrokerBench) -> None:
    bench.make("both", cleanup_policy="compact,delete")

    assert (0, 0) == deleted(bench, before(0, topic="both"))


def test_a_disk_that_fails_is_told(bench: BrokerBench) -> None:
    bench.produce("t", b"a", b"b")
    bench.disk.faults.append(Fault(operation="rename", name="state", error=28))

    assert (-1, ErrorCode.KAFKA_STORAGE_ERROR) == deleted(bench, before(1))


def test_partition_that_is_named_twice_is_answered_once(bench: BrokerBench) -> None:
    bench.produce("t", b"a", b"b", b"c")
    request = before(2)
    request.topics[0].partitions.append(DeleteRecordsPartition(partition_index=0, offset=3))

    assert (2, 0) == deleted(bench, request)
