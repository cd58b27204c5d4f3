"""ListTransactions: which transactional ids there are (KIP-664)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Struct

API = Api(key=66, name="ListTransactions", first=0, last=0, flexible=0)


class ListTransactionsRequest(Message):
    """All of them, or those in some states and of some producers."""

    api = API

    state_filters: list[str] = []
    producer_id_filters: list[Int64] = []


class ListTransactionsResponse(Message):
    """One entry per transactional id, and the states asked for that there are not."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    unknown_state_filters: list[str] = []
    transaction_states: list[TransactionState] = []


class TransactionState(Struct):
    """One transactional id."""

    transactional_id: str = ""
    producer_id: Int64 = 0
    transaction_state: str = ""
