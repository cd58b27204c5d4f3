import pytest

from tivo.model.event import Event, ValueKind, value_kind
from tivo.query.fields import ABSENT
from tivo.query.reading import value_of, value_reader


def event(value: bytes | None, kind: ValueKind | None = None) -> Event:
    return Event(5, "t", 1, 7, None, value, (), 6, value_kind(value) if kind is None else kind)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        (b"null", None),
        (b'{"a": [1, 2.5, true]}', {"a": [1, 2.5, True]}),
        (b"no json", "no json"),
        (b"\xff", b"\xff"),
        (b'{"a": 1e999, "b": 1}', {"a": b"1e999", "b": 1}),
        (b"[1e999, 1]", b"[1e999, 1]"),
    ],
)
def test_a_value_is_read_as_what_it_is(value: bytes | None, read: object) -> None:
    assert read == value_of(event(value))


@pytest.mark.parametrize(
    ("value", "kind"),
    [(b"[" * 100_000 + b"]" * 100_000, ValueKind.JSON), (b"\xff", ValueKind.TEXT), (b'{"a": ', ValueKind.JSON)],
)
def test_what_nobody_can_hold_counts_as_bytes(value: bytes, kind: ValueKind) -> None:
    assert value == value_of(event(value, kind))
    assert value == value_reader([("a",)])(event(value, kind))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b'{"a": 1, "b": {"c": 2}, "d": 3}', {"a": 1, "b": {"c": 2}}),
        (b'{"d": 3}', {"a": ABSENT, "b": ABSENT}),
        (b'{"a": 1, "a": null}', {"a": None, "b": ABSENT}),
        (b'{"a": 1, "d": 1e999}', {"a": 1, "b": ABSENT}),
        (b'{"a": 1e999, "b": 1}', {"a": b"1e999", "b": 1}),
        (b"[1]", [1]),
        (b'"a"', "a"),
        (b"no json", "no json"),
        (None, None),
    ],
)
def test_only_the_members_asked_for_are_read(value: bytes | None, read: object) -> None:
    assert read == value_reader([("a",), ("b", "c"), ("a", 0)])(event(value))


@pytest.mark.parametrize("paths", [[()], [("a",), (0,)], [("a b",)], [("__a",)], [("",)], [("a",), ('"',)]])
def test_all_is_read_where_more_than_plain_members_are_asked_for(paths: list[tuple[str | int, ...]]) -> None:
    assert {"a": 1, "d": 3} == value_reader(paths)(event(b'{"a": 1, "d": 3}'))


@pytest.mark.parametrize("name", ["a", "größe", "class", "None", "ﬁ", "a_b", "keys", "self"])
def test_a_member_is_found_by_any_word(name: str) -> None:
    assert {name: 5} == value_reader([(name,)])(event(f'{{"{name}": 5, "other": 6}}'.encode()))


def test_a_member_that_is_written_with_escapes_is_found() -> None:
    assert {"é": 5} == value_reader([("é",)])(event(b'{"\\u00e9": 5}'))
