"""Metadata: brokers, topics and partitions, and who leads them. From v10 on topics have ids (KIP-516)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import (
    NO_UUID,
    UNKNOWN_OPERATIONS,
    Api,
    Boolean,
    Int16,
    Int32,
    Message,
    NullableSince,
    Since,
    Struct,
    Until,
    Uuid,
)

API = Api(key=3, name="Metadata", first=0, last=12, flexible=9)


class MetadataRequest(Message):
    """The topics asked about; None means all (in v0 an empty list does). Missing ones may be made on the way."""

    api = API

    topics: Annotated[list[MetadataRequestTopic] | None, NullableSince(1)] = []
    allow_auto_topic_creation: Annotated[Boolean, Since(4)] = True
    include_cluster_authorized_operations: Annotated[Boolean, Since(8), Until(10)] = False
    include_topic_authorized_operations: Annotated[Boolean, Since(8)] = False


class MetadataRequestTopic(Struct):
    """A topic by name, or from v10 on by id if the name is None."""

    topic_id: Annotated[Uuid, Since(10)] = NO_UUID
    name: Annotated[str | None, NullableSince(10)] = ""


class MetadataResponse(Message):
    """The cluster. Operations are told only if they were asked for."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(3)] = 0
    brokers: list[MetadataResponseBroker] = []
    cluster_id: Annotated[str | None, Since(2)] = None
    controller_id: Annotated[Int32, Since(1)] = -1
    topics: list[MetadataResponseTopic] = []
    cluster_authorized_operations: Annotated[Int32, Since(8), Until(10)] = UNKNOWN_OPERATIONS


class MetadataResponseBroker(Struct):
    """Where one broker is reached."""

    node_id: Int32 = 0
    host: str = ""
    port: Int32 = 0
    rack: Annotated[str | None, Since(1)] = None


class MetadataResponseTopic(Struct):
    """One topic. Its name is None only if it was asked for by an id that is not known."""

    error_code: Int16 = 0
    name: Annotated[str | None, NullableSince(12)] = ""
    topic_id: Annotated[Uuid, Since(10)] = NO_UUID
    is_internal: Annotated[Boolean, Since(1)] = False
    partitions: list[MetadataResponsePartition] = []
    topic_authorized_operations: Annotated[Int32, Since(8)] = UNKNOWN_OPERATIONS


class MetadataResponsePartition(Struct):
    """One partition, who leads it and who holds it."""

    error_code: Int16 = 0
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Annotated[Int32, Since(7)] = -1
    replica_nodes: list[Int32] = []
    isr_nodes: list[Int32] = []
    offline_replicas: Annotated[list[Int32], Since(5)] = []
