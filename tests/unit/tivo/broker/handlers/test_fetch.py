"""Fetch."""

import pytest

from tests.support.batches import batch, values_of
from tests.support.broker import BrokerBench, Sent
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer
from tivo.broker.unsent import ALLOWED_BYTES, LEAST_BYTES
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, PartitionData
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

MANY = 1 << 20


def request(
    bench: BrokerBench, offset: int, *, version: int = 16, wait_ms: int = 0, min_bytes: int = 1, **place: int
) -> FetchRequest:
    fields = {"partition": 0, "partition_max_bytes": MANY, **place}
    topic = bench.broker.topics.find("t")
    return FetchRequest(
        max_wait_ms=wait_ms,
        min_bytes=min_bytes,
        max_bytes=MANY,
        topics=[
            FetchTopic(
                topic="t",
                topic_id=bytes(15) + b"x" if topic is None else topic.id,
                partitions=[FetchPartition(fetch_offset=offset, **fields)],
            )
        ],
    )


def data_of(sent: Sent) -> PartitionData:
    data = sent.response.responses[0].partitions[0]
    assert isinstance(data, PartitionData)
    return data


def fetched(bench: BrokerBench, offset: int, *, version: int = 16, **place: int) -> PartitionData:
    return data_of(bench.send(request(bench, offset, version=version, **place), version))


@pytest.mark.parametrize("version", range(4, 17))
def test_records_come_back(bench: BrokerBench, version: int) -> None:
    bench.produce("t", b"a", b"b")

    data = fetched(bench, 0, version=version)

    assert {0: b"a", 1: b"b"} == values_of(data.records)
    assert (0, 2, 2) == (data.error_code, data.high_watermark, data.last_stable_offset)


def test_offset_inside_a_batch_gets_the_whole_batch(bench: BrokerBench) -> None:
    bench.produce("t", b"a", b"b", b"c")

    assert {0: b"a", 1: b"b", 2: b"c"} == values_of(fetched(bench, 2).records)


def test_first_batch_comes_however_large(bench: BrokerBench) -> None:
    bench.produce("t", b"large" * 1_000)

    assert [0] == list(values_of(fetched(bench, 0, partition_max_bytes=10).records))


def test_answers_are_small_while_much_is_not_read(bench: BrokerBench) -> None:
    for _ in range(3):
        bench.produce("t", bytes(LEAST_BYTES // 2))
    assert [0, 1, 2] == list(values_of(fetched(bench, 0).records))

    bench.broker.unsent.bytes = ALLOWED_BYTES

    assert [0] == list(values_of(fetched(bench, 0).records))


def test_later_partition_waits_for_its_turn_when_the_answer_is_full(bench: BrokerBench) -> None:
    for partition in (0, 1):
        bench.produce("t", b"large" * 1_000, partition=partition)
    asked = request(bench, 0)
    asked.max_bytes = 10
    asked.topics[0].partitions.append(FetchPartition(partition=1, partition_max_bytes=MANY))

    first, second = bench.send(asked).response.responses[0].partitions

    assert [0] == list(values_of(first.records))
    assert (0, 0) == (len(second.records), second.error_code)


def answers_of(bench: BrokerBench, offsets: list[int], max_bytes: int) -> tuple[list[PartitionData], int]:
    """What each partition of `many` gives from its offset on, and how often a segment was read for it."""
    places = [FetchPartition(partition=at, fetch_offset=offset) for at, offset in enumerate(offsets)]
    for place in places:
        place.partition_max_bytes = MANY
    topic = FetchTopic(topic_id=bench.broker.topics.get("many").id, partitions=places)
    before = bench.disk.count("pread", ".log")
    sent = bench.send(FetchRequest(max_wait_ms=0, min_bytes=1, max_bytes=max_bytes, topics=[topic]))
    return sent.response.responses[0].partitions, bench.disk.count("pread", ".log") - before


@pytest.mark.parametrize(("max_bytes", "are_read"), [(10, 1), (5_100, 2)])
def test_nothing_is_read_once_there_is_no_room_in_the_answer(bench: BrokerBench, max_bytes: int, are_read: int) -> None:
    bench.make("many", 5)
    for partition in range(5):
        bench.produce("many", b"large" * 1_000, partition=partition)
    _, needed = answers_of(bench, [0] * are_read, max_bytes)

    answers, reads = answers_of(bench, [0, 0, 0, 1, 2], max_bytes)

    assert [1, 0, 0, 0, 0] == [len(values_of(answer.records)) for answer in answers]
    assert [0, 0, 0, 0, ErrorCode.OFFSET_OUT_OF_RANGE] == [answer.error_code for answer in answers]
    assert needed == reads


def test_nothing_to_read_is_empty_and_not_null(bench: BrokerBench) -> None:
    data = fetched(bench, 0)

    assert data.records is not None
    assert (0, 0) == (len(data.records), data.error_code)


def test_nothing_unsynced_is_read(bench: BrokerBench) -> None:
    bench.produce("t", b"safe")
    bench.send(produce_one(b"not safe yet", acks=0))

    assert {0: b"safe"} == values_of(fetched(bench, 0).records)
    assert 1 == fetched(bench, 0).high_watermark
    assert (0, 0) == (fetched(bench, 2).error_code, len(fetched(bench, 2).records))


def produce_one(value: bytes, *, acks: int) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(batch(value)))
    return ProduceRequest(acks=acks, topic_data=[TopicProduceData(name="t", partition_data=[data])])


@pytest.mark.parametrize("offset", [-1, 2, 1 << 60])
def test_offset_that_is_not_there_is_out_of_range(bench: BrokerBench, offset: int) -> None:
    bench.produce("t", b"a")

    data = fetched(bench, offset)

    assert (ErrorCode.OFFSET_OUT_OF_RANGE, 1, 0) == (data.error_code, data.high_watermark, data.log_start_offset)


def test_offset_before_the_start_tells_the_start(bench: BrokerBench) -> None:
    for _ in range(2):
        bench.produce("t", b"a")
    bench.leader("t").log.truncate_before(1)

    assert (ErrorCode.OFFSET_OUT_OF_RANGE, 1) == (fetched(bench, 0).error_code, fetched(bench, 0).log_start_offset)


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"partition": 9}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ({"current_leader_epoch": 99}, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ],
)
def test_place_that_is_wrong_is_refused_at_once(bench: BrokerBench, place: dict[str, int], error: ErrorCode) -> None:
    sent = bench.send(request(bench, 0, wait_ms=1_000, **place))

    assert error == data_of(sent).error_code


