"""The one place where it is decided who may do what."""

import json
import logging

import pytest

from tests.support.acls import create, creation
from tests.support.broker import BrokerBench
from tivo.auth import acl
from tivo.auth.acl import Operation, Permission, ResourceType
from tivo.broker import authorizer
from tivo.broker.refusal import Refusal
from tivo.broker.session import Caller
from tivo.metrics import BROKER_DENIALS
from tivo.wire.error_codes import ErrorCode

T = acl.topic("t")


def caller(bench: BrokerBench, name: str = "ada") -> Caller:
    bench.become(name)
    return Caller(0, "c", "10.0.0.1", bench.session)


def test_off_everybody_may_everything(bench: BrokerBench) -> None:
    authorizer, ada = bench.broker.authorizer, caller(bench)

    authorizer.check(ada, Operation.ALTER, acl.CLUSTER)

    assert authorizer.may(ada, Operation.READ, T)
    assert authorizer.may_some(ada, Operation.WRITE, ResourceType.TOPIC)
    assert ErrorCode.NONE == authorizer.error(ada, Operation.READ, T)
    assert 0b110111111000 == authorizer.operations(ada, T)


def test_on_nobody_may_anything_but_super_users(guarded: BrokerBench) -> None:
    authorizer, ada = guarded.broker.authorizer, caller(guarded)
    assert not authorizer.may(ada, Operation.READ, T)
    assert not authorizer.may_some(ada, Operation.WRITE, ResourceType.TOPIC)
    assert 0 == authorizer.operations(ada, T)

    assert authorizer.may(caller(guarded, "root"), Operation.READ, T)


def test_entry_counts_at_once_and_no_longer_than_it_stands(guarded: BrokerBench) -> None:
    authorizer = guarded.broker.authorizer
    assert not authorizer.may(caller(guarded), Operation.READ, T)

    create(root(guarded), creation())
    assert authorizer.may(caller(guarded), Operation.READ, T)

    create(root(guarded), creation(permission=Permission.DENY))
    assert not authorizer.may(caller(guarded), Operation.READ, T)


def root(bench: BrokerBench) -> BrokerBench:
    bench.become("root")
    return bench


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (T, ErrorCode.TOPIC_AUTHORIZATION_FAILED),
        (acl.group("g"), ErrorCode.GROUP_AUTHORIZATION_FAILED),
        (acl.CLUSTER, ErrorCode.CLUSTER_AUTHORIZATION_FAILED),
        (acl.transactional_id("x"), ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    ],
)
def test_what_a_client_is_told(guarded: BrokerBench, resource: acl.Resource, code: ErrorCode) -> None:
    authorizer, ada = guarded.broker.authorizer, caller(guarded)
    assert code == authorizer.error(ada, Operation.DESCRIBE, resource)

    with pytest.raises(Refusal, match=f"User:ada may not DESCRIBE .* '{resource.name}'") as refused:
        authorizer.check(ada, Operation.DESCRIBE, resource)
    assert code == refused.value.code


def test_denial_is_counted_and_one_line(guarded: BrokerBench, caplog: pytest.LogCaptureFixture) -> None:
    counter = BROKER_DENIALS.labels("READ", "TOPIC")
    before = counter._value.get()

    with caplog.at_level(logging.WARNING, "tivo.broker.denied"):
        guarded.broker.authorizer.may(caller(guarded, "a\nb"), Operation.READ, T)
        guarded.broker.authorizer.sees(caller(guarded), Operation.READ, T)

    assert 1 == counter._value.get() - before
    (line,) = caplog.messages
    assert {
        "principal": "User:a\nb",
        "host": "10.0.0.1",
        "client_id": "c",
        "operation": "READ",
        "type": "TOPIC",
        "name": "t",
    } == json.loads(line.removeprefix("denied "))
    assert "\n" not in line


def test_answers_are_not_kept_without_bound(guarded: BrokerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizer, "MOST_KEPT", 3)
    ada = caller(guarded)

    for number in range(10):
        guarded.broker.authorizer.sees(ada, Operation.READ, acl.topic(f"t{number}"))

    assert len(guarded.broker.authorizer._kept) <= 3


def test_answers_about_long_names_are_not_kept(guarded: BrokerBench) -> None:
    ada, kept = caller(guarded), guarded.broker.authorizer._kept
    for length in (249, 250, 32_767):
        assert not guarded.broker.authorizer.sees(ada, Operation.READ, acl.group("g" * length))

    assert 249 == max(len(resource.name) for _, _, _, resource in kept)


@pytest.mark.parametrize("who", ["root", "ada"])
def test_name_that_nothing_can_have_is_refused_whoever_asks(guarded: BrokerBench, who: str) -> None:
    authorizer, asking = guarded.broker.authorizer, caller(guarded, who)
    group = acl.group("g" * 32_768)

    assert ErrorCode.INVALID_GROUP_ID == authorizer.error(asking, Operation.READ, group)
    with pytest.raises(Refusal, match="the name of a group has 32768 bytes"):
        authorizer.check(asking, Operation.READ, group)


def test_off_a_name_that_nothing_can_have_is_refused_too(bench: BrokerBench) -> None:
    authorizer, ada = bench.broker.authorizer, caller(bench)

    assert ErrorCode.INVALID_TOPIC_EXCEPTION == authorizer.error(ada, Operation.READ, acl.topic("t" * 250))


def test_who_asks_must_be_known(guarded: BrokerBench) -> None:
    guarded.session.principal = None

    with pytest.raises(AssertionError, match="before the client had said who it is"):
        guarded.broker.authorizer.may(Caller(0, "c", "h", guarded.session), Operation.READ, T)
