"""What can be done with what, as far as that shows before there is an event: the rest is false, never an error."""

from tivo.model.errors import QueryError
from tivo.query.expression import (
    Arithmetic,
    Call,
    Expression,
    Function,
    Kind,
    Literal,
    Negative,
    Operation,
    Place,
    Sign,
)
from tivo.query.times import as_time

_EQUALITY = (Sign.EQUAL, Sign.UNEQUAL)
_TAKES_TEXT = frozenset({Function.LOWER, Function.UPPER, Function.LEN, Function.STARTS, Function.ENDS})


def wrong(at: Place, message: str, *, expected: tuple[str, ...] = ()) -> QueryError:
    """What to raise for text at this place."""
    return QueryError(message, line=at.line, column=at.column, expected=expected)


def check_condition(node: Expression, whose: str) -> None:
    """Raises QueryError for what is neither true nor false, such as the 2 of `value.a = 1 or 2`."""
    if node.kind not in {Kind.CONDITION, Kind.ANY}:
        raise wrong(node.at, f"{whose} must be a condition, such as value.x > 1, not {node.kind.value}")


def check_arithmetic(node: Arithmetic | Negative) -> None:
    """Raises QueryError where an operand is no number; a time can be subtracted from another, and nothing else."""
    kinds = {operand.kind for operand in node.operands}
    if isinstance(node, Arithmetic) and node.operation is Operation.MINUS and kinds == {Kind.TIME}:
        return
    for operand in node.operands:
        if operand.kind is Kind.TIME:
            raise wrong(operand.at, "a time can be compared, and subtracted from time or received, and nothing else")
        _check(operand, Kind.NUMBER, "arithmetic")


def check_text(node: Expression, whose: str) -> None:
    """Raises QueryError for what is no text."""
    _check(node, Kind.TEXT, whose)


def check_call(call: Call) -> None:
    """Raises QueryError for an argument that a function cannot take."""
    first, *rest = call.arguments
    if call.function is Function.ABS:
        _check(first, Kind.NUMBER, "abs")
    else:
        check_text(first, call.function)
    for argument in rest:
        if call.function in _TAKES_TEXT:
            check_text(argument, call.function)
        elif argument.kind is Kind.TIME:
            raise wrong(argument.at, f"{call.function} does not look for times")


def check_comparable(left: Expression, right: Expression, sign: Sign) -> None:
    """Raises QueryError for two values of which one could never be what the other is."""
    kinds = {left.kind, right.kind}
    if Kind.CONDITION in kinds and sign not in _EQUALITY:
        raise wrong(left.at, f"{sign} compares numbers, texts and times, and no conditions")
    if Kind.TIME in kinds:
        _check_time(left)
        _check_time(right)
    elif len(kinds - {Kind.ANY}) > 1:
        raise wrong(right.at, f"{left.kind.value} is compared with {right.kind.value} here, which it never equals")


def _check_time(node: Expression) -> None:
    if node.kind is Kind.CONDITION or (isinstance(node, Literal) and as_time(node.value) is None):
        shown = repr(node.value) if isinstance(node, Literal) else node.kind.value
        raise wrong(node.at, f"wanted a time such as '2016-01-15T14:32:24Z' or seconds since 1970, got {shown[:80]}")


def _check(node: Expression, kind: Kind, whose: str) -> None:
    if node.kind not in {kind, Kind.ANY}:
        raise wrong(node.at, f"{whose} wants {kind.value}, got {node.kind.value}")
