"""DescribeCluster: the brokers and the controller, for administrators (KIP-700)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import UNKNOWN_OPERATIONS, Api, Boolean, Int8, Int16, Int32, Message, Since, Struct

API = Api(key=60, name="DescribeCluster", first=0, last=1, flexible=0)


class DescribeClusterRequest(Message):
    """Asks for the cluster. `endpoint_type` 1 means its brokers, 2 its controllers (KIP-919)."""

    api = API

    include_cluster_authorized_operations: Boolean = False
    endpoint_type: Annotated[Int8, Since(1)] = 1


class DescribeClusterResponse(Message):
    """The cluster. Operations are told only if they were asked for."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: str | None = None
    endpoint_type: Annotated[Int8, Since(1)] = 1
    cluster_id: str = ""
    controller_id: Int32 = -1
    brokers: list[DescribeClusterBroker] = []
    cluster_authorized_operations: Int32 = UNKNOWN_OPERATIONS


class DescribeClusterBroker(Struct):
    """Where one broker is reached."""

    broker_id: Int32 = 0
    host: str = ""
    port: Int32 = 0
    rack: str | None = None
