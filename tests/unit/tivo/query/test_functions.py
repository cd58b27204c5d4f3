import pytest

from tivo.model.event import Event, ValueKind
from tivo.query.expression import Function, Operation
from tivo.query.fields import ABSENT, Reader
from tivo.query.functions import are_equal, arithmetic, call, is_number, negative, seconds_between

EVENT = Event(0, "t", 0, 0, None, None, (), 0, ValueKind.NULL)


def held(value: object) -> Reader:
    return lambda event, read: value


@pytest.mark.parametrize(
    ("operation", "first", "second", "result"),
    [
        ("+", 1, 2, 3),
        ("-", 1, 0.5, 0.5),
        ("*", 3, -2, -6),
        ("/", 7, 2, 3.5),
        ("/", 1, 0, ABSENT),
        ("%", 7, 3, 1),
        ("%", -7, 3, -1),
        ("%", 7, -3, 1),
        ("%", -7.5, 2, -1.5),
        ("%", 7, 0, ABSENT),
        ("%", 7.5, 0, ABSENT),
        ("*", 2**63, 2, float(2**64)),
        ("+", 2**63, 1, 2**63 + 1),
        ("*", 10**400, 1, ABSENT),
        ("*", 1e308, 10, ABSENT),
        ("+", 10**400, 0.5, ABSENT),
        ("+", "1", 1, ABSENT),
        ("+", 1, True, ABSENT),
        ("+", ABSENT, 1, ABSENT),
        ("+", None, 1, ABSENT),
    ],
)
def test_arithmetic(operation: str, first: object, second: object, result: object) -> None:
    found = arithmetic(Operation(operation), held(first), held(second))(EVENT, None)

    assert (type(result), result) == (type(found), found)


def test_times_are_seconds_apart() -> None:
    assert 1.5 == seconds_between(held(2_500_000), held(1_000_000))(EVENT, None)


def test_a_number_has_a_negative_and_nothing_else_does() -> None:
    assert (-5, ABSENT, ABSENT) == tuple(negative(held(each))(EVENT, None) for each in (5, "5", True))


def test_true_is_no_number() -> None:
    assert (True, True, False, False) == (is_number(1), is_number(0.5), is_number(True), is_number("1"))


@pytest.mark.parametrize(
    ("function", "given", "result"),
    [
        (Function.ABS, (-5,), 5),
        (Function.ABS, ("a",), ABSENT),
        (Function.LOWER, ("ÄB",), "äb"),
        (Function.LOWER, (1,), ABSENT),
        (Function.UPPER, ("äb",), "ÄB"),
        (Function.UPPER, (None,), ABSENT),
        (Function.LEN, ("🐟",), 1),
        (Function.LEN, ([1, 2],), 2),
        (Function.LEN, ({"a": 1},), 1),
        (Function.LEN, (b"ab",), ABSENT),
        (Function.CONTAINS, ("abc", "b"), True),
        (Function.CONTAINS, ("abc", 1), False),
        (Function.CONTAINS, (5, "b"), False),
        (Function.CONTAINS, ([1, "b"], 1.0), True),
        (Function.CONTAINS, ([1, "b"], True), False),
        (Function.CONTAINS, ([True, "1", 1.5, [1], {"a": 1}], 1), False),
        (Function.CONTAINS, ([True, "1", 1], 1), True),
        (Function.CONTAINS, ([None], None), False),
        (Function.CONTAINS, ([], 1), False),
        (Function.STARTS, ("abc", "ab"), True),
        (Function.STARTS, ("abc", 1), False),
        (Function.STARTS, (1, "a"), False),
        (Function.ENDS, ("abc", "bc"), True),
        (Function.ENDS, ("abc", None), False),
        (Function.ENDS, ([], "a"), False),
    ],
)
def test_functions(function: Function, given: tuple[object, ...], result: object) -> None:
    assert result == call(function, tuple(map(held, given)))(EVENT, None)


def test_only_values_of_one_kind_are_equal() -> None:
    pairs = [(1, 1.0), ("a", "a"), (True, True), (1, True), ("1", 1), (None, None), (ABSENT, ABSENT), ([1], [1])]

    assert [True, True, True, False, False, False, False, False] == [are_equal(*pair) for pair in pairs]
