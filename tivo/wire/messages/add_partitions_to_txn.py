"""AddPartitionsToTxn: partitions that a transaction is about to write to (KIP-98)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Struct

API = Api(key=24, name="AddPartitionsToTxn", first=0, last=3, flexible=3)


class AddPartitionsToTxnRequest(Message):
    """The producer, by the identity that InitProducerId gave it, and the partitions. v4 is between brokers."""

    api = API

    v3_and_below_transactional_id: str = ""
    v3_and_below_producer_id: Int64 = 0
    v3_and_below_producer_epoch: Int16 = 0
    v3_and_below_topics: list[AddPartitionsToTxnTopic] = []


class AddPartitionsToTxnTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[Int32] = []


class AddPartitionsToTxnResponse(Message):
    """A result per partition: all of them belong to the transaction now, or none."""

    api = API

    throttle_time_ms: Int32 = 0
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = []


class AddPartitionsToTxnTopicResult(Struct):
    """Partitions of one topic."""

    name: str = ""
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = []


class AddPartitionsToTxnPartitionResult(Struct):
    """One partition."""

    partition_index: Int32 = 0
    partition_error_code: Int16 = 0
