"""OffsetFetch: how far consumer groups have come: one group up to v7, several from v8 on (KIP-709)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Int64, Message, NullableSince, Since, Struct, Until

API = Api(key=9, name="OffsetFetch", first=1, last=9, flexible=6)


class OffsetFetchRequest(Message):
    """The group and its topics; topics None (from v2 on) means all. `require_stable` waits for open transactions."""

    api = API

    group_id: Annotated[str, Until(7)] = ""
    topics: Annotated[list[OffsetFetchRequestTopic] | None, NullableSince(2), Until(7)] = []
    groups: Annotated[list[OffsetFetchRequestGroup], Since(8)] = []
    require_stable: Annotated[Boolean, Since(7)] = False


class OffsetFetchRequestTopic(Struct):
    """Partitions of one topic, up to v7."""

    name: str = ""
    partition_indexes: list[Int32] = []


class OffsetFetchRequestGroup(Struct):
    """One group and its topics, from v8 on; topics None means all."""

    group_id: str = ""
    member_id: Annotated[str | None, Since(9)] = None
    member_epoch: Annotated[Int32, Since(9)] = -1
    topics: list[OffsetFetchRequestTopics] | None = []


class OffsetFetchRequestTopics(Struct):
    """Partitions of one topic, from v8 on."""

    name: str = ""
    partition_indexes: list[Int32] = []


class OffsetFetchResponse(Message):
    """Topics up to v7, groups from v8 on."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(3)] = 0
    topics: Annotated[list[OffsetFetchResponseTopic], Until(7)] = []
    error_code: Annotated[Int16, Since(2), Until(7)] = 0
    groups: Annotated[list[OffsetFetchResponseGroup], Since(8)] = []


class OffsetFetchResponseTopic(Struct):
    """Partitions of one topic, up to v7."""

    name: str = ""
    partitions: list[OffsetFetchResponsePartition] = []


class OffsetFetchResponsePartition(Struct):
    """One position, up to v7; offset -1 if there is none."""

    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, Since(5)] = -1
    metadata: str | None = ""
    error_code: Int16 = 0


class OffsetFetchResponseGroup(Struct):
    """One group, from v8 on."""

    group_id: str = ""
    topics: list[OffsetFetchResponseTopics] = []
    error_code: Int16 = 0


class OffsetFetchResponseTopics(Struct):
    """Partitions of one topic, from v8 on."""

    name: str = ""
    partitions: list[OffsetFetchResponsePartitions] = []


class OffsetFetchResponsePartitions(Struct):
    """One position, from v8 on; offset -1 if there is none."""

    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Int32 = -1
    metadata: str | None = ""
    error_code: Int16 = 0
