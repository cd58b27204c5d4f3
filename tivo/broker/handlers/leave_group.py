"""LeaveGroup (13), versions 0-5: members go, and the others share what they had.

Odd: GROUP_AUTHORIZATION_FAILED (30) without READ of the group, UNKNOWN_MEMBER_ID (25),
FENCED_INSTANCE_ID (82), INVALID_GROUP_ID (24); POLICY_VIOLATION (44), and nobody gone, for more than
1,000 members at once.

- 0-2: one member, whose error is the response's. 3: several at once, each with its own error;
  an operator removes static members by their instance id with an empty member id.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.membership import Answer, Leave, Left
from tivo.broker.replies import Reply
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberResponse

SEVERAL = 3


def handle(broker: Broker, request: LeaveGroupRequest, caller: Caller) -> Reply:
    error = broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id))
    if error or not request.group_id:
        return LeaveGroupResponse(error_code=error or ErrorCode.INVALID_GROUP_ID)
    if len(request.members) > broker.limits.max_named_per_request:
        return LeaveGroupResponse(error_code=ErrorCode.POLICY_VIOLATION)
    several = caller.version >= SEVERAL
    leavers: tuple[tuple[str, str | None], ...] = ((request.member_id, None),)
    if several:
        leavers = tuple((member.member_id, member.group_instance_id) for member in request.members)

    def response(answer: Answer) -> LeaveGroupResponse:
        assert isinstance(answer, Left), answer
        if not several:
            return LeaveGroupResponse(error_code=answer.errors[0])
        return LeaveGroupResponse(
            members=[
                MemberResponse(member_id=member_id, group_instance_id=instance_id, error_code=error)
                for (member_id, instance_id), error in zip(leavers, answer.errors, strict=True)
            ]
        )

    leave = Leave(ticket=broker.coordinator.ticket(), leavers=leavers)
    return broker.coordinator.ask(request.group_id, leave, response)
