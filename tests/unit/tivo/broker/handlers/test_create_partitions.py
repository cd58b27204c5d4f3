"""CreatePartitions."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)


def grown(bench: BrokerBench, *wanted: CreatePartitionsTopic, version: int = 3, validate: bool = False) -> list[int]:
    request = CreatePartitionsRequest(topics=list(wanted), validate_only=validate)
    return [answer.error_code for answer in bench.ask(request, version).results]


def to(count: int, *brokers: int, name: str = "t") -> CreatePartitionsTopic:
    assignments = [CreatePartitionsAssignment(broker_ids=[broker]) for broker in brokers] or None
    return CreatePartitionsTopic(name=name, count=count, assignments=assignments)


@pytest.mark.parametrize("version", range(4))
def test_topic_gets_more_partitions(bench: BrokerBench, version: int) -> None:
    bench.produce("t", b"kept")

    assert [0] == grown(bench, to(4), version=version)
    bench.produce("t", b"new", partition=3)

    assert [1, 0, 0, 1] == [leader.high_watermark for leader in bench.broker.topics.get("t").leaders]


def test_validation_changes_nothing(bench: BrokerBench) -> None:
    assert [0] == grown(bench, to(4), validate=True)
    assert 2 == len(bench.broker.topics.get("t").leaders)


def test_client_may_say_which_broker_leads(bench: BrokerBench) -> None:
    assert [0] == grown(bench, to(4, 1, 1))


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (to(3, name="nowhere"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (to(2), ErrorCode.INVALID_PARTITIONS),
        (to(1), ErrorCode.INVALID_PARTITIONS),
        (to(10_000), ErrorCode.POLICY_VIOLATION),
        (to(3, 2), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (to(4, 1), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (to(3, name="__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, wanted: CreatePartitionsTopic, error: ErrorCode) -> None:
    assert [error] == grown(bench, wanted)


def test_disk_that_takes_nothing_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="fdatasync", name="catalog", error=28))

    assert [ErrorCode.KAFKA_STORAGE_ERROR] == grown(bench, to(3))
