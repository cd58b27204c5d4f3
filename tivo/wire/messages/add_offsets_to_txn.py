"""AddOffsetsToTxn: a group whose offsets a transaction is about to commit (KIP-98)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Int64, Message

API = Api(key=25, name="AddOffsetsToTxn", first=0, last=3, flexible=3)


class AddOffsetsToTxnRequest(Message):
    """The producer and the group."""

    api = API

    transactional_id: str = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    group_id: str = ""


class AddOffsetsToTxnResponse(Message):
    """Whether the group's offsets belong to the transaction now."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
