"""Text → expression. lark is loaded when the first text is read: no process waits for it to start."""

from functools import cache
from typing import TYPE_CHECKING

from tivo.model.errors import QueryError
from tivo.query.building import LONGEST_NAME, Builder
from tivo.query.expression import Call, Expression, Function, Matches, Place
from tivo.query.kinds import check_condition, wrong

if TYPE_CHECKING:
    from lark import Lark, UnexpectedInput

MOST_BYTES = 4_096
MOST_NODES = 512
DEEPEST = 64
MOST_IN_PATTERNS = 512
MOST_SCANS = 16
"""Bounds of an expression: its text, the values and conditions in it, how many of them lie within each other, the
signs of all its patterns, each of which may be compared with each sign of a text, and the functions that go through
the whole of a text or list."""

_SCANS = frozenset({Function.CONTAINS, Function.LOWER, Function.UPPER})

_VALUE = frozenset({"NAME", "NUMBER", "TEXT", "TRUE", "FALSE", "MINUS", "_OPEN", "NOT"})
_OPERATOR = frozenset({"COMPARING", "_IN", "_BETWEEN", "LIKE", "GLOB", "_IS", "NOT", "PLUS", "MINUS", "TIMES"})
_OPERATOR |= {"OVER", "MODULO"}
_PHRASES = {
    "NAME": "a name",
    "INDEX": "a number of an element",
    "TEXT": "a text in quotes",
    "COMPARING": "a comparison",
    "_AND": "`and`",
    "_OR": "`or`",
    "_IN": "`in`",
    "_BETWEEN": "`between`",
    "LIKE": "`like`",
    "GLOB": "`glob`",
    "NOT": "`not`",
    "NULL": "`null`",
    "ABSENT": "`absent`",
    "_OPEN": "`(`",
    "_CLOSE": "`)`",
    "_RIGHT": "`]`",
    "_COMMA": "`,`",
    "$END": "the end",
}
"""How terminals of the grammar are told to people. Those that are left out may always come, and help nobody."""


def parse(text: str) -> Expression:
    """The condition that a text says. Raises QueryError with the place, and with what could have stood there."""
    _check_size(text)
    from lark import UnexpectedInput

    try:
        found: Expression = _grammar().parse(text)  # type: ignore[assignment]  # the builder makes it
    except UnexpectedInput as error:
        raise _told(error, text) from None
    _check_bounds(found)
    check_condition(found, "an expression")
    return found


@cache
def _grammar() -> "Lark":
    from lark import Lark

    return Lark.open_from_package(
        __package__, "grammar.lark", start="expression", parser="lalr", transformer=Builder(), propagate_positions=False
    )


def _check_size(text: str) -> None:
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise wrong(Place(1, 1), f"an expression has at most {MOST_BYTES} bytes")
    for position, sign in enumerate(text):
        if "\ud800" <= sign <= "\udfff":
            raise wrong(_place_of(position, text), f"half a character, U+{ord(sign):04X}")


def _check_bounds(root: Expression) -> None:
    """Raises QueryError for what is too large to be worked on by functions that call each other, or for an event."""
    seen, signs, scans, left = 0, 0, 0, [(root, 1)]
    while left:
        node, depth = left.pop()
        seen += 1
        if depth > DEEPEST:
            raise wrong(node.at, f"expressions lie at most {DEEPEST} deep within each other")
        if seen > MOST_NODES:
            raise wrong(root.at, f"an expression is made of at most {MOST_NODES} values and conditions")
        signs += len(node.text) if isinstance(node, Matches) else 0
        scans += isinstance(node, Call) and node.function in _SCANS
        left.extend((operand, depth + 1) for operand in node.operands)
    if signs > MOST_IN_PATTERNS:
        raise wrong(root.at, f"the patterns of an expression have at most {MOST_IN_PATTERNS} signs together")
    if scans > MOST_SCANS:
        raise wrong(
            root.at, f"contains, lower and upper stand at most {MOST_SCANS} times in an expression, not {scans}"
        )


def _told(error: "UnexpectedInput", text: str) -> QueryError:
    """What the parser stumbled over, for people."""
    from lark import UnexpectedCharacters, UnexpectedToken

    at = Place(error.line, error.column)
    if isinstance(error, UnexpectedCharacters):
        found = _sign(text[error.pos_in_stream or 0])
    else:
        assert isinstance(error, UnexpectedToken)
        is_end = error.token.type == "$END"
        at, found = (_place_of(len(text), text), "the end") if is_end else (at, f"`{error.token[:LONGEST_NAME]}`")
    expected = _expected(error.interactive_parser.accepts())  # type: ignore[no-untyped-call]
    return wrong(at, f"expected {_listed(expected)}, found {found}", expected=expected)


def _sign(sign: str) -> str:
    if sign in "'\"":
        return f"a text that is not closed by {sign}"
    return f"`{sign}` (U+{ord(sign):04X})" if sign.isprintable() else f"U+{ord(sign):04X}"


def _expected(terminals: "set[str]") -> tuple[str, ...]:
    """What may stand there, values and operators as one each. Nothing may where a whole expression has been read."""
    phrases = list[str]()
    if "NUMBER" in terminals:
        phrases, terminals = ["a value"], terminals - _VALUE
    elif {"COMPARING", "PLUS"} & terminals:
        phrases, terminals = ["an operator"], terminals - _OPERATOR
    phrases += [phrase for name, phrase in _PHRASES.items() if name in terminals]
    return tuple(phrases) or ("the end",)


def _listed(phrases: tuple[str, ...]) -> str:
    *most, last = phrases
    return f"{', '.join(most)} or {last}" if most else last


def _place_of(position: int, text: str) -> Place:
    return Place(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))
