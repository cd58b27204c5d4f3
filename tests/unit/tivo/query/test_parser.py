import subprocess
import sys
from importlib.resources import files

import pytest
from lark import Lark

from tivo.model.errors import QueryError
from tivo.query.expression import Literal, Or, Place
from tivo.query.parser import DEEPEST, MOST_BYTES, MOST_IN_PATTERNS, MOST_NODES, MOST_SCANS, _grammar, parse

LARGER = """
query: "select"i "*" "in"i NAME ["from"i TEXT] ["to"i TEXT] ["where"i expression] [sampling] ["limit"i INDEX]
sampling: "sample"i "by"i SPAN
SPAN: /[0-9]*[nUTsmhdwMy]/
"""


def test_a_text_is_parsed() -> None:
    assert Literal(True, at=Place(1, 1)) == parse("true")


@pytest.mark.parametrize(
    ("text", "place", "says", "expected"),
    [
        ("key =", (1, 6), "expected a value, found the end", ("a value",)),
        ("key 5", (1, 5), "found `5`", ("an operator", "`and`", "`or`", "`(`", "the end")),
        ("key = 'a", (1, 7), "found a text that is not closed by '", ("a value",)),
        ("key = §", (1, 7), "found `§` (U+00A7)", ("a value",)),
        ("key = \x07", (1, 7), "found U+0007", ("a value",)),
        ("key =\n\n  )", (3, 3), "found `)`", ("a value",)),
        (
            "value[",
            (1, 7),
            "expected a number of an element or a text in quotes",
            ("a number of an element", "a text in quotes"),
        ),
        ("true)", (1, 5), "expected the end", ("the end",)),
        (f"key = 'a' {'x' * 50}", (1, 11), f"found `{'x' * 40}`", ("`and`",)),
        ("key", (1, 1), "an expression must be a condition", ()),
    ],
)
def test_what_cannot_be_parsed_is_told_with_what_could(
    text: str, place: tuple[int, int], says: str, expected: tuple[str, ...]
) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text)

    assert says in str(refused.value)
    assert place == (refused.value.line, refused.value.column)
    assert set(expected) <= set(refused.value.expected)


def test_a_text_has_a_bound_in_bytes() -> None:
    longest = f"key = '{'é' * ((MOST_BYTES - 8) // 2)}'"

    assert parse(longest)
    for longer in (longest + " ", longest + "é", "x" * 1_000_000, "é" * (MOST_BYTES // 2 + 1)):
        with pytest.raises(QueryError, match=f"at most {MOST_BYTES} bytes"):
            parse(longer)


def test_half_a_character_is_refused_at_its_place() -> None:
    with pytest.raises(QueryError, match=r"line 2, column 5: half a character, U\+D83D"):
        parse("key =\n 'ab\ud83d'")


def test_an_expression_has_a_bound_in_depth() -> None:
    assert parse("not " * (DEEPEST - 1) + "true")
    with pytest.raises(QueryError, match=f"at most {DEEPEST} deep"):
        parse("not " * DEEPEST + "true")


def test_an_expression_has_a_bound_in_parts() -> None:
    assert parse(" or ".join(["true"] * (MOST_NODES - 1)))
    with pytest.raises(QueryError, match=f"at most {MOST_NODES} values and conditions"):
        parse(" or ".join(["true"] * MOST_NODES))


def test_patterns_have_a_bound_together() -> None:
    half = "a" * (MOST_IN_PATTERNS // 2)

    assert parse(f"key like '{half}' or key glob '{half}'")
    with pytest.raises(QueryError, match=f"at most {MOST_IN_PATTERNS} signs together"):
        parse(f"key like '{half}' or key glob '{half}?'")


@pytest.mark.parametrize("scan", ["contains(value, 1)", "lower(key) = 'a'", "upper(key) = 'A'"])
def test_functions_that_go_through_a_whole_value_have_a_bound_together(scan: str) -> None:
    most = [scan, *["contains(key, 'a')"] * (MOST_SCANS - 1)]

    assert parse(" or ".join([*most, "len(key) = 1", "starts(key, 'a')"]))
    with pytest.raises(QueryError, match=f"at most {MOST_SCANS} times in an expression, not {MOST_SCANS + 1}"):
        parse(" or ".join([*most, scan]))


def test_conditions_in_a_row_are_not_deep() -> None:
    found = parse(" or ".join(["true"] * 400))

    assert isinstance(found, Or)
    assert 400 == len(found.parts)


def test_the_grammar_is_loaded_once() -> None:
    _grammar.cache_clear()

    parse("true")
    parse("false")

    assert 1 == _grammar.cache_info().misses


def test_nobody_waits_for_the_parser_before_the_first_text() -> None:
    script = "import sys, tivo.query.evaluate; sys.exit('lark' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", script], check=False).returncode


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * IN sensors FROM '-1h' TO 'now' SAMPLE BY 5m",
        "SELECT * IN sensors WHERE value.temp > 30 and key in ('a', 'b') SAMPLE BY m LIMIT 10",
        "SELECT * IN sensors FROM '-1h' WHERE value.sample between 1 and 2 or value.limit LIMIT 10",
    ],
)
def test_the_grammar_can_grow_into_what_stands_around_a_where(text: str) -> None:
    grammar = files("tivo.query").joinpath("grammar.lark").read_text() + LARGER

    assert "query" == Lark(grammar, start="query", parser="lalr").parse(text).data
