"""What must be allowed before something is done."""

import pytest

from tivo.auth.needs import EVERY_TOPIC, EVERYBODY, NOBODY, SOME_TOPIC, Need
from tivo.auth.principals import Principal
from tivo.auth.tokens import Bearer
from tivo.auth.users import Permit, Scope

ADA = Bearer(Principal("ada"), (Scope("read", "a."), Scope("admin", "b.")))


@pytest.mark.parametrize(
    ("permit", "topic", "met"),
    [
        ("read", "a.x", True),
        ("read", "b.x", True),
        ("read", "c", False),
        ("write", "a.x", False),
        ("write", "b.x", True),
        ("read", SOME_TOPIC, True),
        ("write", SOME_TOPIC, True),
        ("read", EVERY_TOPIC, False),
    ],
)
def test_a_need_is_met_by_a_scope_that_reaches_so_far(permit: Permit, topic: str | None, met: bool) -> None:
    assert met == Need(permit, topic).is_met_by(ADA)


def test_who_may_nothing_meets_no_need() -> None:
    assert not Need("read", SOME_TOPIC).is_met_by(Bearer(Principal("eve"), ()))
    assert not Need("read", SOME_TOPIC).is_met_by(NOBODY)


def test_everybody_meets_all_where_nobody_is_asked() -> None:
    assert Need("admin", EVERY_TOPIC).is_met_by(EVERYBODY)


@pytest.mark.parametrize(("topic", "scope"), [("t", "read:t"), (EVERY_TOPIC, "read"), (SOME_TOPIC, "read")])
def test_the_scope_that_would_do(topic: str | None, scope: str) -> None:
    assert scope == Need("read", topic).scope
