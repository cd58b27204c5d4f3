"""Heartbeat (12), versions 0-4: a member says that it lives, and learns whether it has to join again.

Odd: GROUP_AUTHORIZATION_FAILED (30) without READ of the group; REBALANCE_IN_PROGRESS (27) tells it
to join again; ILLEGAL_GENERATION (22), UNKNOWN_MEMBER_ID (25), FENCED_INSTANCE_ID (82),
INVALID_GROUP_ID (24).

- 3: static members.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.membership import Answer, Beaten, Heartbeat
from tivo.broker.replies import Reply
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse


def handle(broker: Broker, request: HeartbeatRequest, caller: Caller) -> Reply:
    error = broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id))
    if error or not request.group_id:
        return HeartbeatResponse(error_code=error or ErrorCode.INVALID_GROUP_ID)
    beat = Heartbeat(
        ticket=broker.coordinator.ticket(),
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id,
    )
    return broker.coordinator.ask(request.group_id, beat, _response)


def _response(answer: Answer) -> HeartbeatResponse:
    assert isinstance(answer, Beaten), answer
    return HeartbeatResponse(error_code=answer.error)
