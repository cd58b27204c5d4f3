"""DescribeGroups: state and members of consumer groups."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import UNKNOWN_OPERATIONS, Api, Boolean, Int16, Int32, Message, Since, Struct

API = Api(key=15, name="DescribeGroups", first=0, last=5, flexible=5)


class DescribeGroupsRequest(Message):
    """The groups asked about."""

    api = API

    groups: list[str] = []
    include_authorized_operations: Annotated[Boolean, Since(3)] = False


class DescribeGroupsResponse(Message):
    """A result per group."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    groups: list[DescribedGroup] = []


class DescribedGroup(Struct):
    """One group; its state by the name that Kafka gives it, such as `Stable`."""

    error_code: Int16 = 0
    group_id: str = ""
    group_state: str = ""
    protocol_type: str = ""
    protocol_data: str = ""
    members: list[DescribedGroupMember] = []
    authorized_operations: Annotated[Int32, Since(3)] = UNKNOWN_OPERATIONS


class DescribedGroupMember(Struct):
    """One member; what it subscribes to and was assigned is bytes that only consumers read."""

    member_id: str = ""
    group_instance_id: Annotated[str | None, Since(4)] = None
    client_id: str = ""
    client_host: str = ""
    member_metadata: bytes = b""
    member_assignment: bytes = b""
