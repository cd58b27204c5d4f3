"""DescribeCluster (60), versions 0-1: the cluster's id and its one broker.

Odd: UNSUPPORTED_ENDPOINT_TYPE (115) where controllers are asked for (version 1).

- What the caller may do to the cluster is told where he asks.
"""

from tivo.auth import acl
from tivo.broker.broker import Broker, Caller
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from tivo.wire.schema import UNKNOWN_OPERATIONS

BROKERS = 1


def handle(broker: Broker, request: DescribeClusterRequest, caller: Caller) -> DescribeClusterResponse:
    me, at = broker.identity, caller.session.endpoint
    if request.endpoint_type != BROKERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"there are no endpoints of type {request.endpoint_type}, only brokers (1)",
            endpoint_type=request.endpoint_type,
            cluster_id=me.cluster_id,
        )
    return DescribeClusterResponse(
        cluster_id=me.cluster_id,
        controller_id=me.node_id,
        brokers=[DescribeClusterBroker(broker_id=me.node_id, host=at.host, port=at.port)],
        cluster_authorized_operations=broker.authorizer.operations(caller, acl.CLUSTER)
        if request.include_cluster_authorized_operations
        else UNKNOWN_OPERATIONS,
    )
