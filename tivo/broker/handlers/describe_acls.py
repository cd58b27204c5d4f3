"""DescribeAcls (29), versions 1-3: the access control entries that a filter asks for.

Odd: SECURITY_DISABLED (54) where the authorizer is off; CLUSTER_AUTHORIZATION_FAILED (31) without
DESCRIBE of the cluster; INVALID_REQUEST (42) for a filter of kinds that there are not.

- 1: names may be prefixes (KIP-290). 3: entries about users, of which there are none here.
"""

from typing import Protocol, TypeVar

from tivo.auth.acl import CLUSTER, Acls, Entry, Filter, Operation, PatternType, Permission, ResourceType
from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import Refusal, code_of
from tivo.model.errors import RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_acls import (
    AclDescription,
    DescribeAclsRequest,
    DescribeAclsResource,
    DescribeAclsResponse,
)

K = TypeVar("K", ResourceType, PatternType, Operation, Permission)


class Asked(Protocol):
    """A filter as DescribeAcls and DeleteAcls have it."""

    resource_type_filter: int
    resource_name_filter: str | None
    pattern_type_filter: int
    principal_filter: str | None
    host_filter: str | None
    operation: int
    permission_type: int


def handle(broker: Broker, request: DescribeAclsRequest, caller: Caller) -> DescribeAclsResponse:
    try:
        acls = acls_of(broker)
        broker.authorizer.check(caller, Operation.DESCRIBE, CLUSTER)
        found = acls.found(filter_of(request))
    except RequestError as error:
        return DescribeAclsResponse(error_code=code_of(error), error_message=str(error))
    by_resource: dict[tuple[int, str, int], list[Entry]] = {}
    for entry in found:
        by_resource.setdefault((entry.resource_type, entry.name, entry.pattern), []).append(entry)
    return DescribeAclsResponse(
        error_message=None,
        resources=[
            DescribeAclsResource(
                resource_type=kind,
                resource_name=name,
                pattern_type=pattern,
                acls=[_described(entry) for entry in entries],
            )
            for (kind, name, pattern), entries in by_resource.items()
        ],
    )


def acls_of(broker: Broker) -> Acls:
    """Raises Refusal (SECURITY_DISABLED)."""
    if broker.authorizer.acls is None:
        raise Refusal(ErrorCode.SECURITY_DISABLED, "access control is off: `kafka.authorizer = acl` turns it on")
    return broker.authorizer.acls


def filter_of(asked: Asked) -> Filter:
    """Raises Refusal (INVALID_REQUEST)."""
    return Filter(
        resource_type=kind_of(ResourceType, asked.resource_type_filter),
        pattern=kind_of(PatternType, asked.pattern_type_filter),
        name=asked.resource_name_filter,
        principal=asked.principal_filter,
        host=asked.host_filter,
        operation=kind_of(Operation, asked.operation),
        permission=kind_of(Permission, asked.permission_type),
    )


def kind_of(kinds: type[K], number: int) -> K:
    """Raises Refusal (INVALID_REQUEST) for a number that is none of these."""
    try:
        return kinds(number)
    except ValueError:
        raise Refusal(ErrorCode.INVALID_REQUEST, f"there is no {kinds.__name__} {number}") from None


def _described(entry: Entry) -> AclDescription:
    return AclDescription(
        principal=entry.principal, host=entry.host, operation=entry.operation, permission_type=entry.permission
    )
