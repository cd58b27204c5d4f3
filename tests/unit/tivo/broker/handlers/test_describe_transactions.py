"""DescribeTransactions."""

from tests.support.broker import START, BrokerBench
from tests.support.transactional import TransactionalProducer
from tivo.model.timeline import to_kafka_ms
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_transactions import DescribeTransactionsRequest, TopicData, TransactionState


def test_transactions_are_told_by_their_ids(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 1), ("t", 0))

    known, unknown = bench.ask(DescribeTransactionsRequest(transactional_ids=["x", "y"])).transaction_states

    assert (
        TransactionState(
            transactional_id="x",
            transaction_state="Ongoing",
            transaction_timeout_ms=60_000,
            transaction_start_time_ms=to_kafka_ms(START.wall_us),
            producer_id=producer.producer.id,
            producer_epoch=0,
            topics=[TopicData(topic="t", partitions=[0, 1])],
        )
        == known
    )
    assert (ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, "y") == (unknown.error_code, unknown.transactional_id)


def test_id_that_is_named_twice_is_told_once(bench: BrokerBench) -> None:
    states = bench.ask(DescribeTransactionsRequest(transactional_ids=["x", "y", "x"])).transaction_states

    assert ["x", "y"] == [state.transactional_id for state in states]
