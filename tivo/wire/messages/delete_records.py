"""DeleteRecords: let the log of partitions start later (KIP-107)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Struct

API = Api(key=21, name="DeleteRecords", first=0, last=2, flexible=2)


class DeleteRecordsRequest(Message):
    """The partitions, each with the offset at which its log is to start."""

    api = API

    topics: list[DeleteRecordsTopic] = []
    timeout_ms: Int32 = 0


class DeleteRecordsTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[DeleteRecordsPartition] = []


class DeleteRecordsPartition(Struct):
    """One partition: records below `offset` go; -1 stands for the high watermark."""

    partition_index: Int32 = 0
    offset: Int64 = 0


class DeleteRecordsResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[DeleteRecordsTopicResult] = []


class DeleteRecordsTopicResult(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[DeleteRecordsPartitionResult] = []


class DeleteRecordsPartitionResult(Struct):
    """Where the log starts now, or why it did not move."""

    partition_index: Int32 = 0
    low_watermark: Int64 = 0
    error_code: Int16 = 0
