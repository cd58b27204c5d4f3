"""OffsetDelete: forget committed offsets of topics that the group no longer reads (KIP-496)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Message, Struct

API = Api(key=47, name="OffsetDelete", first=0, last=0)


class OffsetDeleteRequest(Message):
    """The group and the partitions."""

    api = API

    group_id: str = ""
    topics: list[OffsetDeleteRequestTopic] = []


class OffsetDeleteRequestTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[OffsetDeleteRequestPartition] = []


class OffsetDeleteRequestPartition(Struct):
    """One partition."""

    partition_index: Int32 = 0


class OffsetDeleteResponse(Message):
    """A result per partition; an error of the whole request stands here."""

    api = API

    error_code: Int16 = 0
    throttle_time_ms: Int32 = 0
    topics: list[OffsetDeleteResponseTopic] = []


class OffsetDeleteResponseTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[OffsetDeleteResponsePartition] = []


class OffsetDeleteResponsePartition(Struct):
    """Whether one offset is forgotten."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
