"""DescribeProducers."""

from tests.support.broker import START, BrokerBench
from tests.support.transactional import TransactionalProducer
from tivo.model.timeline import to_kafka_ms
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_producers import (
    DescribeProducersRequest,
    PartitionResponse,
    ProducerState,
    TopicRequest,
)


def described(bench: BrokerBench, partition: int = 0, topic: str = "t") -> PartitionResponse:
    request = DescribeProducersRequest(topics=[TopicRequest(name=topic, partition_indexes=[partition])])
    answer = bench.ask(request).topics[0].partitions[0]
    assert isinstance(answer, PartitionResponse)
    return answer


def test_open_transaction_is_told_with_its_beginning(bench: BrokerBench, producer: TransactionalProducer) -> None:
    bench.produce("t", b"before")
    producer.add(("t", 0))
    producer.write("t", b"a", b"b")

    state = ProducerState(
        producer_id=producer.producer.id,
        producer_epoch=0,
        last_sequence=1,
        last_timestamp=to_kafka_ms(START.wall_us),
        coordinator_epoch=0,
        current_txn_start_offset=1,
    )
    assert [state] == described(bench).active_producers
    producer.commit()
    assert [-1] == [each.current_txn_start_offset for each in described(bench).active_producers]


def test_producer_whose_transaction_was_taken_has_no_sequence(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    TransactionalProducer(bench).init()

    assert [(1, -1)] == [(each.producer_epoch, each.last_sequence) for each in described(bench).active_producers]


def test_partition_that_is_not_there_is_told(bench: BrokerBench) -> None:
    for answer in (described(bench, 9), described(bench, topic="nowhere")):
        assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == answer.error_code
        assert answer.error_message


def test_partition_that_is_named_twice_is_told_once(bench: BrokerBench) -> None:
    request = DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[0, 1, 0])])

    assert [0, 1] == [each.partition_index for each in bench.ask(request).topics[0].partitions]
