from dataclasses import dataclass, field

import pytest

from tivo.model.errors import QueryError
from tivo.model.event import Event, ValueKind, value_kind
from tivo.query.evaluate import compile_expression

VALUE = b'{"n": 5, "s": "ab", "yes": true, "null": null, "list": [1], "at": "2016-01-15T14:32:24Z"}'
TIME_US = 1_452_868_344_000_000
EVENT = Event(TIME_US, "t", 1, 7, b"k", VALUE, (), TIME_US + 500_000, value_kind(VALUE))


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("value.n > 4 and key = 'k'", True),
        ("value.n > 4 and key = 'x'", False),
        ("value.n > 5 and key = 'k'", False),
        ("key = 'k' and offset = 7 and partition = 1", True),
        ("key = 'k' and offset = 8 and partition = 1", False),
        ("value.n = 5 and value.s = 'ab' and value.yes", True),
        ("value.n = 5 and value.s = 'xx' and value.yes", False),
        ("value.n = 6 or (key = 'k' and value.yes)", True),
        ("value.n = 6 or key = 'x'", False),
        ("not value.yes", False),
        ("value.yes", True),
        ("value.n", False),
        ("true", True),
        ("contains(value.s, 'a')", True),
        ("(value.n > 4) = value.yes", True),
        ("-value.n = -5", True),
        ("value.n + 1 = 6", True),
        ("received - time = 0.5", True),
        ("value.n = value.n", True),
        ("value.n = value.s", False),
        ("value.list = value.list", False),
        ("5 = value.n", True),
        ("value.s < 'b'", True),
        ("value.yes = true", True),
        ("time = '2016-01-15T14:32:24Z'", True),
        ("'2016-01-15' < time", True),
        ("time = value.at", True),
        ("time = value.n", False),
        ("time = value.s", False),
        ("time in ('2016-01-15', '2016-01-15T14:32:24Z')", True),
        ("time not in ('2016-01-15', '2016-01-16')", True),
        ("value.at in (received, time)", True),
        ("value.n in (1, 5.0, 'x')", True),
        ("value.n in (1, '5')", False),
        ("value.yes in (1)", False),
        ("value.n not in (1, 'x')", True),
        ("value.n not in (5)", False),
        ("value.n not in ('x')", False),
        ("value.n in (value.s, 2 + 3)", True),
        ("value.n not in (value.s, 2 + 3)", False),
        ("value.n not in (value.s)", False),
        ("value.n between 5 and 6", True),
        ("value.n between 6 and 7", False),
        ("value.n between 3 and 4", False),
        ("value.n not between 6 and 7", True),
        ("value.n not between 1 and 7", False),
        ("key like 'k%'", True),
        ("key not like 'k%'", False),
        ("value.n not like 'k'", False),
        ("value.null is null", True),
        ("value.n is null", False),
        ("value.null is not null", False),
        ("value.gone is not null", False),
        ("value.n is not null", True),
        ("value.gone is absent", True),
        ("value.null is not absent", True),
    ],
)
def test_what_holds_of_an_event(where: str, holds: bool) -> None:
    assert holds is compile_expression(where)(EVENT)


def test_what_says_nothing_is_refused() -> None:
    with pytest.raises(QueryError, match="column 8: expected a value"):
        compile_expression("value >")


@dataclass
class Watched:
    """Counts how often its value is asked for."""

    key: bytes
    kind: ValueKind = ValueKind.NULL
    value_asked: list[int] = field(default_factory=list)

    @property
    def value(self) -> None:
        self.value_asked.append(1)


@pytest.mark.parametrize(
    ("where", "key", "asked"),
    [
        ("value.a = 1 or value.b = 2 or value.c = 3", b"k", 1),
        ("value.a = 1 and key = 'x'", b"k", 0),
        ("value.a = 1 and key = 'k'", b"k", 1),
        ("key = 'k'", b"k", 0),
    ],
)
def test_a_value_is_read_once_and_only_where_it_decides(where: str, key: bytes, asked: int) -> None:
    watched = Watched(key)

    compile_expression(where)(watched)  # type: ignore[arg-type]

    assert asked == len(watched.value_asked)
