"""SyncGroup: the leader of a consumer group shares out the partitions, every member learns its own."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Message, Since, Struct

API = Api(key=14, name="SyncGroup", first=0, last=5, flexible=4)


class SyncGroupRequest(Message):
    """Only the leader sends assignments."""

    api = API

    group_id: str = ""
    generation_id: Int32 = 0
    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(3)] = None
    protocol_type: Annotated[str | None, Since(5)] = None
    protocol_name: Annotated[str | None, Since(5)] = None
    assignments: list[SyncGroupRequestAssignment] = []


class SyncGroupRequestAssignment(Struct):
    """What one member gets, in bytes that only consumers read."""

    member_id: str = ""
    assignment: bytes = b""


class SyncGroupResponse(Message):
    """What this member gets."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = 0
    protocol_type: Annotated[str | None, Since(5)] = None
    protocol_name: Annotated[str | None, Since(5)] = None
    assignment: bytes = b""
