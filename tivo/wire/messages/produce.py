"""Produce: record batches to append.

Listed from version 0 on, because older librdkafka looks for v0 and silently stops compressing without it; served from
v3 on, the first with batches of format v2 (KAFKA-18659).
"""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, RecordsIn, Since, Struct, Tag, TaggedStruct

API = Api(key=0, name="Produce", first=3, last=12, flexible=9, advertised=0)


class LeaderIdAndEpoch(TaggedStruct, frozen=True):
    """Who leads the partition now, if not this broker (KIP-951)."""

    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class ProduceRequest(Message):
    """Batches by topic and partition. `acks` 0 wants no response at all, 1 and -1 want one."""

    api = API

    transactional_id: str | None = None
    acks: Int16 = 0
    timeout_ms: Int32 = 0
    topic_data: list[TopicProduceData] = []


class TopicProduceData(Struct):
    """Partitions of one topic."""

    name: str = ""
    partition_data: list[PartitionProduceData] = []


class PartitionProduceData(Struct):
    """One partition and its batches: a view of what was received."""

    index: Int32 = 0
    records: RecordsIn = None


class ProduceResponse(Message):
    """A result per partition."""

    api = API

    responses: list[TopicProduceResponse] = []
    throttle_time_ms: Int32 = 0
    node_endpoints: Annotated[list[NodeEndpoint], Since(10), Tag(0)] = []


class TopicProduceResponse(Struct):
    """Partitions of one topic."""

    name: str = ""
    partition_responses: list[PartitionProduceResponse] = []


class PartitionProduceResponse(Struct):
    """Where the batch stands: its base offset, and the time of the append if the topic stamps that (else -1)."""

    index: Int32 = 0
    error_code: Int16 = 0
    base_offset: Int64 = 0
    log_append_time_ms: Int64 = -1
    log_start_offset: Annotated[Int64, Since(5)] = -1
    record_errors: Annotated[list[BatchIndexAndErrorMessage], Since(8)] = []
    error_message: Annotated[str | None, Since(8)] = None
    current_leader: Annotated[LeaderIdAndEpoch, Since(10), Tag(0)] = LeaderIdAndEpoch()


class BatchIndexAndErrorMessage(Struct):
    """A record that is at fault, by its place in the batch (KIP-467)."""

    batch_index: Int32 = 0
    batch_index_error_message: str | None = None


class NodeEndpoint(Struct):
    """Where a broker is reached that `current_leader` names (KIP-951)."""

    node_id: Int32 = 0
    host: str = ""
    port: Int32 = 0
    rack: str | None = None
