"""InitProducerId: an identity for an idempotent or transactional producer (KIP-98)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Int64, Message, Since

API = Api(key=22, name="InitProducerId", first=0, last=4, flexible=2)


class InitProducerIdRequest(Message):
    """Asks for an identity; from v3 on one that a producer has may be carried on (KIP-360)."""

    api = API

    transactional_id: str | None = ""
    transaction_timeout_ms: Int32 = 0
    producer_id: Annotated[Int64, Since(3)] = -1
    producer_epoch: Annotated[Int16, Since(3)] = -1


class InitProducerIdResponse(Message):
    """The identity: the epoch fences earlier producers of the same transactional id."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    producer_id: Int64 = -1
    producer_epoch: Int16 = 0
