"""ListOffsets: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int8, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=2, name="ListOffsets", first=1, last=8, flexible=6)


class ListOffsetsRequest(Message):
    """TODO."""

    api = API

    replica_id: Int32 = -1
    isolation_level: Annotated[Int8, Since(2)] = 0
    topics: list[ListOffsetsTopic] = []


class ListOffsetsTopic(Struct):
    """TODO."""

    name: str = ""
    partitions: list[ListOffsetsPartition] = []


class ListOffsetsPartition(Struct):
    """TODO."""

    partition_index: Int32 = 0
    current_leader_epoch: Annotated[Int32, Since(4)] = -1
    timestamp: Int64 = 0


class ListOffsetsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(2)] = 0
    topics: list[ListOffsetsTopicResponse] = []


class ListOffsetsTopicResponse(Struct):
    """TODO."""

    name: str = ""
    partitions: list[ListOffsetsPartitionResponse] = []


class ListOffsetsPartitionResponse(Struct):
    """TODO."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
    timestamp: Int64 = -1
    offset: Int64 = -1
    leader_epoch: Annotated[Int32, Since(4)] = -1
