"""DescribeProducers: who writes to a partition, and since where a transaction is open in it (KIP-664)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Struct

API = Api(key=61, name="DescribeProducers", first=0, last=0, flexible=0)


class DescribeProducersRequest(Message):
    """The partitions asked about."""

    api = API

    topics: list[TopicRequest] = []


class TopicRequest(Struct):
    """Partitions of one topic."""

    name: str = ""
    partition_indexes: list[Int32] = []


class DescribeProducersResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[TopicResponse] = []


class TopicResponse(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[PartitionResponse] = []


class PartitionResponse(Struct):
    """One partition, and its idempotent producers."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: str | None = None
    active_producers: list[ProducerState] = []


class ProducerState(Struct):
    """One producer; -1 where there is nothing to tell."""

    producer_id: Int64 = 0
    producer_epoch: Int32 = 0
    last_sequence: Int32 = -1
    last_timestamp: Int64 = -1
    coordinator_epoch: Int32 = 0
    current_txn_start_offset: Int64 = -1
