"""JoinGroup: become a member of a consumer group, wait for the others, learn who leads."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Message, NullableSince, Since, Struct

API = Api(key=11, name="JoinGroup", first=0, last=9, flexible=6)


class JoinGroupRequest(Message):
    """A new member has an empty id. From v5 on a static member names its instance (KIP-345)."""

    api = API

    group_id: str = ""
    session_timeout_ms: Int32 = 0
    rebalance_timeout_ms: Annotated[Int32, Since(1)] = -1
    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(5)] = None
    protocol_type: str = ""
    protocols: list[JoinGroupRequestProtocol] = []
    reason: Annotated[str | None, Since(8)] = None


class JoinGroupRequestProtocol(Struct):
    """A way of sharing out partitions, and what the member subscribes to; only consumers read the latter."""

    name: str = ""
    metadata: bytes = b""


class JoinGroupResponse(Message):
    """The generation. Only the leader is told the members; from v9 on it may be told to assign nothing (KIP-814)."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(2)] = 0
    error_code: Int16 = 0
    generation_id: Int32 = -1
    protocol_type: Annotated[str | None, Since(7)] = None
    protocol_name: Annotated[str | None, NullableSince(7)] = ""
    leader: str = ""
    skip_assignment: Annotated[Boolean, Since(9)] = False
    member_id: str = ""
    members: list[JoinGroupResponseMember] = []


class JoinGroupResponseMember(Struct):
    """A member, and what it subscribes to."""

    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(5)] = None
    metadata: bytes = b""
