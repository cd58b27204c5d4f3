"""DeleteAcls."""

import pytest

from tests.support.acls import create, creation
from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tivo.auth.acl import Operation
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest


def every(operation: int = 1) -> DeleteAclsFilter:
    return DeleteAclsFilter(
        resource_type_filter=1,
        resource_name_filter=None,
        pattern_type_filter=1,
        principal_filter=None,
        host_filter=None,
        operation=operation,
        permission_type=1,
    )


@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_filters_find_is_told_and_gone(guarded: BrokerBench, version: int) -> None:
    create(guarded, creation(), creation(Operation.WRITE))

    reads, nothing = guarded.ask(DeleteAclsRequest(filters=[every(3), every(5)]), version).filter_results

    (gone,) = reads.matching_acls
    assert (2, "t", 3, "User:ada", "*", 3, 3) == (
        gone.resource_type,
        gone.resource_name,
        gone.pattern_type,
        gone.principal,
        gone.host,
        gone.operation,
        gone.permission_type,
    )
    assert (0, []) == (nothing.error_code, nothing.matching_acls)
    assert guarded.broker.authorizer.acls is not None
    assert [Operation.WRITE] == [each.operation for each in guarded.broker.authorizer.acls]


def test_wrong_filter_is_refused_alone(guarded: BrokerBench) -> None:
    create(guarded, creation())

    wrong, right = guarded.ask(DeleteAclsRequest(filters=[DeleteAclsFilter(), every()])).filter_results

    assert (ErrorCode.INVALID_REQUEST, 0) == (wrong.error_code, right.error_code)
    assert 1 == len(right.matching_acls)


def test_nothing_found_is_answered_at_once(guarded: BrokerBench) -> None:
    assert [[]] == [
        each.matching_acls for each in guarded.send(DeleteAclsRequest(filters=[every()])).response.filter_results
    ]


def test_what_cannot_be_kept_is_not_gone(guarded: BrokerBench) -> None:
    create(guarded, creation())
    guarded.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5))

    (result,) = guarded.ask(DeleteAclsRequest(filters=[every()])).filter_results

    assert (ErrorCode.UNKNOWN_SERVER_ERROR, []) == (result.error_code, result.matching_acls)
    assert guarded.broker.authorizer.acls is not None
    assert 1 == len(list(guarded.broker.authorizer.acls))


def test_without_access_control_there_are_none(bench: BrokerBench) -> None:
    (result,) = bench.ask(DeleteAclsRequest(filters=[every()])).filter_results

    assert ErrorCode.SECURITY_DISABLED == result.error_code


def test_only_who_may_alter_the_cluster_deletes_entries(guarded: BrokerBench) -> None:
    guarded.become("ada")

    (result,) = guarded.ask(DeleteAclsRequest(filters=[every()])).filter_results

    assert ErrorCode.CLUSTER_AUTHORIZATION_FAILED == result.error_code
