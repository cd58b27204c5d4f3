"""OffsetDelete: TODO."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Message, Struct

API = Api(key=47, name="OffsetDelete", first=0, last=0)


class OffsetDeleteRequest(Message):
    """TODO."""

    api = API

    group_id: str = ""
    topics: list[OffsetDeleteRequestTopic] = []


class OffsetDeleteRequestTopic(Struct):
    """TODO."""

    name: str = ""
    partitions: list[OffsetDeleteRequestPartition] = []


class OffsetDeleteRequestPartition(Struct):
    """TODO."""

    partition_index: Int32 = 0


class OffsetDeleteResponse(Message):
    """TODO."""

    api = API

    error_code: Int16 = 0
    throttle_time_ms: Int32 = 0
    topics: list[OffsetDeleteResponseTopic] = []


class OffsetDeleteResponseTopic(Struct):
    """TODO."""

    name: str = ""
    partitions: list[OffsetDeleteResponsePartition] = []


class OffsetDeleteResponsePartition(Struct):
    """TODO."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
