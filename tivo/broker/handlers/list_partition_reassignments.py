"""ListPartitionReassignments (46), version 0: which partitions are on their way to other brokers. None: there is one.

`kafka-topics` and `kafka-reassign-partitions` ask for it. To move a partition (API 45) is not offered.

Odd: CLUSTER_AUTHORIZATION_FAILED (31) without DESCRIBE of the cluster.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)


def handle(
    broker: Broker, request: ListPartitionReassignmentsRequest, caller: Caller
) -> ListPartitionReassignmentsResponse:
    error = broker.authorizer.error(caller, Operation.DESCRIBE, acl.CLUSTER)
    if error:
        return ListPartitionReassignmentsResponse(error_code=error)
    return ListPartitionReassignmentsResponse(error_message=None)
