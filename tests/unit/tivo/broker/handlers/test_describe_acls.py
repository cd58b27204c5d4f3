"""DescribeAcls."""

import pytest

from tests.support.acls import create, creation
from tests.support.broker import BrokerBench
from tivo.auth.acl import Operation, PatternType
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_acls import AclDescription, DescribeAclsRequest, DescribeAclsResource

EVERY = DescribeAclsRequest(
    resource_type_filter=1,
    resource_name_filter=None,
    pattern_type_filter=1,
    principal_filter=None,
    host_filter=None,
    operation=1,
    permission_type=1,
)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_entries_by_what_they_are_about(guarded: BrokerBench, version: int) -> None:
    create(guarded, creation(), creation(Operation.WRITE), creation(name="u", pattern=PatternType.PREFIXED))

    response = guarded.ask(EVERY, version)

    read, write = (AclDescription(principal="User:ada", host="*", operation=each, permission_type=3) for each in (3, 4))
    assert 0 == response.error_code
    assert [
        DescribeAclsResource(resource_type=2, resource_name="t", pattern_type=3, acls=[read, write]),
        DescribeAclsResource(resource_type=2, resource_name="u", pattern_type=4, acls=[read]),
    ] == response.resources


def test_filter_of_kinds_that_there_are_not(guarded: BrokerBench) -> None:
    response = guarded.ask(DescribeAclsRequest())

    assert ErrorCode.INVALID_REQUEST == response.error_code
    assert "there is no ResourceType 0" == response.error_message


def test_without_access_control_there_are_none(bench: BrokerBench) -> None:
    assert ErrorCode.SECURITY_DISABLED == bench.ask(EVERY).error_code


def test_only_who_may_describe_the_cluster_sees_entries(guarded: BrokerBench) -> None:
    guarded.become("ada")

    assert ErrorCode.CLUSTER_AUTHORIZATION_FAILED == guarded.ask(EVERY).error_code
