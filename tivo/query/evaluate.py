"""Conditions, made into functions that say of an event whether they hold.

A condition holds only between two values of one kind. Of what is absent, null or of another kind nothing is true but
what `is` says; `not` before a condition turns that around, the `not` of `not in` and its like does not.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias

from tivo.model.event import Event
from tivo.query.expression import (
    Among,
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Expression,
    Field,
    Is,
    Kind,
    Lack,
    Literal,
    Matches,
    Name,
    Negative,
    Not,
    Or,
    Sign,
)
from tivo.query.fields import ABSENT, Reader, field
from tivo.query.functions import EQUATED, arithmetic, call, negative, seconds_between
from tivo.query.parser import parse
from tivo.query.patterns import matcher
from tivo.query.reading import value_reader
from tivo.query.times import as_time

Test: TypeAlias = Callable[[Event, object], bool]
"""Whether a condition holds of an event; its second argument is the event's own value, read."""

_ORDERED: dict[type, int] = {int: 0, float: 0, str: 1}
_COMPARE: dict[Sign, Callable[..., bool]] = {
    Sign.EQUAL: operator.eq,
    Sign.UNEQUAL: operator.ne,
    Sign.BELOW: operator.lt,
    Sign.UPTO: operator.le,
    Sign.ABOVE: operator.gt,
    Sign.FROM: operator.ge,
}


def compile_expression(text: str) -> Callable[[Event], bool]:
    """Whether an event passes what a text says. Raises QueryError with the place where it says nothing."""
    return compiled(parse(text))


def compiled(root: Expression) -> Callable[[Event], bool]:
    """Whether an event passes a condition. Its value is read once, and only where that decides."""
    parts = root.parts if isinstance(root, And) else (root,)
    beside = _all([_test(part) for part in parts if not _paths(part)])
    inside = [_test(part) for part in parts if _paths(part)]
    if not inside:
        return lambda event: beside(event, None)
    within, read = _all(inside), value_reader(_paths(root))
    if len(inside) == len(parts):
        return lambda event: within(event, read(event))
    return lambda event: beside(event, None) and within(event, read(event))


def _paths(node: Expression) -> list[tuple[str | int, ...]]:
    """What is read of the value."""
    if isinstance(node, Field) and node.name is Name.VALUE:
        return [node.path]
    return [path for operand in node.operands for path in _paths(operand)]


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def holds(event: Event, value: object) -> bool:
        for test in tests:  # noqa: SIM110  a generator an event takes twice as long
            if not test(event, value):
                return False
        return True

    return holds


def _any(tests: list[Test]) -> Test:
    def holds(event: Event, value: object) -> bool:
        for test in tests:  # noqa: SIM110  as above
            if test(event, value):
                return True
        return False

    return holds


def _test(node: Expression) -> Test:
    match node:
        case Not():
            test = _test(node.operand)
            return lambda event, value: not test(event, value)
        case And():
            return _all([*map(_test, node.parts)])
        case Or():
            return _any([*map(_test, node.parts)])
        case Comparison():
            return _compared(node.sign, node.left, node.right)
        case Among():
            return _among(node)
        case Between():
            return _between(node)
        case Matches() | Is():
            return _matches(node) if isinstance(node, Matches) else _is(node)
        case _:
            read = _reader(node)
            return lambda event, value: read(event, value) is True


def _reader(node: Expression) -> Reader:
    match node:
        case Literal():
            held = node.value
            return lambda event, value: held
        case Field():
            return field(node.name, node.path)
        case Negative():
            return negative(_reader(node.operand))
        case Arithmetic():
            make = seconds_between if node.left.kind is Kind.TIME else partial(arithmetic, node.operation)
            return make(_reader(node.left), _reader(node.right))
        case Call():
            return call(node.function, tuple(map(_reader, node.arguments)))
        case _:
            return _test(node)


def _compared(sign: Sign, left: Expression, right: Expression) -> Test:
    compare, kinds = _COMPARE[sign], EQUATED if sign in {Sign.EQUAL, Sign.UNEQUAL} else _ORDERED
    first, second = _readers(left, right)
    if isinstance(right, Literal):
        return _compared_with(
            compare, kinds, first, right.value if left.kind is not Kind.TIME else as_time(right.value)
        )

    def holds(event: Event, value: object) -> bool:
        one, other = first(event, value), second(event, value)
        kind = kinds.get(type(one))
        return kind is not None and kind == kinds.get(type(other)) and compare(one, other)

    return holds


def _compared_with(compare: Callable[..., bool], kinds: Mapping[type, int], read: Reader, held: object) -> Test:
    """The same with a value that is written out."""
    kind = kinds[type(held)]

    def holds(event: Event, value: object) -> bool:
        found = read(event, value)
        return kinds.get(type(found)) == kind and compare(found, held)

    return holds


def _readers(left: Expression, right: Expression) -> tuple[Reader, Reader]:
    """Both sides of a comparison; beside a time, what is none is read as one."""
    if Kind.TIME in {left.kind, right.kind}:
        return _time_reader(left), _time_reader(right)
    return _reader(left), _reader(right)


def _time_reader(node: Expression) -> Reader:
    read = _reader(node)
    if node.kind is Kind.TIME:
        return read
    if isinstance(node, Literal):
        held = as_time(node.value)
        return lambda event, value: held

    def read_time(event: Event, value: object) -> object:
        found = as_time(read(event, value))
        return ABSENT if found is None else found

    return read_time


def _among(node: Among) -> Test:
    literals = [choice.value for choice in node.choices if isinstance(choice, Literal)]
    if node.operand.kind is not Kind.TIME and len(literals) == len(node.choices):
        return _among_literals(_reader(node.operand), literals, negated=node.negated)
    equal = _any([_compared(Sign.EQUAL, node.operand, choice) for choice in node.choices])
    if not node.negated:
        return equal
    unequal = _any([_compared(Sign.UNEQUAL, node.operand, choice) for choice in node.choices])
    return lambda event, value: unequal(event, value) and not equal(event, value)


def _among_literals(read: Reader, literals: Iterable[object], *, negated: bool) -> Test:
    held: dict[int, set[object]] = {}
    for each in literals:
        held.setdefault(EQUATED[type(each)], set()).add(each)
    kinds = {kind: held[number] for kind, number in EQUATED.items() if number in held}

    def holds(event: Event, value: object) -> bool:
        found = read(event, value)
        alike = kinds.get(type(found))
        return alike is not None and (found in alike) is not negated

    return holds


def _between(node: Between) -> Test:
    if node.negated:
        return _any([_compared(Sign.BELOW, node.operand, node.low), _compared(Sign.ABOVE, node.operand, node.high)])
    low, high = _compared(Sign.FROM, node.operand, node.low), _compared(Sign.UPTO, node.operand, node.high)
    return lambda event, value: low(event, value) and high(event, value)


def _matches(node: Matches) -> Test:
    read, matches, negated = _reader(node.operand), matcher(node.pattern, node.text), node.negated

    def holds(event: Event, value: object) -> bool:
        found = read(event, value)
        return type(found) is str and matches(found) is not negated

    return holds


def _is(node: Is) -> Test:
    read, negated = _reader(node.operand), node.negated
    if node.lack is Lack.ABSENT:
        return lambda event, value: (read(event, value) is ABSENT) is not negated
    if not negated:
        return lambda event, value: read(event, value) is None

    def holds(event: Event, value: object) -> bool:
        found = read(event, value)
        return found is not None and found is not ABSENT

    return holds
