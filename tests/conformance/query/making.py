"""Expressions and events that nobody thought of. All that is made passes the checks of the builder."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from tivo.model.event import Event, value_kind
from tivo.query.expression import (
    Among,
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Expression,
    Field,
    Function,
    Is,
    Lack,
    Literal,
    Matches,
    Name,
    Negative,
    Not,
    Operation,
    Or,
    Pattern,
    Place,
    Sign,
)

AT = Place(1, 1)
MEMBERS = ["a", "b", "and", "größe", "a b", "it's", ""]
TEXTS = ["", "a", "ab", "a%b", "b*", "A", "it's", 'a"b', "é", "1", "\\", "2016-01-15", "\n"]
NUMBERS: list[int | float] = [0, 1, 2, -1, 0.5, -2.5, 7, 1e300, 2**53 + 1, 2**63, 1452868344]
PATTERNS = ["", "%", "a%", "%b", "_", "a_%", "%%a", "\\%", "*", "?", "a*b", "[ab]", "*[!a]", "\\"]
EQUALITY = [Sign.EQUAL, Sign.UNEQUAL]

values = st.recursive(
    st.sampled_from([None, True, False, *TEXTS, *NUMBERS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=8,
)


def event_of(value: Any, key: bytes | None, headers: Any, numbers: tuple[int, int, int, int]) -> Event:
    body = value if value is None or isinstance(value, bytes) else msgspec.json.encode(value)
    time_us, received_us, partition, offset = numbers
    return Event(time_us, "a", partition, offset, key, body, tuple(headers), received_us, value_kind(body))


_small = st.integers(0, 3)
_bytes = st.sampled_from([None, b"", b"a", b"ab", b"\xff", "é".encode(), b"1"])
_time_us = st.sampled_from([0, 1_452_816_000_000_000, 1_452_868_344_000_000, 1_452_868_344_000_001])
events = st.builds(
    event_of,
    values | st.sampled_from([b"\xff\x00", b"no json", b'{"a": 1e999, "b": 1}', b"null"]),
    _bytes,
    st.lists(st.tuples(st.sampled_from(["a", "b"]), _bytes), max_size=3),
    st.tuples(_time_us, _time_us, _small, _small),
)

_members = st.sampled_from(MEMBERS)
anything = st.lists(_members | st.integers(0, 2), max_size=3).map(lambda path: Field(Name.VALUE, tuple(path), at=AT))
literals = st.sampled_from([*TEXTS, *NUMBERS]).map(lambda value: Literal(value, at=AT))
flags = st.booleans().map(lambda value: Literal(value, at=AT))
times = st.sampled_from([Name.TIME, Name.RECEIVED]).map(lambda name: Field(name, (), at=AT))
time_literals = st.sampled_from(["2016-01-15", "2016-01-15T14:32:24Z", 1_452_868_344, 0]).map(
    lambda value: Literal(value, at=AT)
)


def _numbers(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operations = st.sampled_from([*Operation])
    return (
        st.builds(lambda operation, left, right: Arithmetic(operation, left, right, at=AT), operations, inner, inner)
        | inner.filter(lambda node: not isinstance(node, Literal)).map(lambda node: Negative(node, at=AT))
        | inner.map(lambda node: Call(Function.ABS, (node,), at=AT))
    )


numbers = st.recursive(
    st.sampled_from(NUMBERS).map(lambda value: Literal(value, at=AT))
    | anything
    | st.sampled_from([Name.PARTITION, Name.OFFSET]).map(lambda name: Field(name, (), at=AT))
    | st.builds(lambda left, right: Arithmetic(Operation.MINUS, left, right, at=AT), times, times),
    _numbers,
    max_leaves=5,
)
texts = st.recursive(
    st.sampled_from(TEXTS).map(lambda value: Literal(value, at=AT))
    | anything
    | st.sampled_from([Name.KEY, Name.TOPIC]).map(lambda name: Field(name, (), at=AT))
    | st.sampled_from(["a", "b", "c-d"]).map(lambda name: Field(Name.HEADERS, (name,), at=AT)),
    lambda inner: st.builds(
        lambda function, node: Call(function, (node,), at=AT), st.sampled_from([Function.LOWER, Function.UPPER]), inner
    ),
    max_leaves=3,
)
lengths = texts.map(lambda node: Call(Function.LEN, (node,), at=AT))
_any = anything | literals | numbers | texts | lengths
_sides = (
    st.tuples(numbers | lengths, numbers, numbers)
    | st.tuples(texts, texts, texts)
    | st.tuples(anything, anything | literals, anything | literals)
    | st.tuples(times, times | time_literals | anything, times | time_literals)
    | st.tuples(anything, times, times)
)
_negated = st.booleans()
_relations: st.SearchStrategy[Expression] = (
    st.builds(lambda sign, sides: Comparison(sign, *sides[:2], at=AT), st.sampled_from([*Sign]), _sides)
    | st.builds(lambda sides, negated: Among(sides[0], sides[1:], negated, at=AT), _sides, _negated)
    | st.builds(lambda sides, negated: Between(*sides, negated, at=AT), _sides, _negated)
    | st.builds(
        lambda node, pattern, text, negated: Matches(node, pattern, text, negated, at=AT),
        texts,
        st.sampled_from([*Pattern]),
        st.sampled_from(PATTERNS),
        _negated,
    )
    | st.builds(
        lambda node, lack, negated: Is(node, lack, negated, at=AT), _any | times, st.sampled_from([*Lack]), _negated
    )
    | st.builds(
        lambda function, first, second: Call(function, (first, second), at=AT),
        st.sampled_from([Function.STARTS, Function.ENDS, Function.CONTAINS]),
        texts,
        texts,
    )
    | st.builds(lambda first, second: Call(Function.CONTAINS, (first, second), at=AT), anything, _any | flags)
)


def _conditions(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return (
        inner.map(lambda node: Not(node, at=AT))
        | several.map(lambda parts: And(parts, at=AT))
        | several.map(lambda parts: Or(parts, at=AT))
        | st.builds(
            lambda sign, left, right: Comparison(sign, left, right, at=AT), st.sampled_from(EQUALITY), inner, inner
        )
    )


conditions: st.SearchStrategy[Expression] = st.recursive(_relations | anything | flags, _conditions, max_leaves=5)
