"""OffsetForLeaderEpoch: where a leader epoch ended, so that a consumer sees truncation (KIP-320)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=23, name="OffsetForLeaderEpoch", first=2, last=4, flexible=4)


class OffsetForLeaderEpochRequest(Message):
    """The partitions and epochs asked about; consumers are replica -1."""

    api = API

    replica_id: Annotated[Int32, Since(3)] = -2
    topics: list[OffsetForLeaderTopic] = []


class OffsetForLeaderTopic(Struct):
    """Partitions of one topic."""

    topic: str = ""
    partitions: list[OffsetForLeaderPartition] = []


class OffsetForLeaderPartition(Struct):
    """One partition: the epoch asked about, and the one that the client takes for the current."""

    partition: Int32 = 0
    current_leader_epoch: Int32 = -1
    leader_epoch: Int32 = 0


class OffsetForLeaderEpochResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[OffsetForLeaderTopicResult] = []


class OffsetForLeaderTopicResult(Struct):
    """Partitions of one topic."""

    topic: str = ""
    partitions: list[EpochEndOffset] = []


class EpochEndOffset(Struct):
    """The offset at which the largest epoch not above the one asked about ended; -1 if there is none."""

    error_code: Int16 = 0
    partition: Int32 = 0
    leader_epoch: Int32 = -1
    end_offset: Int64 = -1
