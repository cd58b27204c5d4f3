import pytest
from starlette.datastructures import QueryParams

from tivo.gateway.selection import Selection, select, selection_of
from tivo.model.errors import CommandError, QueryError
from tivo.model.event import Event, ValueKind


def event(key: bytes | None, value: bytes = b'{"x": 1}') -> Event:
    return Event(0, "t", 0, 0, key, value, (), 0, ValueKind.JSON)


EVENTS = [event(b"a1"), event(b"b1"), event(None), event(b"a2", b'{"x": 2}')]


@pytest.mark.parametrize(
    ("keys", "where", "wanted"),
    [
        ((), "", [0, 1, 2, 3]),
        (("a*",), "", [0, 3]),
        (("a1", "b?"), "", [0, 1]),
        ((), "value.x = 2", [3]),
        ((), "key is null", [2]),
        (("a*",), "value.x = 1", [0]),
    ],
)
def test_events_are_wanted_by_key_and_expression(keys: tuple[str, ...], where: str, wanted: list[int]) -> None:
    assert [EVENTS[number] for number in wanted] == select(keys, where).kept(EVENTS)


def test_a_key_may_be_given_several_times() -> None:
    assert Selection(("a", "b*"), "true") == selection_of(QueryParams("key=a&key=b*&where=true"))


def test_it_is_written_as_it_was_read() -> None:
    assert {"key": ["a", "b*"], "where": "true"} == select(("a", "b*"), "true").query()
    assert {} == Selection().query()


@pytest.mark.parametrize("query", ["key=", f"key={'a' * 250}", "&".join(["key=a"] * 65)])
def test_globs_have_bounds(query: str) -> None:
    with pytest.raises(CommandError, match="key must be") as refused:
        selection_of(QueryParams(query))

    assert ("bad_request", "key") == (refused.value.code, refused.value.field)


def test_an_expression_that_says_nothing_is_refused() -> None:
    with pytest.raises(QueryError, match="column 10"):
        selection_of(QueryParams({"where": "value.x >"}))
