"""LeaveGroup: members leave a consumer group: one up to v2, several from v3 on (KIP-345)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Message, Since, Struct, Until

API = Api(key=13, name="LeaveGroup", first=0, last=5, flexible=4)


class LeaveGroupRequest(Message):
    """Who leaves."""

    api = API

    group_id: str = ""
    member_id: Annotated[str, Until(2)] = ""
    members: Annotated[list[MemberIdentity], Since(3)] = []


class MemberIdentity(Struct):
    """A member by id, or a static one by instance; from v5 on with the reason (KIP-800)."""

    member_id: str = ""
    group_instance_id: str | None = None
    reason: Annotated[str | None, Since(5)] = None


class LeaveGroupResponse(Message):
    """Up to v2 one result, from v3 on one per member."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = 0
    members: Annotated[list[MemberResponse], Since(3)] = []


class MemberResponse(Struct):
    """Whether one member left."""

    member_id: str = ""
    group_instance_id: str | None = ""
    error_code: Int16 = 0
