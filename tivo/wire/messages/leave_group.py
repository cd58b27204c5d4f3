"""LeaveGroup: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Message, Since, Struct, Until

API = Api(key=13, name="LeaveGroup", first=0, last=5, flexible=4)


class LeaveGroupRequest(Message):
    """TODO."""

    api = API

    group_id: str = ""
    member_id: Annotated[str, Until(2)] = ""
    members: Annotated[list[MemberIdentity], Since(3)] = []


class MemberIdentity(Struct):
    """TODO."""

    member_id: str = ""
    group_instance_id: str | None = None
    reason: Annotated[str | None, Since(5)] = None


class LeaveGroupResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = 0
    members: Annotated[list[MemberResponse], Since(3)] = []


class MemberResponse(Struct):
    """TODO."""

    member_id: str = ""
    group_instance_id: str | None = ""
    error_code: Int16 = 0
