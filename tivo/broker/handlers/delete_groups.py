"""DeleteGroups (42), versions 0-2: delete groups that nobody is in, with their committed offsets.

Odd: GROUP_AUTHORIZATION_FAILED (30) without DELETE, NON_EMPTY_GROUP (68), GROUP_ID_NOT_FOUND (69),
COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing; POLICY_VIOLATION (44), and nothing
deleted, for more than 1,000 groups.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.replies import Parts, Reply
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse


def handle(broker: Broker, request: DeleteGroupsRequest, caller: Caller) -> Reply:
    response = DeleteGroupsResponse()
    parts = Parts(response)
    is_over = len(request.groups_names) > broker.limits.max_named_per_request
    for group_id in request.groups_names:
        result = DeletableGroupResult(group_id=group_id)
        response.results.append(result)
        result.error_code = (
            ErrorCode.POLICY_VIOLATION
            if is_over
            else broker.authorizer.error(caller, Operation.DELETE, acl.group(group_id))
        )
        if result.error_code:
            continue
        parts.owe()
        broker.coordinator.delete(group_id, partial(_deleted, parts, result))
    return parts.reply()


def _deleted(parts: Parts, result: DeletableGroupResult, error: ErrorCode | LogError | None) -> None:
    if error is not None:
        result.error_code = ErrorCode.COORDINATOR_NOT_AVAILABLE if isinstance(error, LogError) else error
    parts.settle()
