"""ElectLeaders."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions


@pytest.mark.parametrize("version", range(3))
def test_the_one_broker_leads_already(bench: BrokerBench, version: int) -> None:
    wanted = [TopicPartitions(topic="t", partitions=[0, 2]), TopicPartitions(topic="nowhere", partitions=[0])]

    response = bench.ask(ElectLeadersRequest(topic_partitions=wanted), version)

    assert 0 == response.error_code
    assert [
        ("t", 0, ErrorCode.ELECTION_NOT_NEEDED),
        ("t", 2, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("nowhere", 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ] == [
        (each.topic, place.partition_id, place.error_code)
        for each in response.replica_election_results
        for place in each.partition_result
    ]


def test_nothing_needs_an_election(bench: BrokerBench) -> None:
    assert [] == bench.ask(ElectLeadersRequest(topic_partitions=None)).replica_election_results
