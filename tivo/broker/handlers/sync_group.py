"""SyncGroup (14), versions 0-5: a member gets its part of the partitions; the leader brings everybody's.

A follower's request waits for the leader's, and all wait until the new generation is on stable storage.

Odd: GROUP_AUTHORIZATION_FAILED (30) without READ of the group, REBALANCE_IN_PROGRESS (27) where the
group has begun another rebalance, ILLEGAL_GENERATION (22), UNKNOWN_MEMBER_ID (25),
FENCED_INSTANCE_ID (82), INCONSISTENT_GROUP_PROTOCOL (23), INVALID_GROUP_ID (24),
GROUP_MAX_SIZE_REACHED (81) for a leader whose assignments are too much,
COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing.

- 3: static members. 5: protocol type and name are told, and checked where the client names them.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.membership import Answer, Sync, Synced
from tivo.broker.replies import Reply
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse


def handle(broker: Broker, request: SyncGroupRequest, caller: Caller) -> Reply:
    error = broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id))
    if error or not request.group_id:
        return SyncGroupResponse(error_code=error or ErrorCode.INVALID_GROUP_ID)
    sync = Sync(
        ticket=broker.coordinator.ticket(),
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id,
        protocol_type=request.protocol_type,
        protocol=request.protocol_name,
        assignments=tuple((part.member_id, part.assignment) for part in request.assignments),
    )
    return broker.coordinator.ask(request.group_id, sync, _response)


def _response(answer: Answer) -> SyncGroupResponse:
    assert isinstance(answer, Synced), answer
    return SyncGroupResponse(
        error_code=answer.error,
        protocol_type=answer.protocol_type,
        protocol_name=answer.protocol,
        assignment=answer.assignment,
    )
