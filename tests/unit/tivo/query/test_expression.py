import pytest

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
    Kind,
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

AT = Place(1, 1)
ONE, TWO, YES = Literal(1, at=AT), Literal(2, at=AT), Literal(True, at=AT)
TEXT = Literal("a", at=AT)


@pytest.mark.parametrize(
    ("node", "kind", "operands"),
    [
        (ONE, Kind.NUMBER, ()),
        (Literal(0.5, at=AT), Kind.NUMBER, ()),
        (TEXT, Kind.TEXT, ()),
        (YES, Kind.CONDITION, ()),
        (Field(Name.VALUE, ("a", 0), at=AT), Kind.ANY, ()),
        (Field(Name.TIME, (), at=AT), Kind.TIME, ()),
        (Negative(ONE, at=AT), Kind.NUMBER, (ONE,)),
        (Arithmetic(Operation.PLUS, ONE, TWO, at=AT), Kind.NUMBER, (ONE, TWO)),
        (Call(Function.LOWER, (TEXT,), at=AT), Kind.TEXT, (TEXT,)),
        (Call(Function.ENDS, (TEXT, TEXT), at=AT), Kind.CONDITION, (TEXT, TEXT)),
        (Comparison(Sign.BELOW, ONE, TWO, at=AT), Kind.CONDITION, (ONE, TWO)),
        (Among(ONE, (ONE, TWO), False, at=AT), Kind.CONDITION, (ONE, ONE, TWO)),
        (Between(ONE, ONE, TWO, True, at=AT), Kind.CONDITION, (ONE, ONE, TWO)),
        (Matches(TEXT, Pattern.LIKE, "%", False, at=AT), Kind.CONDITION, (TEXT,)),
        (Is(ONE, Lack.NULL, False, at=AT), Kind.CONDITION, (ONE,)),
        (Not(YES, at=AT), Kind.CONDITION, (YES,)),
        (And((YES, YES), at=AT), Kind.CONDITION, (YES, YES)),
        (Or((YES, YES), at=AT), Kind.CONDITION, (YES, YES)),
    ],
)
def test_an_expression_tells_what_it_gives_and_what_it_is_made_of(
    node: Expression, kind: Kind, operands: tuple[Expression, ...]
) -> None:
    assert (kind, operands) == (node.kind, node.operands)


def test_where_it_stands_makes_no_difference_to_what_it_says() -> None:
    assert Literal("a", at=Place(7, 3)) == TEXT
