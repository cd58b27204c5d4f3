"""Produce: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, RecordsIn, Since, Struct, Tag, TaggedStruct

API = Api(key=0, name="Produce", first=3, last=12, flexible=9, advertised=0)


class LeaderIdAndEpoch(TaggedStruct, frozen=True):
    """TODO."""

    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class ProduceRequest(Message):
    """TODO."""

    api = API

    transactional_id: str | None = None
    acks: Int16 = 0
    timeout_ms: Int32 = 0
    topic_data: list[TopicProduceData] = []


class TopicProduceData(Struct):
    """TODO."""

    name: str = ""
    partition_data: list[PartitionProduceData] = []


class PartitionProduceData(Struct):
    """TODO."""

    index: Int32 = 0
    records: RecordsIn = None


class ProduceResponse(Message):
    """TODO."""

    api = API

    responses: list[TopicProduceResponse] = []
    throttle_time_ms: Int32 = 0
    node_endpoints: Annotated[list[NodeEndpoint], Since(10), Tag(0)] = []


class TopicProduceResponse(Struct):
    """TODO."""

    name: str = ""
    partition_responses: list[PartitionProduceResponse] = []


class PartitionProduceResponse(Struct):
    """TODO."""

    index: Int32 = 0
    error_code: Int16 = 0
    base_offset: Int64 = 0
    log_append_time_ms: Int64 = -1
    log_start_offset: Annotated[Int64, Since(5)] = -1
    record_errors: Annotated[list[BatchIndexAndErrorMessage], Since(8)] = []
    error_message: Annotated[str | None, Since(8)] = None
    current_leader: Annotated[LeaderIdAndEpoch, Since(10), Tag(0)] = LeaderIdAndEpoch()


class BatchIndexAndErrorMessage(Struct):
    """TODO."""

    batch_index: Int32 = 0
    batch_index_error_message: str | None = None


class NodeEndpoint(Struct):
    """TODO."""

    node_id: Int32 = 0
    host: str = ""
    port: Int32 = 0
    rack: str | None = None
