"""ListOffsets: the offset of a partition at a time.

Instead of a time in ms, -1 asks for the end, -2 for the start, -3 for the record with the highest timestamp (v7,
KIP-734), -4 for the start of what is stored locally (v8, KIP-405).
"""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int8, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=2, name="ListOffsets", first=1, last=8, flexible=6)


class ListOffsetsRequest(Message):
    """The partitions and times asked about; consumers are replica -1.

    With `isolation_level` 1 the end is the last stable offset.
    """

    api = API

    replica_id: Int32 = -1
    isolation_level: Annotated[Int8, Since(2)] = 0
    topics: list[ListOffsetsTopic] = []


class ListOffsetsTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[ListOffsetsPartition] = []


class ListOffsetsPartition(Struct):
    """One partition and the time, in ms or as a negative code."""

    partition_index: Int32 = 0
    current_leader_epoch: Annotated[Int32, Since(4)] = -1
    timestamp: Int64 = 0


class ListOffsetsResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(2)] = 0
    topics: list[ListOffsetsTopicResponse] = []


class ListOffsetsTopicResponse(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[ListOffsetsPartitionResponse] = []


class ListOffsetsPartitionResponse(Struct):
    """The first offset at or after the time, and the timestamp found there; -1 if there is none."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
    timestamp: Int64 = -1
    offset: Int64 = -1
    leader_epoch: Annotated[Int32, Since(4)] = -1
