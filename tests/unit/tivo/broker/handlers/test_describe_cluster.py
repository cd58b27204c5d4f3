"""DescribeCluster."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_cluster import DescribeClusterRequest


@pytest.mark.parametrize("version", [0, 1])
def test_cluster_has_one_broker(bench: BrokerBench, version: int) -> None:
    response = bench.ask(DescribeClusterRequest(), version)

    assert (0, bench.broker.identity.cluster_id, 1) == (
        response.error_code,
        response.cluster_id,
        response.controller_id,
    )
    assert [(1, "127.0.0.1", 9092)] == [(each.broker_id, each.host, each.port) for each in response.brokers]


def test_there_are_no_controllers_to_tell(bench: BrokerBench) -> None:
    response = bench.ask(DescribeClusterRequest(endpoint_type=2))

    assert (ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, []) == (response.error_code, response.brokers)
