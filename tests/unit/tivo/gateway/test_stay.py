"""What somebody may who was let in."""

from typing import Any

import pytest

from tivo.auth.needs import Need
from tivo.auth.principals import Principal
from tivo.auth.tokens import Bearer
from tivo.auth.users import Permit, Scope
from tivo.gateway.problems import Problem
from tivo.gateway.stay import Stay, admit, forbidden, stay_of, unauthorized
from tivo.playback.facts import TopicRef

TOPICS = {name: TopicRef(name, name.encode(), (0,)) for name in ("a.x", "a.y", "b")}


def bearer(*scopes: tuple[Permit, str]) -> Bearer:
    return Bearer(Principal("ada"), tuple(Scope(*each) for each in scopes))


def test_topics_that_may_not_be_read_are_not_there() -> None:
    assert ["a.x", "a.y"] == [*Stay(bearer(("read", "a."), ("write", ""))).readable(TOPICS)]
    assert {} == Stay(bearer()).readable(TOPICS)


def test_who_may_read_all_sees_all_and_nothing_is_copied() -> None:
    assert TOPICS is Stay(bearer(("read", ""))).readable(TOPICS)
    assert TOPICS is Stay().readable(TOPICS)


def test_what_is_missing_is_named_with_what_to_do() -> None:
    with pytest.raises(Problem, match=r"no scope to write on topic 'b': it wants the scope `write:b`") as refused:
        Stay(bearer(("read", ""))).require("write", "b")

    assert (403, "forbidden", {"scope": "write:b"}) == (
        refused.value.status,
        refused.value.code,
        refused.value.members,
    )
    assert 'Bearer realm="tivo", error="insufficient_scope"' == (refused.value.headers or {})["WWW-Authenticate"]


@pytest.mark.parametrize(("topic", "told"), [(None, "to read:"), ("", "to read on every topic:")])
def test_a_need_of_no_one_topic_names_the_bare_scope(topic: str | None, told: str) -> None:
    problem = forbidden(Need("read", topic))

    assert told in str(problem) and "read" == problem.members["scope"]


def test_who_it_is_where_somebody_was_asked() -> None:
    assert ("User:ada", None) == (Stay(bearer()).client, Stay().client)


def test_an_end_is_told_once_and_stays() -> None:
    stay = Stay(bearer(("read", "")))
    told: list[Problem | None] = []
    stay.on_change = lambda: told.append(stay.ended)
    first, second = unauthorized("gone", invalid=True), unauthorized("gone again", invalid=True)

    stay.end(first)
    stay.end(second)

    assert [first] == told
    with pytest.raises(Problem, match=r"^gone$"):
        stay.check()
    with pytest.raises(Problem, match=r"^gone$"):
        stay.require("read", "b")


async def test_an_end_is_waited_for() -> None:
    stay = Stay()
    stay.end(unauthorized("gone", invalid=True))

    await stay.until_over()


def test_other_scopes_count_at_once_and_are_told() -> None:
    stay = Stay(bearer(("read", "a")), need=Need("read", None))
    changes: list[None] = []
    stay.on_change = lambda: changes.append(None)

    stay.change(bearer(("read", "a")))
    assert [] == changes
    stay.change(bearer(("read", "b")))

    assert ([None], True, False) == (changes, stay.may("read", "b"), stay.may("read", "a"))


def test_what_needs_more_than_the_scopes_that_are_left_is_over() -> None:
    stay = Stay(bearer(("read", "a")), need=Need("read", "a"))

    stay.change(bearer(("read", "b")))

    assert stay.ended is not None and 403 == stay.ended.status


def test_it_goes_with_its_request() -> None:
    scope: dict[str, Any] = {}
    stay, refused = Stay(), unauthorized("who?", invalid=False)

    admit(scope, stay)
    assert stay is stay_of(scope)
    admit(scope, refused)
    with pytest.raises(Problem, match=r"who\?"):
        stay_of(scope)
    with pytest.raises(KeyError):
        stay_of({})
