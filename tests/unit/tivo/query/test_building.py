import pytest

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
from tivo.query.parser import parse

AT = Place(1, 1)
KEY, VALUE = Field(Name.KEY, (), at=AT), Field(Name.VALUE, (), at=AT)
X, Y = Field(Name.VALUE, ("x",), at=AT), Field(Name.VALUE, ("y",), at=AT)


def literal(value: bool | int | float | str) -> Literal:
    return Literal(value, at=AT)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("value.x or value.y", Or((X, Y), at=AT)),
        ("value.x and value.y and value", And((X, Y, VALUE), at=AT)),
        ("not value.x", Not(X, at=AT)),
        ("value.x == 1", Comparison(Sign.EQUAL, X, literal(1), at=AT)),
        ("value.x <> 0.5", Comparison(Sign.UNEQUAL, X, literal(0.5), at=AT)),
        ("key in ('a', 'b')", Among(KEY, (literal("a"), literal("b")), False, at=AT)),
        ("key not in ('a')", Among(KEY, (literal("a"),), True, at=AT)),
        ("value.x between 1 and value.y", Between(X, literal(1), Y, False, at=AT)),
        ("value.x not between 1 and 2", Between(X, literal(1), literal(2), True, at=AT)),
        ("key LIKE 'a%'", Matches(KEY, Pattern.LIKE, "a%", False, at=AT)),
        ('key not glob "a*"', Matches(KEY, Pattern.GLOB, "a*", True, at=AT)),
        ("key is NULL", Is(KEY, Lack.NULL, False, at=AT)),
        ("value.x is not absent", Is(X, Lack.ABSENT, True, at=AT)),
        (
            "value.x - 1 = -value.y",
            Comparison(Sign.EQUAL, Arithmetic(Operation.MINUS, X, literal(1), at=AT), Negative(Y, at=AT), at=AT),
        ),
        ("-1 = --1", Comparison(Sign.EQUAL, literal(-1), literal(1), at=AT)),
        ("true", literal(True)),
        ("FALSE", literal(False)),
        ("value['it''s'][0].x", Field(Name.VALUE, ("it's", 0, "x"), at=AT)),
        ("headers.a = 'x'", Comparison(Sign.EQUAL, Field(Name.HEADERS, ("a",), at=AT), literal("x"), at=AT)),
        ("Starts(key, 'a')", Call(Function.STARTS, (KEY, literal("a")), at=AT)),
    ],
)
def test_a_text_is_what_it_says(text: str, expression: Expression) -> None:
    assert expression == parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 or true", "column 1: each side of `or`"),
        ("true and 'a'", "column 10: each side of `and`"),
        ("not 1", "column 5: what follows `not`"),
        ("key in ('a', 1)", "column 14: a text is compared with a number"),
        ("1 like 'a'", "column 1: like wants a text"),
        ("key + 1 = 2", "column 1: arithmetic wants a number"),
        ("-key = 1", "column 2: arithmetic wants a number"),
        ("value = 18446744073709551616", "column 9: a whole number has at most 64 bits"),
        ("value = 1e400", "column 9: 1e400 is beyond what a number can be"),
        ("place = 1", "column 1: there is no name place; a member of the value is named value.place"),
        ("ofset = 1", "column 1: there is no name ofset; did you mean offset?"),
        ("ĸey = 'a'", "column 1: there is no name ĸey; did you mean key?"),
        ("value = or", "column 9: expected a value, found `or`"),
        ("value = Null", "column 9: nothing equals null: write `is null`"),
        ("value[1234567890] = 1", "column 7: the number of an element has at most 9 digits"),
        ("headers = 'a'", "column 1: headers is followed by the name of one"),
        ("headers[0] = 'a'", "column 1: headers is followed by the name of one"),
        ("topic.x = 'a'", "column 1: topic has no parts"),
        ("size(key) = 1", "column 1: there is no function size"),
        ("ﬁrst(key) = 1", "column 1: there is no function"),
        ("lenght(key) = 1", "column 1: there is no function lenght; did you mean len?"),
        ("len(key, key) = 1", "column 1: len takes 1 of what stands in parentheses, not 2"),
        ("abs('a') = 1", "column 5: abs wants a number"),
        (f"{'x' * 50} = 1", f"column 1: there is no name {'x' * 40}…;"),
    ],
)
def test_what_says_nothing_is_named_with_its_place(text: str, says: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text)

    assert says in str(refused.value)


def test_every_part_tells_where_it_begins() -> None:
    found = parse("not\n  value.x = 'é' and true")

    assert isinstance(found, And)
    first, second = found.parts
    assert (Place(1, 1), Place(1, 1), Place(2, 21)) == (found.at, first.at, second.at)
