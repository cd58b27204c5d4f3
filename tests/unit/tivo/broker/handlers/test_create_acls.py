"""CreateAcls."""

import pytest

from tests.support.acls import create, creation
from tests.support.broker import BrokerBench
from tivo.auth.acl import Operation, PatternType, Permission, ResourceType
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_acls import AclCreation, CreateAclsRequest


@pytest.mark.parametrize("version", [1, 2, 3])
def test_entries_are_made(guarded: BrokerBench, version: int) -> None:
    request = CreateAclsRequest(creations=[creation(), creation(Operation.ALL)])

    results = guarded.ask(request, version).results

    assert [(0, None)] * 2 == [(each.error_code, each.error_message) for each in results]
    assert guarded.broker.authorizer.acls is not None
    assert 2 == len(list(guarded.broker.authorizer.acls))


def test_answer_waits_for_the_disk(guarded: BrokerBench) -> None:
    sent = guarded.send(CreateAclsRequest(creations=[creation()]))
    assert None is sent.response

    guarded.runtime.work()

    assert [0] == [each.error_code for each in sent.response.results]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (creation(kind=ResourceType.ANY), "no entries about ANY"),
        (creation(kind=ResourceType.USER), "no entries about USER"),
        (creation(pattern=PatternType.MATCH), "not by MATCH"),
        (creation(kind=ResourceType.CLUSTER, name="c", operation=Operation.ALTER), "named kafka-cluster, not 'c'"),
        (creation(name=""), "names a resource"),
        (creation(Operation.IDEMPOTENT_WRITE), "cannot be done to a topic"),
        (creation(Operation.ANY), "cannot be done to a topic"),
        (creation(permission=Permission.ANY), "allows or denies"),
        (creation(principal="ada"), "written User:name, got 'ada'"),
        (creation(principal="Group:x"), "written User:name"),
        (creation(principal="User:"), "written User:name"),
        (AclCreation(resource_type=99), "no ResourceType 99"),
    ],
)
def test_entry_that_cannot_be_is_refused_alone(guarded: BrokerBench, wrong: AclCreation, why: str) -> None:
    refused, made = create(guarded, wrong, creation())

    assert (ErrorCode.INVALID_REQUEST, 0) == (refused.error_code, made.error_code)
    assert why in refused.error_message


def test_nothing_to_keep_is_answered_at_once(guarded: BrokerBench) -> None:
    assert [] == guarded.send(CreateAclsRequest()).response.results


def test_without_access_control_there_are_none(bench: BrokerBench) -> None:
    (result,) = create(bench, creation())

    assert ErrorCode.SECURITY_DISABLED == result.error_code


def test_only_who_may_alter_the_cluster_makes_entries(guarded: BrokerBench) -> None:
    guarded.become("ada")

    (result,) = create(guarded, creation())

    assert ErrorCode.CLUSTER_AUTHORIZATION_FAILED == result.error_code
