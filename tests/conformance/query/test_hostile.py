"""What is written to do harm is refused, or says yes or no of an event with bounded work and depth."""

import sys
from itertools import product
from types import FrameType

import pytest

from tests.conformance.query.events import event_of
from tivo.model.errors import QueryError
from tivo.model.event import Event, ValueKind
from tivo.query.evaluate import compile_expression
from tivo.query.parser import DEEPEST, MOST_BYTES, MOST_NODES, MOST_SCANS

BOMBS = {
    "a million bytes": "value.a = 1 or " * 70_000,
    "a million quotes": "'" * 1_000_000,
    "one text of a million": f"key = '{'a' * 1_000_000}'",
    "nots": "not " * 1_000 + "true",
    "signs": "value.a = " + "- -" * 600 + "value.b",
    "calls in calls": "lower(" * 500 + "key" + ")" * 500 + " = 'a'",
    "sums to the right": "value.a + (" * 370 + "1" + ")" * 370 + " = 1",
    "sums to the left": "value.a" + " + 1" * 1_000 + " = 1",
    "conditions in conditions": "(true and " * 300 + "true" + ")" * 300,
    "too many conditions": " or ".join(["true"] * (MOST_NODES + 1)),
    "a list too long": "value in (" + ", ".join(["1"] * (MOST_NODES + 1)) + ")",
    "patterns too long": " or ".join([f"key like '{'%a' * 99}'"] * 9),
    "too many scans": " or ".join(f"contains(value.a, {number})" for number in range(150)),
    "a number too long": "value = " + "9" * 4_000,
    "an exponent too large": "value = 1e" + "9" * 4_000,
    "an element too far": "value[" + "9" * 4_000 + "] = 1",
    "half a character": "key = '\udc80'",
    "zeros": "\x00" * 4_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=[*BOMBS])
def test_what_is_too_large_is_refused(text: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile_expression(text)

    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "not " * (DEEPEST - 2) + "value.a is absent",
        "abs(" * (DEEPEST - 2) + "value.a" + ")" * (DEEPEST - 2) + " = 1",
        "(" * 2_000 + "true" + ")" * 2_000,
        "value" + ".a" * 2_000 + " is absent",
        "value" + "[0]" * 1_300 + " is absent",
        "key = '" + "'' " * 1_300 + "'",
    ],
    ids=["nots", "calls", "parentheses", "members", "elements", "quotes"],
)
def test_what_is_as_large_as_it_may_be_says_yes_or_no(text: str) -> None:
    assert len(text) <= MOST_BYTES
    assert compile_expression(text)(event_of({"value": {"a": 1}})) in {True, False}


def test_the_largest_expression_needs_little_of_the_stack() -> None:
    passes = compile_expression("not " * (DEEPEST - 2) + "value.a is absent")
    event = event_of({"value": {"a": 1}})
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(_depth() + 3 * DEEPEST)
    try:
        assert passes(event) in {True, False}
    finally:
        sys.setrecursionlimit(limit)


def test_what_goes_through_a_long_list_calls_nothing_for_each_of_it() -> None:
    many, called = 20_000, 0
    passes = compile_expression(" or ".join(f"contains(value.a, {number})" for number in range(1, MOST_SCANS + 1)))
    event = event_of({"value": {"a": [0, "1", None, [1]] * (many // 4)}})

    def count(frame: FrameType, what: str, argument: object) -> None:
        nonlocal called
        called += what in {"call", "c_call"}

    sys.setprofile(count)
    try:
        assert not passes(event)
    finally:
        sys.setprofile(None)
    assert 0 < called < 10 * MOST_SCANS + 100


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back:
        frame, depth = frame.f_back, depth + 1
    return depth


VALUES = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "a number of many digits": b"9" * 300,
    "a number of too many digits": b"9" * 100_000,
    "a list of many": b"[" + b"1," * 100_000 + b"1]",
    "a text of a million": b'"' + b"a" * 1_000_000 + b'"',
    "no text": b"\xff" * 1_000,
}
ASKED = [
    "value > 1 or value < 1 or value = 1 or value is null",
    "value * value * value > 1 or -value < 0 or value % 7 = 1 or value / 3 > 1",
    "contains(value, 'b') or upper(lower(value)) = 'B' or len(value) = 0",
    "value like '%a%a%a%a%a%b' or value glob '*a*a*a*a*a*b' or value like '%_a_a_b'",
    "value[0][0][0] = 1 or value.a.b.c = 1",
    "time > value",
]


@pytest.mark.parametrize(
    ("value", "where"), [*product(VALUES.values(), ASKED)], ids=[" | ".join(p) for p in product(VALUES, ASKED)]
)
def test_no_value_breaks_what_is_asked_of_it(value: bytes, where: str) -> None:
    for kind in (ValueKind.JSON, ValueKind.TEXT, ValueKind.BINARY):
        event = Event(0, "t", 0, 0, None, value, (), 0, kind)

        assert compile_expression(where)(event) in {True, False}
