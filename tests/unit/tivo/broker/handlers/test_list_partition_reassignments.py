"""ListPartitionReassignments."""

from tests.support.broker import BrokerBench
from tivo.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)


def test_nothing_is_under_way(bench: BrokerBench) -> None:
    asked = [ListPartitionReassignmentsTopics(name="t", partition_indexes=[0])]

    for topics in (None, asked):
        response = bench.ask(ListPartitionReassignmentsRequest(topics=topics))
        assert (0, []) == (response.error_code, response.topics)
