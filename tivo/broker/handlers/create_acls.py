"""CreateAcls (30), versions 1-3: new access control entries. Answered when they are on stable storage, and count.

Odd: SECURITY_DISABLED (54) where the authorizer is off; CLUSTER_AUTHORIZATION_FAILED (31) without
ALTER of the cluster. Per entry: INVALID_REQUEST (42) for a resource, a pattern, an operation or a
principal that cannot be; UNKNOWN_SERVER_ERROR (-1) where the journal takes nothing. An entry that
is there already stays, and is no error.
"""

from functools import partial

from tivo.auth.acl import CLUSTER, OPERATIONS, Entry, Operation, PatternType, Permission, ResourceType
from tivo.auth.principals import USER
from tivo.broker.acl_book import Kept
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.describe_acls import acls_of, kind_of
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.replies import Deferred, Reply
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_acls import AclCreation, AclCreationResult, CreateAclsRequest, CreateAclsResponse


def handle(broker: Broker, request: CreateAclsRequest, caller: Caller) -> Reply:
    try:
        acls_of(broker)
        broker.authorizer.check(caller, Operation.ALTER, CLUSTER)
    except RequestError as error:
        return CreateAclsResponse(results=[_refused(error) for _ in request.creations])
    response = CreateAclsResponse()
    made: list[Kept] = []
    for creation in request.creations:
        try:
            made.append(Kept(_entry(creation), True))
        except RequestError as error:
            response.results.append(_refused(error))
        else:
            response.results.append(AclCreationResult(error_message=None))
    if not made:
        return response
    deferred = Deferred()
    assert broker.authorizer.book is not None, "access control is on without a book"
    broker.authorizer.book.change(made, partial(_kept, response, deferred))
    return deferred


def _kept(response: CreateAclsResponse, deferred: Deferred, error: LogError | None) -> None:
    if error is not None:
        for result in response.results:
            result.error_code = result.error_code or ErrorCode.UNKNOWN_SERVER_ERROR
            result.error_message = result.error_message or str(error)
    deferred.give(response)


def _refused(error: RequestError) -> AclCreationResult:
    return AclCreationResult(error_code=code_of(error), error_message=str(error))


def _entry(creation: AclCreation) -> Entry:
    entry = Entry(
        resource_type=kind_of(ResourceType, creation.resource_type),
        pattern=kind_of(PatternType, creation.resource_pattern_type),
        name=creation.resource_name,
        principal=creation.principal,
        host=creation.host,
        operation=kind_of(Operation, creation.operation),
        permission=kind_of(Permission, creation.permission_type),
    )
    why = _wrong_with(entry)
    if why is not None:
        raise Refusal(ErrorCode.INVALID_REQUEST, why)
    return entry


def _wrong_with(entry: Entry) -> str | None:
    if entry.resource_type not in OPERATIONS:
        return f"there are no entries about {entry.resource_type.name}"
    if entry.pattern not in (PatternType.LITERAL, PatternType.PREFIXED):
        return f"an entry names its resource literally or by a prefix, not by {entry.pattern.name}"
    if entry.resource_type is ResourceType.CLUSTER and entry.name != CLUSTER.name:
        return f"the cluster is named {CLUSTER.name}, not {entry.name!r}"
    if not entry.name or not entry.host:
        return "an entry names a resource and a host; * is every one"
    if entry.operation not in OPERATIONS[entry.resource_type] | {Operation.ALL}:
        return f"{entry.operation.name} cannot be done to a {entry.resource_type.name.lower()}"
    if entry.permission is Permission.ANY:
        return "an entry allows or denies"
    kind, _, name = entry.principal.partition(":")
    return None if kind == USER and name else f"a principal is written User:name, got {entry.principal!r}"
