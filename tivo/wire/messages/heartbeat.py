"""Heartbeat: a member of a consumer group is alive, and learns of a rebalance."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Message, Since

API = Api(key=12, name="Heartbeat", first=0, last=4, flexible=4)


class HeartbeatRequest(Message):
    """Who is alive, in which generation."""

    api = API

    group_id: str = ""
    generation_id: Int32 = 0
    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(3)] = None


class HeartbeatResponse(Message):
    """Error 27 says that the group rebalances and waits for this member to join again."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = 0
