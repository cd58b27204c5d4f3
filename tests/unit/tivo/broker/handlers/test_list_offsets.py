"""ListOffsets."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.transactional import TransactionalProducer
from tests.unit.tivo.broker.handlers.test_fetch import produce_one
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopic,
)


def listed(
    bench: BrokerBench, time_ms: int, *, version: int = 8, topic: str = "t", **place: int
) -> ListOffsetsPartitionResponse:
    partition = ListOffsetsPartition(timestamp=time_ms, **place)
    request = ListOffsetsRequest(topics=[ListOffsetsTopic(name=topic, partitions=[partition])])
    answer = bench.ask(request, version).topics[0].partitions[0]
    assert isinstance(answer, ListOffsetsPartitionResponse)
    return answer


@pytest.fixture
def filled(bench: BrokerBench) -> BrokerBench:
    for time_ms in (1_000, 3_000, 2_000):
        bench.produce("t", b"at", time_ms=time_ms)
    return bench


@pytest.mark.parametrize("version", range(1, 9))
@pytest.mark.parametrize(("mark", "offset"), [(-1, 3), (-2, 0)])
def test_ends(filled: BrokerBench, version: int, mark: int, offset: int) -> None:
    assert (0, offset, -1) == read(listed(filled, mark, version=version))


def read(answer: ListOffsetsPartitionResponse) -> tuple[int, int, int]:
    return answer.error_code, answer.offset, answer.timestamp


def test_newest_time_and_local_start(filled: BrokerBench) -> None:
    assert (0, 1, 3_000) == read(listed(filled, -3))
    assert (0, 0, -1) == read(listed(filled, -4))


@pytest.mark.parametrize(("time_ms", "found"), [(0, (0, 0, 1_000)), (1_001, (0, 1, 3_000)), (3_001, (0, -1, -1))])
def test_first_record_at_or_after_a_time(filled: BrokerBench, time_ms: int, found: tuple[int, int, int]) -> None:
    assert found == read(listed(filled, time_ms))


def test_empty_log_has_no_times(bench: BrokerBench) -> None:
    assert (0, -1, -1) == read(listed(bench, -3))
    assert (0, -1, -1) == read(listed(bench, 5))
    assert (0, 0, -1) == read(listed(bench, -1))


def test_only_what_may_be_read_is_found(bench: BrokerBench) -> None:
    bench.send(produce_one(b"not safe yet", acks=0))

    assert (0, 0, -1) == read(listed_now(bench, -1))
    assert (0, -1, -1) == read(listed_now(bench, 0))


def listed_now(bench: BrokerBench, time_ms: int) -> ListOffsetsPartitionResponse:
    """Before the disk has done its work."""
    topics = [ListOffsetsTopic(name="t", partitions=[ListOffsetsPartition(timestamp=time_ms)])]
    answer = bench.send(ListOffsetsRequest(topics=topics)).response.topics[0].partitions[0]
    assert isinstance(answer, ListOffsetsPartitionResponse)
    return answer


@pytest.mark.parametrize(
    ("time_ms", "place", "error"),
    [
        (-5, {}, ErrorCode.INVALID_REQUEST),
        (-1, {"partition_index": 9}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (-1, {"current_leader_epoch": 99}, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ],
)
def test_place_that_is_wrong_is_refused(
    bench: BrokerBench, time_ms: int, place: dict[str, int], error: ErrorCode
) -> None:
    assert error == listed(bench, time_ms, **place).error_code


def test_unknown_topic(bench: BrokerBench) -> None:
    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == listed(bench, -1, topic="nowhere").error_code


@pytest.mark.parametrize("version", range(2, 9))
def test_committed_records_end_where_a_transaction_is_open(
    bench: BrokerBench, producer: TransactionalProducer, version: int
) -> None:
    bench.produce("t", b"a", time_ms=1_000)
    producer.add(("t", 0))
    producer.write("t", b"b")
    bench.produce("t", b"c", time_ms=2_000)

    def found(time_ms: int, isolation: int) -> int:
        place = ListOffsetsPartition(partition_index=0, timestamp=time_ms)
        topics = [ListOffsetsTopic(name="t", partitions=[place])]
        answer = bench.ask(ListOffsetsRequest(isolation_level=isolation, topics=topics), version)
        return int(answer.topics[0].partitions[0].offset)

    assert [3, 1] == [found(-1, isolation) for isolation in (0, 1)]
    assert [2, -1] == [found(2_000, isolation) for isolation in (0, 1)]
    assert [0, 0] == [found(1_000, isolation) for isolation in (0, 1)]
    producer.commit()
    assert [4, 4] == [found(-1, isolation) for isolation in (0, 1)]


def test_partition_that_is_named_twice_is_told_once(filled: BrokerBench) -> None:
    places = [ListOffsetsPartition(partition_index=index, timestamp=-1) for index in (0, 1, 0)]
    topics = [ListOffsetsTopic(name="t", partitions=places), ListOffsetsTopic(name="t", partitions=places[:1])]

    first, second = filled.ask(ListOffsetsRequest(topics=topics)).topics

    assert ([0, 1], []) == ([each.partition_index for each in first.partitions], second.partitions)
