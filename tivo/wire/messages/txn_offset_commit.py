"""TxnOffsetCommit: offsets of a group that count once the transaction is committed (KIP-98, KIP-447)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=28, name="TxnOffsetCommit", first=0, last=3, flexible=3)


class TxnOffsetCommitRequest(Message):
    """The producer, the group, from v3 on the member that consumed, and how far it has come."""

    api = API

    transactional_id: str = ""
    group_id: str = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    generation_id: Annotated[Int32, Since(3)] = -1
    member_id: Annotated[str, Since(3)] = ""
    group_instance_id: Annotated[str | None, Since(3)] = None
    topics: list[TxnOffsetCommitRequestTopic] = []


class TxnOffsetCommitRequestTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[TxnOffsetCommitRequestPartition] = []


class TxnOffsetCommitRequestPartition(Struct):
    """One position: the next offset to read, with the leader epoch of the last record read."""

    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, Since(2)] = -1
    committed_metadata: str | None = ""


class TxnOffsetCommitResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[TxnOffsetCommitResponseTopic] = []


class TxnOffsetCommitResponseTopic(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[TxnOffsetCommitResponsePartition] = []


class TxnOffsetCommitResponsePartition(Struct):
    """One position."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
