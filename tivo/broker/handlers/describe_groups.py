"""DescribeGroups (15), versions 0-5: state and members of groups.

Odd: GROUP_AUTHORIZATION_FAILED (30) without DESCRIBE; a group that nobody is in and that is not
known has the state "Dead" and no error. An empty group id gets INVALID_GROUP_ID (24). More than
1,000 groups get POLICY_VIOLATION (44).

- A group that is named twice is told once.
- 3: what the caller may do to a group is told where he asks. 4: static members.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.generations import State
from tivo.broker.groups import Group
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)

UNKNOWN = "Dead"


def handle(broker: Broker, request: DescribeGroupsRequest, caller: Caller) -> DescribeGroupsResponse:
    wanted = dict.fromkeys(request.groups)
    if len(wanted) > broker.limits.max_named_per_request:
        return DescribeGroupsResponse(
            groups=[DescribedGroup(group_id=each, error_code=ErrorCode.POLICY_VIOLATION) for each in wanted]
        )
    groups = [_authorized(broker, caller, group_id) for group_id in wanted]
    if request.include_authorized_operations:
        for group in groups:
            if not group.error_code:
                group.authorized_operations = broker.authorizer.operations(caller, acl.group(group.group_id))
    return DescribeGroupsResponse(groups=groups)


def _authorized(broker: Broker, caller: Caller, group_id: str) -> DescribedGroup:
    error = broker.authorizer.error(caller, Operation.DESCRIBE, acl.group(group_id))
    return DescribedGroup(group_id=group_id, error_code=error) if error else _described(broker, group_id)


def _described(broker: Broker, group_id: str) -> DescribedGroup:
    if not group_id:
        return DescribedGroup(error_code=ErrorCode.INVALID_GROUP_ID)
    group = broker.coordinator.group(group_id)
    if group is None:
        has_offsets = bool(broker.coordinator.offsets.of_group(group_id))
        return DescribedGroup(group_id=group_id, group_state=State.EMPTY.value if has_offsets else UNKNOWN)
    dealt = group.state is State.STABLE
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=(group.protocol or "") if dealt else "",
        members=_members(group, group.protocol if dealt else None),
    )


def _members(group: Group, protocol: str | None) -> list[DescribedGroupMember]:
    """What members told about themselves and own is shown only while it holds."""
    return [
        DescribedGroupMember(
            member_id=member.member_id,
            group_instance_id=member.instance_id,
            client_id=member.client_id,
            client_host=member.client_host,
            member_metadata=b"" if protocol is None else member.metadata(protocol),
            member_assignment=b"" if protocol is None else member.assignment,
        )
        for member in group.members.values()
    ]
