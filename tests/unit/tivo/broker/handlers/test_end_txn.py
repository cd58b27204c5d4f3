"""EndTxn."""

import pytest

from tests.support.batches import values_of
from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer
from tivo.broker.transactions import State
from tivo.metrics import BROKER_TRANSACTIONS
from tivo.wire.control import Marker, read_marker
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tivo.wire.record_batch import batches


def state(bench: BrokerBench) -> State:
    found = bench.broker.transactions.get("x")
    assert found is not None
    return found.state


def markers(bench: BrokerBench, partition: int = 0) -> list[tuple[Marker | None, int]]:
    """The markers of a partition and their epochs."""
    data = bench.leader("t", partition).read(0, 1 << 20)
    return [
        (read_marker(data, position, header), header.producer_epoch)
        for position, header in batches(data)
        if header.is_control
    ]


@pytest.fixture
def begun(producer: TransactionalProducer) -> TransactionalProducer:
    producer.add(("t", 0), ("t", 1))
    producer.write("t", b"a")
    producer.write("t", b"b", partition=1)
    return producer


@pytest.mark.parametrize("version", range(4))
def test_commit_marks_every_partition(bench: BrokerBench, begun: TransactionalProducer, version: int) -> None:
    assert 0 == begun.commit(version)

    assert [[(Marker.COMMIT, 0)]] * 2 == [markers(bench, partition) for partition in (0, 1)]
    assert (State.COMPLETE_COMMIT, 2) == (state(bench), bench.leader("t").stable_offset)
    assert [] == bench.leader("t").log.aborted(0, 2)


@pytest.mark.parametrize("version", range(4))
def test_abort_marks_every_partition(bench: BrokerBench, begun: TransactionalProducer, version: int) -> None:
    assert 0 == begun.abort(version)

    assert [[(Marker.ABORT, 0)]] * 2 == [markers(bench, partition) for partition in (0, 1)]
    assert (State.COMPLETE_ABORT, 2) == (state(bench), bench.leader("t").stable_offset)
    assert [begun.producer.id] == [each.producer_id for each in bench.leader("t").log.aborted(0, 2)]


def test_one_transaction_follows_the_other(bench: BrokerBench, begun: TransactionalProducer) -> None:
    begun.commit()
    begun.add(("t", 0))
    begun.write("t", b"second")

    assert 0 == begun.abort()
    assert [(Marker.COMMIT, 0), (Marker.ABORT, 0)] == markers(bench)


def test_partition_that_was_not_written_gets_no_marker(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0), ("t", 1))
    producer.write("t", b"a")

    assert 0 == producer.commit()
    assert (1, 0) == (len(markers(bench)), bench.leader("t", 1).log.log_end)


def test_same_end_once_more_is_fine_and_another_is_not(bench: BrokerBench, begun: TransactionalProducer) -> None:
    begun.commit()

    assert 0 == begun.commit()
    assert ErrorCode.INVALID_TXN_STATE == begun.abort()
    assert [(Marker.COMMIT, 0)] == markers(bench)


def test_answer_comes_when_the_transaction_can_be_read(bench: BrokerBench, begun: TransactionalProducer) -> None:
    sent = bench.send(begun.end_request(commit=True))
    assert (None, []) == (sent.response, markers(bench))

    bench.runtime.work()

    assert 0 == sent.response.error_code
    assert {0: b"a"}.items() <= values_of(bench.leader("t").read(0, 1_000, committed=True)).items()


def test_while_it_ends_nothing_else_goes_on(bench: BrokerBench, begun: TransactionalProducer) -> None:
    ending = bench.send(begun.end_request(commit=True))

    again = bench.send(begun.end_request(commit=True))
    other = bench.send(begun.end_request(commit=False))
    more = bench.send(begun.add_request(("t", 0)))
    successor = bench.send(begun.init_request())

    assert ErrorCode.CONCURRENT_TRANSACTIONS == again.response.error_code
    assert ErrorCode.INVALID_TXN_STATE == other.response.error_code
    results = more.response.results_by_topic_v3_and_below[0].results_by_partition
    assert ErrorCode.CONCURRENT_TRANSACTIONS == results[0].partition_error_code
    assert ErrorCode.CONCURRENT_TRANSACTIONS == successor.response.error_code
    bench.runtime.work()
    assert 0 == ending.response.error_code


@pytest.mark.parametrize(("version", "error"), [(1, ErrorCode.INVALID_PRODUCER_EPOCH), (2, ErrorCode.PRODUCER_FENCED)])
def test_former_epoch_is_fenced(begun: TransactionalProducer, version: int, error: ErrorCode) -> None:
    TransactionalProducer(begun.bench).init()

    assert error == begun.commit(version)


def test_nothing_that_is_open_does_not_end(producer: TransactionalProducer) -> None:
    assert ErrorCode.INVALID_TXN_STATE == producer.commit()


def test_topic_that_is_gone_needs_no_marker(bench: BrokerBench, begun: TransactionalProducer) -> None:
    bench.make("other")
    begun.add(("other", 0))
    begun.write("other", b"c")
    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))

    assert 0 == begun.commit()
    assert State.COMPLETE_COMMIT is state(bench)
    assert 2 == bench.leader("other").stable_offset


def test_outcome_that_is_not_safe_is_no_outcome(bench: BrokerBench, begun: TransactionalProducer) -> None:
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == begun.commit()
    assert State.ONGOING is state(bench)
    assert [] == markers(bench)


def test_ends_are_counted(begun: TransactionalProducer) -> None:
    counter = BROKER_TRANSACTIONS.labels("commit")
    before = counter._value.get()

    begun.commit()

    assert before + 1 == counter._value.get()
