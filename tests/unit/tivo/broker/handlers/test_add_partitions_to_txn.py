"""AddPartitionsToTxn."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer
from tivo.broker.transactions import Place, Producer, State
from tivo.wire.error_codes import ErrorCode


@pytest.mark.parametrize("version", range(4))
def test_partitions_begin_a_transaction(bench: BrokerBench, producer: TransactionalProducer, version: int) -> None:
    assert [0, 0] == producer.add(("t", 0), ("t", 1), version=version)

    found = bench.broker.transactions.get("x")
    assert found is not None
    assert (State.ONGOING, {Place("t", 0), Place("t", 1)}) == (found.state, set(found.places))


def test_answer_waits_until_that_is_safe(bench: BrokerBench, producer: TransactionalProducer) -> None:
    sent = bench.send(producer.add_request(("t", 0)))
    assert sent.response is None

    bench.runtime.work()

    assert sent.response is not None


def test_partition_that_is_in_it_already_is_answered_at_once(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0))

    assert bench.send(producer.add_request(("t", 0))).response is not None


def test_what_is_asked_again_is_no_safer_than_before(bench: BrokerBench, producer: TransactionalProducer) -> None:
    first, again = (bench.send(producer.add_request(("t", 0))) for _ in range(2))
    assert (None, None) == (first.response, again.response)

    bench.runtime.work()

    assert first.response == again.response is not None


def test_all_of_them_or_none(producer: TransactionalProducer) -> None:
    unknown, not_attempted = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.OPERATION_NOT_ATTEMPTED

    assert [not_attempted, unknown, unknown] == producer.add(("t", 0), ("t", 9), ("nowhere", 0))
    assert [unknown] == producer.add(("__consumer_offsets", 0))
    assert ErrorCode.INVALID_TXN_STATE == producer.write("t", b"a", version=10)


@pytest.mark.parametrize(("version", "error"), [(1, ErrorCode.INVALID_PRODUCER_EPOCH), (2, ErrorCode.PRODUCER_FENCED)])
def test_former_epoch_is_fenced(producer: TransactionalProducer, version: int, error: ErrorCode) -> None:
    TransactionalProducer(producer.bench).init()

    assert [error] == producer.add(("t", 0), version=version)


def test_other_producer_is_refused(producer: TransactionalProducer) -> None:
    producer.producer = Producer(producer.producer.id + 1, 0)

    assert [ErrorCode.INVALID_PRODUCER_ID_MAPPING] == producer.add(("t", 0))


def test_journal_that_takes_nothing_is_told(bench: BrokerBench, producer: TransactionalProducer) -> None:
    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5))

    assert [ErrorCode.COORDINATOR_NOT_AVAILABLE] == producer.add(("t", 0))
    assert [ErrorCode.COORDINATOR_NOT_AVAILABLE] == producer.add(("t", 0)), "asked again"