def test_unknown_topic_by_name_and_by_id(bench: BrokerBench) -> None:
    by_name, by_id = request(bench, 0), request(bench, 0)
    by_name.topics[0].topic = "nowhere"
    by_id.topics[0].topic_id = bytes(16)

    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == data_of(bench.send(by_name, 12)).error_code
    assert ErrorCode.UNKNOWN_TOPIC_ID == data_of(bench.send(by_id, 13)).error_code


def test_sessions_are_declined(bench: BrokerBench) -> None:
    assert 0 == bench.send(request(bench, 0)).response.session_id


def test_parked_fetch_is_woken_by_what_is_durable(bench: BrokerBench) -> None:
    parked = bench.send(request(bench, 0, wait_ms=10_000))
    bench.send(produce_one(b"a", acks=-1))
    assert parked.response is None

    bench.runtime.work()

    assert {0: b"a"} == values_of(data_of(parked).records)


def test_parked_fetch_waits_for_enough_bytes(bench: BrokerBench) -> None:
    parked = bench.send(request(bench, 0, wait_ms=10_000, min_bytes=150))

    bench.produce("t", b"a")
    assert parked.response is None
    bench.produce("t", b"b" * 100)

    assert 2 == len(values_of(data_of(parked).records))


def test_parked_fetch_gets_what_is_there_when_its_time_is_over(bench: BrokerBench) -> None:
    bench.produce("t", b"a")
    parked = bench.send(request(bench, 0, wait_ms=500, min_bytes=1_000))
    bench.runtime.forward(499_999)
    assert parked.response is None

    bench.runtime.forward(1)

    assert {0: b"a"} == values_of(data_of(parked).records)
    assert not bench.runtime.has_alarm


def test_enough_bytes_answer_at_once(bench: BrokerBench) -> None:
    bench.produce("t", b"a")

    assert bench.send(request(bench, 0, wait_ms=10_000)).response is not None


def test_fetch_of_nothing_answers_at_once(bench: BrokerBench) -> None:
    assert [] == bench.send(FetchRequest(max_wait_ms=10_000, min_bytes=1)).response.responses


def test_deleted_topic_wakes_its_fetches(bench: BrokerBench) -> None:
    parked = bench.send(request(bench, 0, wait_ms=10_000))

    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))

    assert ErrorCode.UNKNOWN_TOPIC_ID == data_of(parked).error_code


def test_abandoned_fetch_lets_go(bench: BrokerBench) -> None:
    parked = bench.send(request(bench, 0, wait_ms=10_000))

    parked.reply.abandon()
    bench.produce("t", b"a")

    assert parked.response is None
    assert 0 == len(bench.broker.waiters)
    assert not bench.runtime.has_alarm


def test_disk_that_cannot_be_read_is_told(bench: BrokerBench) -> None:
    bench.produce("t", b"a")
    bench.disk.faults.append(Fault(operation="pread", name=".log", error=5))

    assert ErrorCode.KAFKA_STORAGE_ERROR == fetched(bench, 0).error_code


# ---------------------------------------------------------------- transactions


