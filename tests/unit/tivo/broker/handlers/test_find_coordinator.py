"""FindCoordinator."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.find_coordinator import FindCoordinatorRequest


@pytest.mark.parametrize("version", range(4))
def test_this_broker_coordinates_every_group(bench: BrokerBench, version: int) -> None:
    response = bench.ask(FindCoordinatorRequest(key="g"), version)

    assert (0, 1, "127.0.0.1", 9092) == (response.error_code, response.node_id, response.host, response.port)


def test_several_at_once(bench: BrokerBench) -> None:
    response = bench.ask(FindCoordinatorRequest(coordinator_keys=["g", ""]))

    assert [("g", 0), ("", ErrorCode.INVALID_GROUP_ID)] == [
        (each.key, each.error_code) for each in response.coordinators
    ]


@pytest.mark.parametrize(
    ("key_type", "error"),
    [(1, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED), (2, ErrorCode.INVALID_REQUEST)],
)
def test_there_is_nothing_else_to_coordinate(bench: BrokerBench, key_type: int, error: ErrorCode) -> None:
    response = bench.ask(FindCoordinatorRequest(key="x", key_type=key_type), 3)

    assert (error, -1) == (response.error_code, response.node_id)
    assert response.error_message
