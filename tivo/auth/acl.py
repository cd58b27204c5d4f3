"""Access control lists as Kafka has them: who, from where, may do what to which topic, group or cluster.

Nothing is allowed that no entry allows; an entry that denies wins over all that allow; super users
may do everything. To read, write, delete or alter something implies to see it (DESCRIBE), to alter
its settings to see them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from tivo.auth.principals import ANYBODY, Principal

EVERY_NAME = "*"
EVERY_HOST = "*"


class ResourceType(IntEnum):
    """What entries are about, in Kafka's numbers."""

    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class PatternType(IntEnum):
    """How a name in an entry is meant. ANY and MATCH only ask: all that is there; all that applies to a name."""

    ANY = 1
    MATCH = 2
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """What may be done."""

    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14


class Permission(IntEnum):
    """Whether an entry allows or denies."""

    ANY = 1
    DENY = 2
    ALLOW = 3


OPERATIONS: dict[ResourceType, frozenset[Operation]] = {
    ResourceType.TOPIC: frozenset(
        {
            Operation.READ,
            Operation.WRITE,
            Operation.CREATE,
            Operation.DELETE,
            Operation.ALTER,
            Operation.DESCRIBE,
            Operation.DESCRIBE_CONFIGS,
            Operation.ALTER_CONFIGS,
        }
    ),
    ResourceType.GROUP: frozenset(
        {
            Operation.READ,
            Operation.DELETE,
            Operation.DESCRIBE,
            Operation.DESCRIBE_CONFIGS,
            Operation.ALTER_CONFIGS,
        }
    ),
    ResourceType.CLUSTER: frozenset(
        {
            Operation.CREATE,
            Operation.ALTER,
            Operation.DESCRIBE,
            Operation.CLUSTER_ACTION,
            Operation.DESCRIBE_CONFIGS,
            Operation.ALTER_CONFIGS,
            Operation.IDEMPOTENT_WRITE,
        }
    ),
    ResourceType.TRANSACTIONAL_ID: frozenset({Operation.WRITE, Operation.DESCRIBE}),
}
"""What can be done to a thing of each type."""

_IMPLIED_BY: dict[Operation, frozenset[Operation]] = {
    Operation.DESCRIBE: frozenset({Operation.READ, Operation.WRITE, Operation.DELETE, Operation.ALTER}),
    Operation.DESCRIBE_CONFIGS: frozenset({Operation.ALTER_CONFIGS}),
}


class Resource(NamedTuple):
    """One thing by its type and name."""

    type: ResourceType
    name: str


CLUSTER = Resource(ResourceType.CLUSTER, "kafka-cluster")
"""The only one of its type."""


def topic(name: str) -> Resource:
    return Resource(ResourceType.TOPIC, name)


def group(name: str) -> Resource:
    return Resource(ResourceType.GROUP, name)


def transactional_id(name: str) -> Resource:
    return Resource(ResourceType.TRANSACTIONAL_ID, name)


class Entry(NamedTuple):
    """One line of the lists."""

    resource_type: ResourceType
    pattern: PatternType
    name: str
    principal: str
    host: str
    operation: Operation
    permission: Permission

    def is_about(self, resource: Resource) -> bool:
        if self.resource_type != resource.type:
            return False
        if self.pattern is PatternType.PREFIXED:
            return resource.name.startswith(self.name)
        return self.name in (resource.name, EVERY_NAME)

    def is_for(self, principal: Principal, host: str) -> bool:
        return self.principal in (str(principal), ANYBODY) and self.host in (host, EVERY_HOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are asked for; None and ANY ask for all."""

    resource_type: ResourceType = ResourceType.ANY
    pattern: PatternType = PatternType.ANY
    name: str | None = None
    principal: str | None = None
    host: str | None = None
    operation: Operation = Operation.ANY
    permission: Permission = Permission.ANY

    def matches(self, entry: Entry) -> bool:
        return (
            self.resource_type in (ResourceType.ANY, entry.resource_type)
            and self.principal in (None, entry.principal)
            and self.host in (None, entry.host)
            and self.operation in (Operation.ANY, entry.operation)
            and self.permission in (Permission.ANY, entry.permission)
            and self._names(entry)
        )

    def _names(self, entry: Entry) -> bool:
        if self.name is None:
            return self.pattern in (PatternType.ANY, PatternType.MATCH, entry.pattern)
        if self.pattern is PatternType.MATCH:
            return entry.is_about(Resource(entry.resource_type, self.name))
        return self.pattern in (PatternType.ANY, entry.pattern) and self.name == entry.name


class Acls:
    """All entries. They change only by `add` and `remove`, each of which counts up `changes`."""

    def __init__(self, super_users: Iterable[Principal] = ()) -> None:
        self.changes = 0
        self._super_users = frozenset(super_users)
        self._entries: dict[Entry, None] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def add(self, entry: Entry) -> None:
        self._entries[entry] = None
        self.changes += 1

    def remove(self, entry: Entry) -> None:
        self.changes += 1
        self._entries.pop(entry, None)

    def found(self, wanted: Filter) -> list[Entry]:
        """The entries that a filter asks for."""
        return [entry for entry in self if wanted.matches(entry)]

    def is_super(self, principal: Principal) -> bool:
        return principal in self._super_users

    def allows(self, principal: Principal, host: str, operation: Operation, resource: Resource) -> bool:
        """Whether somebody at an address may do this to that."""
        if self.is_super(principal):
            return True
        about = [entry for entry in self if entry.is_about(resource) and entry.is_for(principal, host)]
        denied = {entry.operation for entry in about if entry.permission is Permission.DENY}
        if denied & {operation, Operation.ALL}:
            return False
        allowed = {entry.operation for entry in about if entry.permission is Permission.ALLOW}
        return bool(allowed & {operation, Operation.ALL, *_IMPLIED_BY.get(operation, ())})

    def allows_some(self, principal: Principal, host: str, operation: Operation, kind: ResourceType) -> bool:
        """Whether there is any name that `allows` would say yes to: an entry that allows and is not denied whole."""
        if self.is_super(principal):
            return True
        mine = [
            entry
            for entry in self
            if entry.resource_type == kind
            and entry.is_for(principal, host)
            and entry.operation in (operation, Operation.ALL)
        ]
        denials = [entry for entry in mine if entry.permission is Permission.DENY]
        return any(
            entry.permission is Permission.ALLOW and not any(_covers(denial, entry) for denial in denials)
            for entry in mine
        )


def _covers(wider: Entry, entry: Entry) -> bool:
    """Whether an entry is about every name that another is about."""
    if wider.pattern is PatternType.PREFIXED:
        return entry.name != EVERY_NAME and entry.name.startswith(wider.name)
    return wider.name == EVERY_NAME or (wider.name == entry.name and entry.pattern is PatternType.LITERAL)
