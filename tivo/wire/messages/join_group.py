"""JoinGroup: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Message, NullableSince, Since, Struct

API = Api(key=11, name="JoinGroup", first=0, last=9, flexible=6)


class JoinGroupRequest(Message):
    """TODO."""

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
    """TODO."""

    name: str = ""
    metadata: bytes = b""


class JoinGroupResponse(Message):
    """TODO."""

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
    """TODO."""

    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(5)] = None
    metadata: bytes = b""
