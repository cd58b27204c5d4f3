"""What the parser found, made into an expression: a method for each rule of the grammar, called from inside out."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Protocol

from tivo.model.errors import QueryError
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
from tivo.query.kinds import check_arithmetic, check_call, check_comparable, check_condition, check_text, wrong

LONGEST_NAME = 40
_LARGEST = 2**64
_DIGITS_OF_INDEX = 9
_SIGNS = {"==": Sign.EQUAL, "<>": Sign.UNEQUAL, **{sign.value: sign for sign in Sign}}
_ONE_ARGUMENT = frozenset({Function.ABS, Function.LOWER, Function.UPPER, Function.LEN})
_KEYWORDS = frozenset({"and", "or", "in", "between", "like", "glob", "is"})


class Token(Protocol):
    """A word or sign of the text, as the parser gives it."""

    line: int
    column: int

    def __len__(self) -> int: ...


class Builder:
    """Callbacks by the names of the grammar's rules and aliases. All raise QueryError."""

    def disjunction(self, parts: Sequence[Expression]) -> Expression:
        for part in parts:
            check_condition(part, "each side of `or`")
        return Or(tuple(parts), at=parts[0].at)

    def conjunction(self, parts: Sequence[Expression]) -> Expression:
        for part in parts:
            check_condition(part, "each side of `and`")
        return And(tuple(parts), at=parts[0].at)

    def opposite(self, parts: tuple[Token, Expression]) -> Expression:
        check_condition(parts[1], "what follows `not`")
        return Not(parts[1], at=_place(parts[0]))

    def comparison(self, parts: tuple[Expression, Token, Expression]) -> Expression:
        left, token, right = parts
        sign = _SIGNS[str(token)]
        check_comparable(left, right, sign)
        return Comparison(sign, left, right, at=left.at)

    def among(self, parts: Sequence[Expression]) -> Expression:
        operand, negated, *choices = parts
        for choice in choices:
            check_comparable(operand, choice, Sign.EQUAL)
        return Among(operand, tuple(choices), negated is not None, at=operand.at)

    def between(self, parts: tuple[Expression, Token | None, Expression, Expression]) -> Expression:
        operand, negated, low, high = parts
        check_comparable(operand, low, Sign.FROM)
        check_comparable(operand, high, Sign.UPTO)
        return Between(operand, low, high, negated is not None, at=operand.at)

    def matches(self, parts: tuple[Expression, Token | None, Token, Token]) -> Expression:
        operand, negated, pattern, text = parts
        check_text(operand, str(pattern).lower())
        return Matches(operand, Pattern(str(pattern).lower()), _unquoted(text), negated is not None, at=operand.at)

    def is_null_or_absent(self, parts: tuple[Expression, Token | None, Token]) -> Expression:
        operand, negated, lack = parts
        return Is(operand, Lack(str(lack).lower()), negated is not None, at=operand.at)

    def arithmetic(self, parts: tuple[Expression, Token, Expression]) -> Expression:
        left, operation, right = parts
        made = Arithmetic(Operation(str(operation)), left, right, at=left.at)
        check_arithmetic(made)
        return made

    def negative(self, parts: tuple[Token, Expression]) -> Expression:
        sign, operand = parts
        made = Negative(operand, at=_place(sign))
        check_arithmetic(made)
        if isinstance(operand, Literal) and isinstance(operand.value, int | float):
            return Literal(-operand.value, at=made.at)
        return made

    def number(self, parts: tuple[Token]) -> Expression:
        at, text = _place(parts[0]), str(parts[0])
        value = int(text) if text.isdigit() else float(text)
        if isinstance(value, int) and value >= _LARGEST:
            raise wrong(at, "a whole number has at most 64 bits")
        if value == float("inf"):
            raise wrong(at, f"{text[:LONGEST_NAME]} is beyond what a number can be")
        return Literal(value, at=at)

    def text(self, parts: tuple[Token]) -> Expression:
        return Literal(_unquoted(parts[0]), at=_place(parts[0]))

    def true(self, parts: tuple[Token]) -> Expression:
        return Literal(True, at=_place(parts[0]))

    def false(self, parts: tuple[Token]) -> Expression:
        return Literal(False, at=_place(parts[0]))

    def field(self, parts: tuple[Token, *tuple[str | int, ...]]) -> Expression:
        token, *path = parts
        word = str(token).lower()
        if not str(token).isascii() or word not in set(Name):
            raise _unknown_name(token)
        name = Name(word)
        _check_path(name, path, _place(token))
        return Field(name, tuple(path), at=_place(token))

    def member(self, parts: tuple[Token]) -> str:
        return str(parts[0])

    def quoted_member(self, parts: tuple[Token]) -> str:
        return _unquoted(parts[0])

    def element(self, parts: tuple[Token]) -> int:
        if len(parts[0]) > _DIGITS_OF_INDEX:
            raise wrong(_place(parts[0]), f"the number of an element has at most {_DIGITS_OF_INDEX} digits")
        return int(str(parts[0]))

    def call(self, parts: tuple[Token, *tuple[Expression, ...]]) -> Expression:
        token, *arguments = parts
        word = str(token).lower()
        if not str(token).isascii() or word not in set(Function):
            raise wrong(_place(token), f"there is no function {_shown(token)}{_near(word, Function)}")
        function = Function(word)
        wanted = 1 if function in _ONE_ARGUMENT else 2
        if len(arguments) != wanted:
            raise wrong(_place(token), f"{function} takes {wanted} of what stands in parentheses, not {len(arguments)}")
        made = Call(function, tuple(arguments), at=_place(token))
        check_call(made)
        return made


def _check_path(name: Name, path: Sequence[str | int], at: Place) -> None:
    """Only a value has members and elements; of headers one is named."""
    if name is Name.HEADERS:
        if len(path) != 1 or isinstance(path[0], int):
            raise wrong(at, 'headers is followed by the name of one, as in headers.trace or headers["content-type"]')
    elif path and name is not Name.VALUE:
        raise wrong(at, f"{name} has no parts; those of the value are named value.x or value[0]")


def _unknown_name(token: Token) -> QueryError:
    """The error for a word that stands where a value is wanted and is none."""
    at, word = _place(token), str(token).lower()
    if word in _KEYWORDS:
        return wrong(at, f"expected a value, found `{word}`", expected=("a value",))
    if word in set(Lack):
        return wrong(at, f"nothing equals {word}: write `is {word}` or `is not {word}`")
    near = _near(word, Name) or f"; a member of the value is named value.{_shown(token)}, a text stands in quotes"
    return wrong(at, f"there is no name {_shown(token)}{near}")


def _near(word: str, words: Iterable[str]) -> str:
    alike = get_close_matches(word[:LONGEST_NAME], [str(each) for each in words], 1)
    return f"; did you mean {alike[0]}?" if alike else ""


def _shown(token: Token) -> str:
    return str(token) if len(token) <= LONGEST_NAME else f"{str(token)[:LONGEST_NAME]}…"


def _unquoted(token: Token) -> str:
    text = str(token)
    return text[1:-1].replace(text[0] * 2, text[0])


def _place(token: Token) -> Place:
    return Place(token.line, token.column)
