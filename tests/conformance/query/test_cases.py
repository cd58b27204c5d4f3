"""Every case of the file: what holds of which event, and what is refused, where and how."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.query.events import event_of
from tivo.model.errors import QueryError
from tivo.query.evaluate import compile_expression

FILE = json.loads(Path(__file__).with_name("expressions.json").read_text())
HOLDS = [
    pytest.param(where, section["event"], holds, id=f"{section['about']}: {where}")
    for section in FILE["holds"]
    for where, holds in section["where"].items()
]
REFUSED = [pytest.param(each, id=each["where"]) for each in FILE["refused"]]


@pytest.mark.parametrize(("where", "event", "holds"), HOLDS)
def test_a_condition_holds_or_does_not(where: str, event: dict[str, Any], holds: bool) -> None:
    assert holds is compile_expression(where)(event_of(event))


@pytest.mark.parametrize("case", REFUSED)
def test_what_says_nothing_is_refused_at_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(QueryError) as refused:
        compile_expression(case["where"])

    line, column = case["at"]
    assert f"line {line}, column {column}: {case['says']}" == str(refused.value)
    assert (line, column) == (refused.value.line, refused.value.column)


def test_there_are_enough_cases_to_tell() -> None:
    assert len(HOLDS) + len(REFUSED) >= 120
