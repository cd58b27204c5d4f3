"""DescribeTransactions: where transactions stand, by transactional id (KIP-664)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Struct

API = Api(key=65, name="DescribeTransactions", first=0, last=0, flexible=0)


class DescribeTransactionsRequest(Message):
    """The transactional ids asked about."""

    api = API

    transactional_ids: list[str] = []


class DescribeTransactionsResponse(Message):
    """A result per transactional id."""

    api = API

    throttle_time_ms: Int32 = 0
    transaction_states: list[TransactionState] = []


class TransactionState(Struct):
    """One transaction; its state by the name that Kafka gives it, such as `Ongoing`."""

    error_code: Int16 = 0
    transactional_id: str = ""
    transaction_state: str = ""
    transaction_timeout_ms: Int32 = 0
    transaction_start_time_ms: Int64 = 0
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    topics: list[TopicData] = []


class TopicData(Struct):
    """Partitions of one topic that belong to the transaction."""

    topic: str = ""
    partitions: list[Int32] = []
