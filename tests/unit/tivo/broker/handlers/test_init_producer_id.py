"""InitProducerId."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.init_producer_id import InitProducerIdRequest


@pytest.mark.parametrize("version", range(5))
def test_every_producer_gets_an_id_of_its_own(bench: BrokerBench, version: int) -> None:
    first, second = (bench.ask(InitProducerIdRequest(transactional_id=None), version) for _ in range(2))

    assert (0, 0) == (first.error_code, first.producer_epoch)
    assert 0 <= first.producer_id < 1 << 62
    assert first.producer_id != second.producer_id


def test_transactions_are_refused_for_good(bench: BrokerBench) -> None:
    response = bench.ask(InitProducerIdRequest(transactional_id="x"))

    assert (ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1) == (response.error_code, response.producer_id)