def committed(bench: BrokerBench, offset: int, *, wait_ms: int = 0, min_bytes: int = 1, version: int = 16) -> Sent:
    """A fetch of committed records only."""
    asked = request(bench, offset, version=version, wait_ms=wait_ms, min_bytes=min_bytes)
    asked.isolation_level = 1
    return bench.send(asked, version)


def told_aborted(sent: Sent) -> list[tuple[int, int]]:
    return [(each.producer_id, each.first_offset) for each in data_of(sent).aborted_transactions or ()]


@pytest.fixture
def begun(bench: BrokerBench, producer: TransactionalProducer) -> TransactionalProducer:
    """It has written one record, at offset 1, to a transaction that is open."""
    bench.produce("t", b"before")
    producer.add(("t", 0))
    producer.write("t", b"a")
    return producer


@pytest.mark.parametrize("version", range(4, 17))
def test_committed_records_end_where_a_transaction_is_open(
    bench: BrokerBench, begun: TransactionalProducer, version: int
) -> None:
    bench.produce("t", b"after")

    data = data_of(committed(bench, 0, version=version))

    assert {0: b"before"} == values_of(data.records)
    assert (3, 1) == (data.high_watermark, data.last_stable_offset)
    assert {0: b"before", 1: b"a", 2: b"after"} == values_of(fetched(bench, 0, version=version).records)


def test_nothing_committed_lies_behind_the_last_stable_offset(bench: BrokerBench, begun: TransactionalProducer) -> None:
    for offset in (1, 2):
        data = data_of(committed(bench, offset))
        assert (0, b"") == (data.error_code, bytes(data.records))


@pytest.mark.parametrize("version", range(4, 17))
def test_aborted_transaction_is_told_with_its_records(
    bench: BrokerBench, begun: TransactionalProducer, version: int
) -> None:
    begun.abort()

    sent = committed(bench, 0, version=version)

    assert {0: b"before", 1: b"a"}.items() <= values_of(data_of(sent).records).items()
    assert [(begun.producer.id, 1)] == told_aborted(sent)
    assert [] == told_aborted(bench.send(request(bench, 0)))


def test_committed_transaction_is_told_by_nothing(bench: BrokerBench, begun: TransactionalProducer) -> None:
    begun.commit()

    sent = committed(bench, 0)

    assert ([], 3) == (told_aborted(sent), data_of(sent).last_stable_offset)


def test_only_what_reaches_into_the_records_is_told(bench: BrokerBench, begun: TransactionalProducer) -> None:
    begun.abort()
    begun.add(("t", 0))
    begun.write("t", b"b")
    begun.abort()
    first = request(bench, 0, partition_max_bytes=1)
    first.isolation_level = 1

    assert [] == told_aborted(bench.send(first))
    assert [(begun.producer.id, 1), (begun.producer.id, 3)] == told_aborted(committed(bench, 1))
    assert [(begun.producer.id, 3)] == told_aborted(committed(bench, 3))


@pytest.mark.parametrize("commit", [True, False])
def test_end_of_a_transaction_wakes_who_waits_for_committed_records(
    bench: BrokerBench, begun: TransactionalProducer, commit: bool
) -> None:
    waiting = committed(bench, 1, wait_ms=10_000, min_bytes=100_000)
    bench.produce("t", b"after")
    assert waiting.response is None, "what is behind an open transaction is no news"

    _ = begun.commit() if commit else begun.abort()

    assert {1: b"a", 2: b"after"}.items() <= values_of(data_of(waiting).records).items()


def test_without_transactions_committed_records_wake_by_their_bytes(bench: BrokerBench) -> None:
    waiting = committed(bench, 0, wait_ms=10_000, min_bytes=150)
    bench.produce("t", b"a")
    assert waiting.response is None

    bench.produce("t", b"b" * 100)

    assert {0: b"a", 1: b"b" * 100} == values_of(data_of(waiting).records)


def test_deleted_topic_wakes_who_waits_for_committed_records(bench: BrokerBench) -> None:
    waiting = committed(bench, 0, wait_ms=10_000)

    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))

    assert waiting.response is not None
    assert 0 == len(bench.broker.waiters)


def test_waiting_for_committed_records_has_an_end(bench: BrokerBench, begun: TransactionalProducer) -> None:
    waiting = committed(bench, 1, wait_ms=100)

    bench.runtime.forward(100_000)

    assert (0, b"") == (data_of(waiting).error_code, bytes(data_of(waiting).records))
    assert 0 == len(bench.broker.waiters)


def test_partition_that_is_named_twice_is_read_once(bench: BrokerBench) -> None:
    bench.produce("t", b"a")
    asked = request(bench, 0)
    asked.topics[0].partitions.append(FetchPartition(partition=0, partition_max_bytes=MANY))
    asked.topics.append(asked.topics[0])

    first, second = bench.send(asked).response.responses

    assert ([{0: b"a"}], []) == ([values_of(each.records) for each in first.partitions], second.partitions)
