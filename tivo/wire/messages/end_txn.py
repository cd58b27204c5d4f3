"""EndTxn: a transaction is over, committed or aborted (KIP-98)."""

from __future__ import annotations

from tivo.wire.schema import Api, Boolean, Int16, Int32, Int64, Message

API = Api(key=26, name="EndTxn", first=0, last=3, flexible=3)


class EndTxnRequest(Message):
    """The producer, and whether its transaction counts."""

    api = API

    transactional_id: str = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    committed: Boolean = False


class EndTxnResponse(Message):
    """Whether it ends like that."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
