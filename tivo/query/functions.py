"""What is done to values: arithmetic, functions, and whether two are the same.

Whatever cannot be done is absent: arithmetic with what is no number or that leaves the numbers there are, a function
of a thing of another kind.
"""

import operator
from collections.abc import Callable
from math import fmod, isfinite

from tivo.model.event import Event
from tivo.model.timeline import SECOND_US
from tivo.query.expression import Function, Operation
from tivo.query.fields import ABSENT, Reader

_EXACT = 2**64
"""Whole numbers stay exact up to here, beyond it results are floating."""


def arithmetic(operation: Operation, left: Reader, right: Reader) -> Reader:
    """Two numbers made into one."""
    work = _WORK[operation]

    def read(event: Event, value: object) -> object:
        first, second = left(event, value), right(event, value)
        return _settled(work, first, second) if is_number(first) and is_number(second) else ABSENT

    return read


def seconds_between(left: Reader, right: Reader) -> Reader:
    """How many seconds the left time lies behind the right one."""
    return lambda event, value: (left(event, value) - right(event, value)) / SECOND_US  # type: ignore[operator]


def negative(operand: Reader) -> Reader:
    """The number with its sign turned."""

    def read(event: Event, value: object) -> object:
        found = operand(event, value)
        return -found if is_number(found) else ABSENT  # type: ignore[operator]

    return read


def is_number(found: object) -> bool:
    """True and false are no numbers."""
    return type(found) is int or type(found) is float


def _settled(work: Callable[[object, object], object], first: object, second: object) -> object:
    """The result, as long as it is a number that can be held in 64 bits."""
    try:
        found = work(first, second)
        if type(found) is int and not -_EXACT < found < _EXACT:
            found = float(found)
        return found if type(found) is int or isfinite(found) else ABSENT  # type: ignore[arg-type]
    except (OverflowError, ZeroDivisionError):
        return ABSENT


def _remainder(first: int | float, second: int | float) -> int | float:
    """What is left of a division, with the sign of what was divided."""
    if type(first) is int and type(second) is int:
        left = abs(first) % abs(second)
        return -left if first < 0 else left
    if second == 0:
        raise ZeroDivisionError
    return fmod(first, second)


_WORK: dict[Operation, Callable[..., object]] = {
    Operation.PLUS: operator.add,
    Operation.MINUS: operator.sub,
    Operation.TIMES: operator.mul,
    Operation.OVER: operator.truediv,
    Operation.MODULO: _remainder,
}


def call(function: Function, arguments: tuple[Reader, ...]) -> Reader:
    """What a function gives; absent where it has nothing to say of its arguments."""
    work = _FUNCTIONS[function]
    if len(arguments) == 1:
        (only,) = arguments
        return lambda event, value: work(only(event, value))
    first, second = arguments
    return lambda event, value: work(first(event, value), second(event, value))


def _abs(given: object) -> object:
    return abs(given) if is_number(given) else ABSENT  # type: ignore[arg-type]


def _lower(given: object) -> object:
    return given.lower() if type(given) is str else ABSENT


def _upper(given: object) -> object:
    return given.upper() if type(given) is str else ABSENT


def _len(given: object) -> object:
    return len(given) if type(given) is str or type(given) is list or type(given) is dict else ABSENT


def _contains(given: object, wanted: object) -> bool:
    if type(given) is list:
        return _holds(given, wanted)
    return type(given) is str and type(wanted) is str and wanted in given


def _holds(given: list[object], wanted: object) -> bool:
    """Whether one of a list equals what is wanted. A list may have half a million: nothing is called for each."""
    kind = EQUATED.get(type(wanted))
    if kind is None or wanted not in given:
        return False
    for each in given:  # noqa: SIM110  a generator takes twice as long
        if each == wanted and EQUATED.get(type(each)) == kind:  # Python's 1 equals its True
            return True
    return False


def _starts(given: object, wanted: object) -> bool:
    return type(given) is str and type(wanted) is str and given.startswith(wanted)


def _ends(given: object, wanted: object) -> bool:
    return type(given) is str and type(wanted) is str and given.endswith(wanted)


_FUNCTIONS: dict[Function, Callable[..., object]] = {
    Function.ABS: _abs,
    Function.LOWER: _lower,
    Function.UPPER: _upper,
    Function.LEN: _len,
    Function.CONTAINS: _contains,
    Function.STARTS: _starts,
    Function.ENDS: _ends,
}

EQUATED: dict[type, int] = {int: 0, float: 0, str: 1, bool: 2}
"""Kinds of which two values may be equal; nothing else equals anything."""


def are_equal(first: object, second: object) -> bool:
    """Whether two values are of one kind, and the same."""
    kind = EQUATED.get(type(first))
    return kind is not None and kind == EQUATED.get(type(second)) and first == second
