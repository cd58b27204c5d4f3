"""Decides who may do what: the one place that every handler asks. Where it is off, everybody may do everything.

A name that is longer than anything's can be is refused first, whoever asks.
"""

from collections.abc import Callable

from tivo.auth.acl import OPERATIONS, Acls, Operation, Resource, ResourceType
from tivo.auth.principals import Principal
from tivo.broker import names
from tivo.broker.acl_book import AclBook
from tivo.broker.refusal import Refusal
from tivo.broker.session import Caller
from tivo.metrics import BROKER_DENIALS
from tivo.wire.error_codes import ErrorCode

Log = Callable[..., None]

DENIED = {
    ResourceType.TOPIC: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    ResourceType.GROUP: ErrorCode.GROUP_AUTHORIZATION_FAILED,
    ResourceType.CLUSTER: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    ResourceType.TRANSACTIONAL_ID: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
"""What a client is told, by what it is kept from."""

MOST_KEPT = 10_000
"""Answers that are kept: a producer asks the same thing with every batch."""

LONGEST_KEPT = 249
"""Characters of a name about which an answer is kept: all of them then take a few MiB. A group's may have 32,767."""


class Authorizer:
    """`acls` is None where it is off. A denial is counted, and logged by `log`."""

    def __init__(self, acls: Acls | None, *, book: AclBook | None = None, log: Log) -> None:
        self.acls = acls
        self.book = book
        self._log = log
        self._kept: dict[tuple[Principal, str, Operation, Resource], bool] = {}
        self._kept_at = -1

    def check(self, caller: Caller, operation: Operation, resource: Resource) -> None:
        """Raises Refusal where the caller may not, or nothing can have that name."""
        names.check(resource)
        if not self.may(caller, operation, resource):
            raise Refusal(
                DENIED[resource.type],
                f"{caller.session.who} may not {operation.name} {resource.type.name.lower()} {resource.name!r}",
            )

    def error(self, caller: Caller, operation: Operation, resource: Resource) -> ErrorCode:
        """NONE, or what the caller is told where he may not, or where nothing can have that name."""
        if error := names.error_of(resource):
            return error
        return ErrorCode.NONE if self.may(caller, operation, resource) else DENIED[resource.type]

    def may(self, caller: Caller, operation: Operation, resource: Resource) -> bool:
        """Whether the caller may; a denial is noted."""
        if self.sees(caller, operation, resource):
            return True
        self._note(caller, operation, resource)
        return False

    def may_some(self, caller: Caller, operation: Operation, kind: ResourceType) -> bool:
        """Whether there is any name of this type with which the caller may."""
        acls = self.acls
        return acls is None or acls.allows_some(caller.session.who, caller.host, operation, kind)

    def sees(self, caller: Caller, operation: Operation, resource: Resource) -> bool:
        """Whether the caller may, where it is no fault of his to ask: what he may not see is left out."""
        acls = self.acls
        if acls is None:
            return True
        if self._kept_at != acls.changes or len(self._kept) >= MOST_KEPT:
            self._kept.clear()
            self._kept_at = acls.changes
        asked = caller.session.who, caller.host, operation, resource
        if len(resource.name) > LONGEST_KEPT:
            return acls.allows(*asked)
        allowed = self._kept.get(asked)
        if allowed is None:
            allowed = self._kept[asked] = acls.allows(*asked)
        return allowed

    def operations(self, caller: Caller, resource: Resource) -> int:
        """All that the caller may do to it, a bit for each operation (KIP-430)."""
        return sum(1 << each for each in OPERATIONS[resource.type] if self.sees(caller, each, resource))

    def _note(self, caller: Caller, operation: Operation, resource: Resource) -> None:
        BROKER_DENIALS.labels(operation.name, resource.type.name).inc()
        self._log(
            "denied",
            principal=str(caller.session.who),
            host=caller.host,
            client_id=caller.client_id,
            operation=operation.name,
            type=resource.type.name,
            name=resource.name,
        )
