"""What an expression says of an event, worked out in the plainest way: no functions made, nothing read ahead.

It shares with the evaluator the expression, the reading of times, and nothing else.
"""

import json
import math
from typing import Any

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
    Pattern,
    Sign,
)
from tivo.query.times import as_time

GONE = object()
OPAQUE = object()


def holds(node: Expression, event: Event) -> bool:
    match node:
        case Not(operand=operand):
            return not holds(operand, event)
        case And(parts=parts):
            return all(holds(part, event) for part in parts)
        case Or(parts=parts):
            return any(holds(part, event) for part in parts)
        case Comparison(sign=sign, left=left, right=right):
            return compare(sign, left, right, event)
        case Among(operand=operand, choices=choices, negated=negated):
            equal = [compare(Sign.EQUAL, operand, choice, event) for choice in choices]
            unequal = [compare(Sign.UNEQUAL, operand, choice, event) for choice in choices]
            return any(unequal) and not any(equal) if negated else any(equal)
        case Between(operand=operand, low=low, high=high, negated=False):
            return compare(Sign.FROM, operand, low, event) and compare(Sign.UPTO, operand, high, event)
        case Between(operand=operand, low=low, high=high):
            return compare(Sign.BELOW, operand, low, event) or compare(Sign.ABOVE, operand, high, event)
        case Matches(operand=operand, pattern=pattern, text=text, negated=negated):
            found = value(operand, event)
            return isinstance(found, str) and match(found, signs(pattern, text)) is not negated
        case Is(operand=operand, lack=lack, negated=negated):
            found = value(operand, event)
            if lack is Lack.ABSENT:
                return (found is GONE) is not negated
            return found is not GONE and (found is None) is not negated
    return value(node, event) is True


def compare(sign: Sign, left: Expression, right: Expression, event: Event) -> bool:
    one, other = value(left, event), value(right, event)
    if Kind.TIME in {left.kind, right.kind}:
        one, other = (
            found if node.kind is Kind.TIME else moment(found) for node, found in ((left, one), (right, other))
        )
    if kind(one) == "" or kind(one) != kind(other):
        return False
    if sign in {Sign.EQUAL, Sign.UNEQUAL}:
        return bool(one == other) is (sign is Sign.EQUAL)
    if kind(one) == "flag":
        return False
    below, above = one < other, one > other
    return {Sign.BELOW: below, Sign.UPTO: not above, Sign.ABOVE: above, Sign.FROM: not below}[sign]


def moment(found: Any) -> Any:
    time_us = as_time(found) if kind(found) in {"number", "text"} else None
    return GONE if time_us is None else time_us


def kind(found: Any) -> str:
    if isinstance(found, bool):
        return "flag"
    if isinstance(found, int | float):
        return "number"
    return "text" if isinstance(found, str) else ""


def value(node: Expression, event: Event) -> Any:
    match node:
        case Literal(value=held):
            return held
        case Field(name=name, path=path):
            return field(name, path, event)
        case Negative(operand=operand):
            found = value(operand, event)
            return -found if kind(found) == "number" else GONE
        case Arithmetic(operation=operation, left=left, right=right):
            one, other = value(left, event), value(right, event)
            if left.kind is Kind.TIME:
                return (one - other) / 1_000_000
            return work(operation, one, other) if kind(one) == kind(other) == "number" else GONE
        case Call(function=function, arguments=arguments):
            return call(function, *(value(argument, event) for argument in arguments))
    return holds(node, event)


def work(operation: str, one: Any, other: Any) -> Any:
    try:
        match operation:
            case "+":
                found = one + other
            case "-":
                found = one - other
            case "*":
                found = one * other
            case "/":
                found = one / other
            case _:
                whole = isinstance(one, int) and isinstance(other, int)
                found = one - other * (abs(one) // abs(other)) * sign(one) * sign(other) if whole else rest(one, other)
        if isinstance(found, int) and abs(found) >= 2**64:
            found = float(found)
    except (ZeroDivisionError, OverflowError):
        return GONE
    return found if isinstance(found, int) or math.isfinite(found) else GONE


def sign(number: int) -> int:
    return -1 if number < 0 else 1


def rest(one: float, other: float) -> float:
    if not other:
        raise ZeroDivisionError
    return math.fmod(one, other)


def call(function: str, *given: Any) -> Any:
    first, *others = given
    match function:
        case "abs":
            return abs(first) if kind(first) == "number" else GONE
        case "len":
            return len(first) if isinstance(first, str | list | dict) else GONE
        case "lower" | "upper":
            return getattr(first, function)() if isinstance(first, str) else GONE
        case "contains" if isinstance(first, list):
            return any(kind(each) != "" and kind(each) == kind(others[0]) and each == others[0] for each in first)
        case _:
            looks = {"contains": "__contains__", "starts": "startswith", "ends": "endswith"}[function]
            return isinstance(first, str) and isinstance(others[0], str) and getattr(first, looks)(others[0])


def field(name: Name, path: tuple[str | int, ...], event: Event) -> Any:
    match name:
        case Name.VALUE:
            found = read(event.value)
            for step in path:
                is_member = isinstance(step, str) and isinstance(found, dict) and step in found
                is_element = isinstance(step, int) and isinstance(found, list) and step < len(found)
                found = found[step] if is_member or is_element else GONE
            return found
        case Name.HEADERS:
            held = [value for name, value in event.headers if name == path[0]]
            return text(held[-1]) if held else GONE
        case Name.KEY:
            return text(event.key)
        case Name.TIME:
            return event.time_us
        case Name.RECEIVED:
            return event.received_us
    return getattr(event, name)


def read(body: bytes | None) -> Any:
    if body is None:
        return None
    if b"1e999" in body:
        return {"a": OPAQUE, "b": 1}
    try:
        return json.loads(body)
    except ValueError:
        return text(body)


def text(body: bytes | None) -> Any:
    try:
        return None if body is None else body.decode()
    except UnicodeDecodeError:
        return OPAQUE


def signs(pattern: Pattern, given: str) -> list[str | tuple[str, ...]]:
    """The pattern as a list: "*" for any text, "?" for one sign, else the signs that may stand there ("!" for not)."""
    found: list[str | tuple[str, ...]] = []
    while given:
        if pattern is Pattern.GLOB and given[0] == "[" and given.find("]", 3 if given[1:2] == "!" else 2) > 0:
            end = given.find("]", 3 if given[1:2] == "!" else 2)
            found.append(tuple(given[1:end]))
            given = given[end + 1 :]
            continue
        if pattern is Pattern.LIKE and given[0] == "\\" and len(given) > 1:
            found.append((given[1],))
            given = given[2:]
            continue
        wild = {"%": "*", "_": "?"} if pattern is Pattern.LIKE else {"*": "*", "?": "?"}
        found.append(wild.get(given[0]) or (given[0],))
        given = given[1:]
    return found


def match(given: str, wanted: list[str | tuple[str, ...]]) -> bool:
    """Every way of dividing the text is tried."""
    if not wanted:
        return not given
    first, *others = wanted
    if first == "*":
        return any(match(given[at:], others) for at in range(len(given) + 1))
    return bool(given) and allows(first, given[0]) and match(given[1:], others)


def allows(wanted: str | tuple[str, ...], sign: str) -> bool:
    if wanted == "?":
        return True
    return sign not in wanted[1:] if wanted[0] == "!" and len(wanted) > 1 else sign in wanted
