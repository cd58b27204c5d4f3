"""JoinGroup (11), versions 0-9: a consumer asks to be in the next generation of its group; waits for it.

Odd: GROUP_AUTHORIZATION_FAILED (30) without READ of the group, INVALID_GROUP_ID (24),
INVALID_SESSION_TIMEOUT (26) outside 6 s to 30 min, INVALID_REQUEST (42) for more than 256 KiB of
protocols with their metadata, which the group would have to keep for the member, for a name of a
protocol or of their type above 32,767 bytes, which the journal cannot keep, and for an instance id
above 249; INCONSISTENT_GROUP_PROTOCOL (23),
UNKNOWN_MEMBER_ID (25), FENCED_INSTANCE_ID (82), GROUP_MAX_SIZE_REACHED (81) for more than 1,000
members, 8 MiB of metadata in all, or what groups may take together (see `holdings`),
COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing.

- 0: no rebalance timeout, the session's counts. 4: a new member gets MEMBER_ID_REQUIRED (79) and
  comes back with the id (KIP-394). 5: static members (KIP-345). 7: the protocol type is told.
- 9: a static leader that is back may be told to assign nothing (KIP-814).
"""

from uuid import uuid4

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker import names
from tivo.broker.broker import Broker, Caller
from tivo.broker.members import size_of
from tivo.broker.membership import Answer, Join, Joined, Protocols
from tivo.broker.names import LONGEST_ID_BYTES, LONGEST_NAME_BYTES
from tivo.broker.replies import Reply
from tivo.model.timeline import MILLISECOND_US
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember

ID_REQUIRED = 4
SKIPS_ASSIGNMENT = 9
LONGEST_CLIENT_ID = 100
"""Characters of a client's name that go into a member's id: the journal keeps ids of 32,767 bytes at most."""


def handle(broker: Broker, request: JoinGroupRequest, caller: Caller) -> Reply:
    session_us = request.session_timeout_ms * MILLISECOND_US
    error = broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id)) or _wrong_with(
        broker, request, session_us
    )
    if error is not ErrorCode.NONE:
        return JoinGroupResponse(error_code=error, member_id=request.member_id)
    rebalance_ms = request.rebalance_timeout_ms
    join = Join(
        ticket=broker.coordinator.ticket(),
        member_id=request.member_id,
        new_member_id=f"{request.group_instance_id or caller.client_id[:LONGEST_CLIENT_ID]}-{uuid4()}",
        instance_id=request.group_instance_id,
        client_id=caller.client_id,
        client_host=f"/{caller.host}",  # as Java writes an address that has no name, and so Kafka
        session_timeout_us=session_us,
        rebalance_timeout_us=session_us if rebalance_ms < 0 else rebalance_ms * MILLISECOND_US,
        protocol_type=request.protocol_type,
        protocols=_protocols(request),
        id_required=caller.version >= ID_REQUIRED,
        skips_assignment=caller.version >= SKIPS_ASSIGNMENT,
    )
    return broker.coordinator.ask(request.group_id, join, _response, user=str(caller.session.principal))


def _wrong_with(broker: Broker, request: JoinGroupRequest, session_us: int) -> ErrorCode:
    if not request.group_id:
        return ErrorCode.INVALID_GROUP_ID
    if not broker.limits.shortest_session_us <= session_us <= broker.limits.longest_session_us:
        return ErrorCode.INVALID_SESSION_TIMEOUT
    if size_of(_protocols(request)) > broker.limits.max_member_metadata_bytes or _has_long_names(request):
        return ErrorCode.INVALID_REQUEST
    return ErrorCode.NONE


def _has_long_names(request: JoinGroupRequest) -> bool:
    """Whether names are longer than the journal can keep, or than an instance has any."""
    kept = (request.protocol_type, *(protocol.name for protocol in request.protocols))
    instance = request.group_instance_id or ""
    return names.size_of(instance) > LONGEST_NAME_BYTES or any(names.size_of(name) > LONGEST_ID_BYTES for name in kept)


def _protocols(request: JoinGroupRequest) -> Protocols:
    return tuple((protocol.name, protocol.metadata) for protocol in request.protocols)


def _response(answer: Answer) -> JoinGroupResponse:
    assert isinstance(answer, Joined), answer
    return JoinGroupResponse(
        error_code=answer.error,
        generation_id=answer.generation,
        protocol_type=answer.protocol_type,
        protocol_name=answer.protocol or "",
        leader=answer.leader,
        skip_assignment=answer.skip_assignment,
        member_id=answer.member_id,
        members=[
            JoinGroupResponseMember(member_id=member_id, group_instance_id=instance_id, metadata=metadata)
            for member_id, instance_id, metadata in answer.members
        ],
    )
