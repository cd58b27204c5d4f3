"""OffsetCommit: how far a consumer group has come."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Since, Struct, Until

API = Api(key=8, name="OffsetCommit", first=2, last=9, flexible=8)


class OffsetCommitRequest(Message):
    """The positions to keep. Without members (generation -1) anyone may commit."""

    api = API

    group_id: str = ""
    generation_id_or_member_epoch: Int32 = -1
    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(7)] = None
    retention_time_ms: Annotated[Int64, Until(4)] = -1
    topics: list[OffsetCommitRequestTopic] = []


class OffsetCommitRequestTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[OffsetCommitRequestPartition] = []


class OffsetCommitRequestPartition(Struct):
    """The next offset to read, with metadata that only consumers understand."""

    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, Since(6)] = -1
    committed_metadata: str | None = ""


class OffsetCommitResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(3)] = 0
    topics: list[OffsetCommitResponseTopic] = []


class OffsetCommitResponseTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[OffsetCommitResponsePartition] = []


class OffsetCommitResponsePartition(Struct):
    """Whether one position is kept."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
