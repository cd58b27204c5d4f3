"""FindCoordinator."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.find_coordinator import FindCoordinatorRequest


@pytest.mark.parametrize("version", range(4))
def test_this_broker_coordinates_every_group(bench: BrokerBench, version: int) -> None:
    response = bench.ask(FindCoordinatorRequest(key="g"), version)

    assert (0, 1, "127.0.0.1", 9092) == (response.error_code, response.node_id, response.host, response.port)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_this_broker_coordinates_every_transaction(bench: BrokerBench, version: int) -> None:
    response = bench.ask(FindCoordinatorRequest(key="x", key_type=1), version)

    assert (0, 1, 9092) == (response.error_code, response.node_id, response.port)


def test_several_at_once(bench: BrokerBench) -> None:
    response = bench.ask(FindCoordinatorRequest(coordinator_keys=["g", ""]))

    assert [("g", 0), ("", ErrorCode.INVALID_GROUP_ID)] == [
        (each.key, each.error_code) for each in response.coordinators
    ]


def test_key_that_is_named_twice_is_told_once(bench: BrokerBench) -> None:
    response = bench.ask(FindCoordinatorRequest(coordinator_keys=["g", "h", "g"]))

    assert ["g", "h"] == [each.key for each in response.coordinators]


@pytest.mark.parametrize(("count", "error"), [(1_000, 0), (1_001, ErrorCode.POLICY_VIOLATION)])
def test_more_than_a_thousand_keys_are_refused_without_a_word(bench: BrokerBench, count: int, error: int) -> None:
    response = bench.ask(FindCoordinatorRequest(coordinator_keys=[f"g{number}" for number in range(count)]))

    assert count == len(response.coordinators)
    assert {(error, None)} == {(each.error_code, each.error_message) for each in response.coordinators}


def test_nobody_coordinates_what_nothing_is_named(bench: BrokerBench) -> None:
    (told,) = bench.ask(FindCoordinatorRequest(coordinator_keys=["g" * 32_768])).coordinators

    assert (ErrorCode.INVALID_GROUP_ID, -1) == (told.error_code, told.node_id)
    assert "the name of a group has 32768 bytes" in told.error_message


@pytest.mark.parametrize(
    ("key", "key_type"),
    [("x", 2), ("", 1)],
)
def test_there_is_nothing_else_to_coordinate(bench: BrokerBench, key: str, key_type: int) -> None:
    response = bench.ask(FindCoordinatorRequest(key=key, key_type=key_type), 3)

    assert (ErrorCode.INVALID_REQUEST, -1) == (response.error_code, response.node_id)
    assert response.error_message
