"""OffsetForLeaderEpoch: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=23, name="OffsetForLeaderEpoch", first=2, last=4, flexible=4)


class OffsetForLeaderEpochRequest(Message):
    """TODO."""

    api = API

    replica_id: Annotated[Int32, Since(3)] = -2
    topics: list[OffsetForLeaderTopic] = []


class OffsetForLeaderTopic(Struct):
    """TODO."""

    topic: str = ""
    partitions: list[OffsetForLeaderPartition] = []


class OffsetForLeaderPartition(Struct):
    """TODO."""

    partition: Int32 = 0
    current_leader_epoch: Int32 = -1
    leader_epoch: Int32 = 0


class OffsetForLeaderEpochResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[OffsetForLeaderTopicResult] = []


class OffsetForLeaderTopicResult(Struct):
    """TODO."""

    topic: str = ""
    partitions: list[EpochEndOffset] = []


class EpochEndOffset(Struct):
    """TODO."""

    error_code: Int16 = 0
    partition: Int32 = 0
    leader_epoch: Int32 = -1
    end_offset: Int64 = -1
