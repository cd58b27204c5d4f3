import pytest

from tivo.model.errors import QueryError
from tivo.query.expression import (
    Arithmetic,
    Call,
    Expression,
    Field,
    Function,
    Literal,
    Name,
    Negative,
    Operation,
    Place,
    Sign,
)
from tivo.query.kinds import check_arithmetic, check_call, check_comparable, check_condition, check_text, wrong

AT, THERE = Place(1, 1), Place(2, 5)
NUMBER, TEXT, YES = Literal(1, at=THERE), Literal("a", at=THERE), Literal(True, at=THERE)
VALUE, KEY, TIME = Field(Name.VALUE, (), at=AT), Field(Name.KEY, (), at=AT), Field(Name.TIME, (), at=AT)
MOMENT = Literal("2016-01-15", at=THERE)


def test_an_error_tells_its_place_and_what_was_expected() -> None:
    error = wrong(THERE, "no", expected=("a value",))

    assert ("line 2, column 5: no", 2, 5, ("a value",)) == (str(error), error.line, error.column, error.expected)


@pytest.mark.parametrize("node", [YES, VALUE])
def test_a_condition_or_what_may_be_one_passes(node: Expression) -> None:
    check_condition(node, "it")


def test_what_is_no_condition_is_named() -> None:
    with pytest.raises(QueryError, match=r"line 2, column 5: it must be a condition, .* not a number"):
        check_condition(NUMBER, "it")


@pytest.mark.parametrize(
    "node",
    [
        Negative(VALUE, at=AT),
        Arithmetic(Operation.PLUS, NUMBER, VALUE, at=AT),
        Arithmetic(Operation.MINUS, TIME, TIME, at=AT),
    ],
)
def test_numbers_are_worked_with_and_times_subtracted(node: Arithmetic | Negative) -> None:
    check_arithmetic(node)


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (Negative(TEXT, at=AT), "arithmetic wants a number, got a text"),
        (Negative(TIME, at=AT), "a time can be compared"),
        (Arithmetic(Operation.PLUS, NUMBER, YES, at=AT), "arithmetic wants a number, got a condition"),
        (Arithmetic(Operation.PLUS, TIME, TIME, at=AT), "a time can be compared"),
        (Arithmetic(Operation.MINUS, TIME, NUMBER, at=AT), "a time can be compared"),
    ],
)
def test_nothing_else_is_worked_with(node: Arithmetic | Negative, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        check_arithmetic(node)


def test_a_text_is_wanted() -> None:
    check_text(KEY, "like")
    with pytest.raises(QueryError, match="like wants a text, got a number"):
        check_text(NUMBER, "like")


@pytest.mark.parametrize(
    "call",
    [
        Call(Function.ABS, (NUMBER,), at=AT),
        Call(Function.STARTS, (KEY, TEXT), at=AT),
        Call(Function.CONTAINS, (VALUE, NUMBER), at=AT),
        Call(Function.CONTAINS, (VALUE, YES), at=AT),
    ],
)
def test_arguments_that_fit_pass(call: Call) -> None:
    check_call(call)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (Call(Function.ABS, (TEXT,), at=AT), "abs wants a number"),
        (Call(Function.LEN, (NUMBER,), at=AT), "len wants a text"),
        (Call(Function.ENDS, (KEY, NUMBER), at=AT), "ends wants a text"),
        (Call(Function.CONTAINS, (VALUE, TIME), at=AT), "contains does not look for times"),
    ],
)
def test_arguments_that_do_not_fit_are_named(call: Call, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        check_call(call)


@pytest.mark.parametrize(
    ("left", "right", "sign"),
    [
        (NUMBER, NUMBER, Sign.BELOW),
        (VALUE, TEXT, Sign.BELOW),
        (VALUE, VALUE, Sign.BELOW),
        (YES, YES, Sign.EQUAL),
        (VALUE, YES, Sign.UNEQUAL),
        (TIME, MOMENT, Sign.FROM),
        (NUMBER, TIME, Sign.FROM),
        (TIME, KEY, Sign.EQUAL),
    ],
)
def test_what_may_be_of_one_kind_can_be_compared(left: Expression, right: Expression, sign: Sign) -> None:
    check_comparable(left, right, sign)


@pytest.mark.parametrize(
    ("left", "right", "sign", "says"),
    [
        (YES, VALUE, Sign.BELOW, "< compares numbers, texts and times, and no conditions"),
        (KEY, NUMBER, Sign.EQUAL, "a text is compared with a number here"),
        (TIME, TEXT, Sign.EQUAL, "wanted a time such as .*, got 'a'"),
        (
            Call(Function.CONTAINS, (VALUE, TEXT), at=AT),
            TIME,
            Sign.EQUAL,
            "wanted a time such as .*, got a condition",
        ),
    ],
)
def test_what_never_could_be_is_refused(left: Expression, right: Expression, sign: Sign, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        check_comparable(left, right, sign)
