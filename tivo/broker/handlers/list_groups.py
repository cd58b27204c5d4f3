"""ListGroups (16), versions 0-5: the groups that there are, with those that only have committed offsets.

- Without DESCRIBE of the cluster only those are listed that the caller may DESCRIBE.
- 4: states, and a filter by them (no filter: all). 5: types, and a filter by them; all are `classic`.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.generations import State
from tivo.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse

CLASSIC = "classic"
"""What KIP-848 calls the groups of Join and Sync; there are no others here."""


def handle(broker: Broker, request: ListGroupsRequest, caller: Caller) -> ListGroupsResponse:
    types = {kind.lower() for kind in request.types_filter}
    if types and CLASSIC not in types:
        return ListGroupsResponse()
    sees_all = broker.authorizer.sees(caller, Operation.DESCRIBE, acl.CLUSTER)
    listed = [
        _listed(broker, group_id)
        for group_id in broker.coordinator.group_ids()
        if sees_all or broker.authorizer.sees(caller, Operation.DESCRIBE, acl.group(group_id))
    ]
    states = {state.lower() for state in request.states_filter}
    return ListGroupsResponse(groups=[group for group in listed if not states or group.group_state.lower() in states])


def _listed(broker: Broker, group_id: str) -> ListedGroup:
    group = broker.coordinator.group(group_id)
    if group is None:
        return ListedGroup(group_id=group_id, group_state=State.EMPTY.value, group_type=CLASSIC)
    return ListedGroup(
        group_id=group_id,
        protocol_type=group.protocol_type or "",
        group_state=group.state.value,
        group_type=CLASSIC,
    )
