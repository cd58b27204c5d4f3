"""FindCoordinator (10), versions 0-4: who coordinates a group, or a transactional id. Always this broker.

Odd: GROUP_AUTHORIZATION_FAILED (30), TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without DESCRIBE of
it; an empty group id gets INVALID_GROUP_ID (24), an empty transactional id and key types other than
0 (groups) and 1 (transactions) INVALID_REQUEST (42); POLICY_VIOLATION (44), and no word, for more
than 1,000 keys. A key that is named twice is told once.

- 0: groups only. 1: key types. 4: several keys at once.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import Refusal, code_of
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse

GROUP, TRANSACTION = 0, 1
SEVERAL_KEYS = 4
NOBODY = -1


def handle(broker: Broker, request: FindCoordinatorRequest, caller: Caller) -> FindCoordinatorResponse:
    if caller.version >= SEVERAL_KEYS:
        keys = dict.fromkeys(request.coordinator_keys)
        if len(keys) > broker.limits.max_named_per_request:
            return FindCoordinatorResponse(coordinators=[_nobody(key, ErrorCode.POLICY_VIOLATION) for key in keys])
        return FindCoordinatorResponse(
            coordinators=[_coordinator(broker, caller, key, request.key_type) for key in keys]
        )
    found = _coordinator(broker, caller, request.key, request.key_type)
    return FindCoordinatorResponse(
        error_code=found.error_code,
        error_message=found.error_message,
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )


def _coordinator(broker: Broker, caller: Caller, key: str, key_type: int) -> Coordinator:
    try:
        _check(key, key_type)
        asked = acl.group(key) if key_type == GROUP else acl.transactional_id(key)
        broker.authorizer.check(caller, Operation.DESCRIBE, asked)
    except Refusal as refusal:
        return _nobody(key, code_of(refusal), str(refusal))
    at = caller.session.endpoint
    return Coordinator(key=key, node_id=broker.identity.node_id, host=at.host, port=at.port, error_message=None)


def _nobody(key: str, error: ErrorCode, message: str | None = None) -> Coordinator:
    return Coordinator(key=key, node_id=NOBODY, port=NOBODY, error_code=error, error_message=message)


def _check(key: str, key_type: int) -> None:
    if key_type not in (GROUP, TRANSACTION):
        raise Refusal(ErrorCode.INVALID_REQUEST, f"there are no coordinators of key type {key_type}")
    if not key and key_type == TRANSACTION:
        raise Refusal(ErrorCode.INVALID_REQUEST, "a transactional id is not empty")
    if not key:
        raise Refusal(ErrorCode.INVALID_GROUP_ID, "a group id is not empty")
