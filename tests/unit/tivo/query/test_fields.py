import pytest

from tivo.model.event import Event, Headers, value_kind
from tivo.query.expression import Name
from tivo.query.fields import ABSENT, field
from tivo.query.reading import value_of

HEADERS: Headers = (("a", b"1"), ("a", b"2"), ("none", None), ("bin", b"\xff"))


def event(value: bytes | None = None, key: bytes | None = b"k") -> Event:
    return Event(5, "t", 1, 7, key, value, HEADERS, 6, value_kind(value))


@pytest.mark.parametrize(
    ("name", "path", "read"),
    [
        (Name.KEY, (), "k"),
        (Name.TOPIC, (), "t"),
        (Name.PARTITION, (), 1),
        (Name.OFFSET, (), 7),
        (Name.TIME, (), 5),
        (Name.RECEIVED, (), 6),
        (Name.HEADERS, ("a",), "2"),
        (Name.HEADERS, ("none",), None),
        (Name.HEADERS, ("bin",), b"\xff"),
        (Name.HEADERS, ("gone",), ABSENT),
        (Name.VALUE, ("a",), [1, {"b": None}]),
        (Name.VALUE, ("gone",), ABSENT),
        (Name.VALUE, (0,), ABSENT),
        (Name.VALUE, ("a", 0), 1),
        (Name.VALUE, ("a", 1, "b"), None),
        (Name.VALUE, ("a", 2), ABSENT),
        (Name.VALUE, ("a", "b"), ABSENT),
        (Name.VALUE, ("a", 1, "b", "c"), ABSENT),
        (Name.VALUE, (), {"a": [1, {"b": None}]}),
    ],
)
def test_what_of_an_event_is_read(name: Name, path: tuple[str | int, ...], read: object) -> None:
    one = event(b'{"a": [1, {"b": null}]}')

    assert read == field(name, path)(one, value_of(one))


def test_no_key_is_null_and_a_key_that_is_no_text_is_bytes() -> None:
    read = field(Name.KEY, ())

    assert (None, b"\xff") == (read(event(key=None), None), read(event(key=b"\xff"), None))
