"""Access control entries for tests, in few words."""

from tests.support.broker import BrokerBench
from tivo.auth.acl import Operation, PatternType, Permission, ResourceType
from tivo.wire.messages.create_acls import AclCreation, AclCreationResult, CreateAclsRequest


def creation(
    operation: Operation = Operation.READ,
    *,
    kind: ResourceType = ResourceType.TOPIC,
    name: str = "t",
    pattern: PatternType = PatternType.LITERAL,
    principal: str = "User:ada",
    permission: Permission = Permission.ALLOW,
) -> AclCreation:
    return AclCreation(
        resource_type=kind,
        resource_name=name,
        resource_pattern_type=pattern,
        principal=principal,
        host="*",
        operation=operation,
        permission_type=permission,
    )


def create(bench: BrokerBench, *creations: AclCreation) -> list[AclCreationResult]:
    """The results of making these entries."""
    results: list[AclCreationResult] = bench.ask(CreateAclsRequest(creations=list(creations))).results
    return results
