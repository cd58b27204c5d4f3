"""DeleteAcls (31), versions 1-3: away with the access control entries that filters ask for.

Answered when that is on stable storage, with all that were found.

Odd: SECURITY_DISABLED (54) where the authorizer is off; CLUSTER_AUTHORIZATION_FAILED (31) without
ALTER of the cluster. Per filter: INVALID_REQUEST (42) for kinds that there are not;
UNKNOWN_SERVER_ERROR (-1) where the journal takes nothing.
"""

from functools import partial

from tivo.auth.acl import CLUSTER, Entry, Operation
from tivo.broker.acl_book import Kept
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.describe_acls import acls_of, filter_of
from tivo.broker.refusal import code_of
from tivo.broker.replies import Deferred, Reply
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_acls import (
    DeleteAclsFilterResult,
    DeleteAclsMatchingAcl,
    DeleteAclsRequest,
    DeleteAclsResponse,
)


def handle(broker: Broker, request: DeleteAclsRequest, caller: Caller) -> Reply:
    try:
        acls = acls_of(broker)
        broker.authorizer.check(caller, Operation.ALTER, CLUSTER)
    except RequestError as error:
        return DeleteAclsResponse(filter_results=[_refused(error) for _ in request.filters])
    response = DeleteAclsResponse()
    gone: dict[Entry, None] = {}
    for each in request.filters:
        try:
            found = acls.found(filter_of(each))
        except RequestError as error:
            response.filter_results.append(_refused(error))
            continue
        gone |= dict.fromkeys(found)
        matching = [_told(entry) for entry in found]
        response.filter_results.append(DeleteAclsFilterResult(error_message=None, matching_acls=matching))
    if not gone:
        return response
    deferred = Deferred()
    assert broker.authorizer.book is not None, "access control is on without a book"
    broker.authorizer.book.change([Kept(entry, False) for entry in gone], partial(_kept, response, deferred))
    return deferred


def _kept(response: DeleteAclsResponse, deferred: Deferred, error: LogError | None) -> None:
    if error is not None:
        for result in response.filter_results:
            result.error_code = result.error_code or ErrorCode.UNKNOWN_SERVER_ERROR
            result.error_message = result.error_message or str(error)
            result.matching_acls = []
    deferred.give(response)


def _refused(error: RequestError) -> DeleteAclsFilterResult:
    return DeleteAclsFilterResult(error_code=code_of(error), error_message=str(error))


def _told(entry: Entry) -> DeleteAclsMatchingAcl:
    return DeleteAclsMatchingAcl(
        error_message=None,
        resource_type=entry.resource_type,
        resource_name=entry.name,
        pattern_type=entry.pattern,
        principal=entry.principal,
        host=entry.host,
        operation=entry.operation,
        permission_type=entry.permission,
    )
