"""FindCoordinator (10), versions 0-4: who coordinates a group. Always this broker.

Odd: key types other than 0 (groups) get INVALID_REQUEST (42): there are no transactions to
coordinate. An empty group id gets INVALID_GROUP_ID (24).

- 0: groups only. 1: key types. 4: several keys at once.
"""

from tivo.broker.broker import Broker, Caller
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse

GROUP = 0
SEVERAL_KEYS = 4


def handle(broker: Broker, request: FindCoordinatorRequest, caller: Caller) -> FindCoordinatorResponse:
    if caller.version >= SEVERAL_KEYS:
        return FindCoordinatorResponse(
            coordinators=[_coordinator(broker, key, request.key_type) for key in request.coordinator_keys]
        )
    found = _coordinator(broker, request.key, request.key_type)
    return FindCoordinatorResponse(
        error_code=found.error_code,
        error_message=found.error_message,
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )


def _coordinator(broker: Broker, key: str, key_type: int) -> Coordinator:
    me = broker.identity
    if key_type != GROUP:
        message = f"there are coordinators of groups only, none of key type {key_type}"
        return Coordinator(key=key, node_id=-1, error_code=ErrorCode.INVALID_REQUEST, error_message=message, port=-1)
    if not key:
        message = "a group id is not empty"
        return Coordinator(key=key, node_id=-1, error_code=ErrorCode.INVALID_GROUP_ID, error_message=message, port=-1)
    return Coordinator(key=key, node_id=me.node_id, host=me.host, port=me.port, error_message=None)
