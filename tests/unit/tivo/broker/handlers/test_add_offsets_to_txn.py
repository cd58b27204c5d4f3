"""AddOffsetsToTxn."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.transactional import TransactionalProducer
from tivo.broker.transaction_coordinator import OFFSETS
from tivo.wire.error_codes import ErrorCode


@pytest.mark.parametrize("version", range(4))
def test_offsets_belong_to_the_transaction(bench: BrokerBench, producer: TransactionalProducer, version: int) -> None:
    assert 0 == producer.add_offsets(version=version)

    found = bench.broker.transactions.get("x")
    assert found is not None
    assert {OFFSETS} == found.places


def test_what_is_asked_again_is_no_safer_than_before(bench: BrokerBench, producer: TransactionalProducer) -> None:
    first, again = (bench.send(producer.add_offsets_request()) for _ in range(2))
    assert (None, None) == (first.response, again.response)

    bench.runtime.work()

    assert first.response == again.response is not None


def test_group_has_a_name(producer: TransactionalProducer) -> None:
    assert ErrorCode.INVALID_GROUP_ID == producer.add_offsets("")


@pytest.mark.parametrize(("version", "error"), [(1, ErrorCode.INVALID_PRODUCER_EPOCH), (2, ErrorCode.PRODUCER_FENCED)])
def test_former_epoch_is_fenced(producer: TransactionalProducer, version: int, error: ErrorCode) -> None:
    TransactionalProducer(producer.bench).init()

    assert error == producer.add_offsets(version=version)
