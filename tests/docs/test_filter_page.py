"""The page of filter expressions: its examples say what it says they say, and it names all that there is."""

import json
import re

import pytest

from tests.conformance.query.events import event_of
from tests.docs.markdown import DOCS, examples, rows, ticked
from tivo.model.errors import QueryError
from tivo.query.evaluate import compile_expression
from tivo.query.expression import Function, Name, Sign
from tivo.query.parser import DEEPEST, MOST_BYTES, MOST_IN_PATTERNS, MOST_NODES, MOST_SCANS

PAGE = DOCS / "reference" / "filter-expressions.md"
EVENT = event_of(json.loads(next(each.text for each in examples(PAGE) if each.language == "json")))
EXAMPLES = [(ticked(true)[0], ticked(false)[0]) for true, false in rows(PAGE, "Examples")]


@pytest.mark.parametrize(("true", "false"), EXAMPLES)
def test_an_example_holds_or_does_not(true: str, false: str) -> None:
    assert (True, False) == (compile_expression(true)(EVENT), compile_expression(false)(EVENT))


@pytest.mark.parametrize("row", rows(PAGE, "Bounds")[5:], ids=lambda row: row[0])
def test_what_is_refused_is_refused_as_shown(row: list[str]) -> None:
    with pytest.raises(QueryError) as refused:
        compile_expression(ticked(row[0])[0])

    assert row[1] == str(refused.value)


def test_every_name_is_there_and_of_the_event() -> None:
    shown = [name for cell, _ in rows(PAGE, "Names") for name in ticked(cell)]

    assert set(Name) == {re.split(r"[.\[]", name)[0] for name in shown}
    assert all(compile_expression(f"{name} is not absent")(EVENT) for name in shown)


def test_every_function_and_every_comparison_is_there() -> None:
    page = PAGE.read_text()

    assert set(Function) == set(re.findall(r"`(\w+)\(x", page))
    assert set(Sign) <= {sign for cell, _ in rows(PAGE, "Conditions") for sign in re.findall(r"x (\S+) y", cell)}


def test_bounds_are_those_of_the_parser() -> None:
    told = [int(re.match(r"[\d ]+", number)[0].replace(" ", "")) for _, number in rows(PAGE, "Bounds")[:5]]  # type: ignore[index]

    assert [MOST_BYTES, MOST_NODES, DEEPEST, MOST_IN_PATTERNS, MOST_SCANS] == told
