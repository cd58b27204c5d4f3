"""An expression as text again, with no more parentheses than it needs."""

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
    Literal,
    Matches,
    Name,
    Negative,
    Not,
    Operation,
    Or,
)

OR, AND, NOT, CONDITION, SUM, PRODUCT, FACTOR, OPERAND = range(8)
"""How tightly something holds together: a part that holds less tightly than its place wants stands in parentheses."""


def written(node: Expression, place: int = OR) -> str:
    text, binding = _written(node)
    return f"({text})" if binding < place else text


def _written(node: Expression) -> tuple[str, int]:
    match node:
        case Literal(value=bool(value)):
            return str(value).lower(), OPERAND
        case Literal(value=str(value)):
            return quoted(value), OPERAND
        case Literal(value=value):
            return repr(value), FACTOR if repr(value).startswith("-") else OPERAND
        case Field(name=name, path=path):
            steps = "." + path[0] if name is Name.HEADERS and str(path[0]).isidentifier() else "".join(map(_step, path))
            return name + steps, OPERAND
        case Negative(operand=operand):
            return f"- {written(operand, FACTOR)}", FACTOR
        case Arithmetic(operation=operation, left=left, right=right):
            level = SUM if operation in {Operation.PLUS, Operation.MINUS} else PRODUCT
            return f"{written(left, level)} {operation} {written(right, level + 1)}", level
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(written, arguments))})", OPERAND
        case Not(operand=operand):
            return f"not {written(operand, NOT)}", NOT
        case And(parts=parts):
            return " and ".join(written(part, NOT) for part in parts), AND
        case Or(parts=parts):
            return " or ".join(written(part, AND) for part in parts), OR
        case _:
            return _relation(node), CONDITION


def _relation(node: Expression) -> str:
    match node:
        case Comparison(sign=sign, left=left, right=right):
            return f"{written(left, SUM)} {sign} {written(right, SUM)}"
        case Among(operand=operand, choices=choices, negated=negated):
            listed = ", ".join(written(choice, SUM) for choice in choices)
            return f"{written(operand, SUM)}{_not(negated)} in ({listed})"
        case Between(operand=operand, low=low, high=high, negated=negated):
            return f"{written(operand, SUM)}{_not(negated)} between {written(low, SUM)} and {written(high, SUM)}"
        case Matches(operand=operand, pattern=pattern, text=text, negated=negated):
            return f"{written(operand, SUM)}{_not(negated)} {pattern} {quoted(text)}"
        case Is(operand=operand, lack=lack, negated=negated):
            return f"{written(operand, SUM)} is{_not(negated)} {lack}"
    raise AssertionError(node)


def _not(negated: bool) -> str:
    return " not" if negated else ""


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f"[{quoted(step)}]"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
