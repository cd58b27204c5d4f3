"""InitProducerId."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer
from tivo.broker.transactions import LONGEST_MS, Producer
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.init_producer_id import InitProducerIdRequest


@pytest.mark.parametrize("version", range(5))
def test_every_producer_gets_an_id_of_its_own(bench: BrokerBench, version: int) -> None:
    first, second = (bench.ask(InitProducerIdRequest(transactional_id=None), version) for _ in range(2))

    assert (0, 0) == (first.error_code, first.producer_epoch)
    assert 0 <= first.producer_id < 1 << 62
    assert first.producer_id != second.producer_id


@pytest.mark.parametrize("version", range(5))
def test_transactional_producer_gets_the_next_epoch(bench: BrokerBench, version: int) -> None:
    first, second = TransactionalProducer(bench), TransactionalProducer(bench)

    assert (0, 0) == (first.init(version), second.init(version))
    assert (first.producer.id, 0, 1) == (second.producer.id, first.producer.epoch, second.producer.epoch)


def test_answer_waits_until_the_identity_is_safe(bench: BrokerBench) -> None:
    sent = bench.send(TransactionalProducer(bench).init_request())
    assert sent.response is None

    bench.runtime.work()

    assert (0, 0) == (sent.response.error_code, sent.response.producer_epoch)


def test_transactional_id_is_not_empty(bench: BrokerBench) -> None:
    response = bench.ask(InitProducerIdRequest(transactional_id="", transaction_timeout_ms=1))

    assert (ErrorCode.INVALID_REQUEST, -1, -1) == (
        response.error_code,
        response.producer_id,
        response.producer_epoch,
    )


def test_transactional_id_that_the_journal_cannot_keep_is_refused(bench: BrokerBench) -> None:
    assert ErrorCode.INVALID_REQUEST == TransactionalProducer(bench, "x" * 32_768).init()
    assert 0 == TransactionalProducer(bench, "x" * 32_767).init()


@pytest.mark.parametrize("timeout_ms", [0, LONGEST_MS + 1])
def test_timeout_out_of_bounds_is_refused(bench: BrokerBench, timeout_ms: int) -> None:
    assert ErrorCode.INVALID_TRANSACTION_TIMEOUT == TransactionalProducer(bench).init(timeout_ms=timeout_ms)


@pytest.mark.parametrize(("version", "error"), [(3, ErrorCode.INVALID_PRODUCER_EPOCH), (4, ErrorCode.PRODUCER_FENCED)])
def test_fenced_producer_does_not_come_back(producer: TransactionalProducer, version: int, error: ErrorCode) -> None:
    other = TransactionalProducer(producer.bench)
    other.init()

    assert error == producer.init(version, known=producer.producer)


def test_producer_goes_on_after_an_error(producer: TransactionalProducer) -> None:
    before = producer.producer

    assert 0 == producer.init(known=before)
    assert Producer(before.id, before.epoch + 1) == producer.producer


def test_open_transaction_of_the_one_before_is_aborted(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    producer.write("t", b"left")
    successor = TransactionalProducer(bench)

    assert 0 == successor.init()
    assert ((), 2) == (bench.leader("t").log.open_transactions, bench.leader("t").stable_offset)
    assert [0] == [each.first_offset for each in bench.leader("t").log.aborted(0, 2)]
    assert ErrorCode.PRODUCER_FENCED == producer.commit()
    assert ErrorCode.INVALID_PRODUCER_EPOCH == producer.write("t", b"zombie")
    assert [0] == successor.add(("t", 0))
    assert 0 == successor.write("t", b"new")


def test_journal_that_takes_nothing_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == TransactionalProducer(bench).init()
