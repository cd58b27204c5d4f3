"""Any expression is read as it was written, and says what a plain interpreter says."""

from hypothesis import given, settings

from tests.conformance.query.interpreter import holds
from tests.conformance.query.making import conditions, events
from tests.conformance.query.writing import written
from tivo.model.event import Event
from tivo.query.evaluate import compiled
from tivo.query.expression import Expression
from tivo.query.parser import parse


@given(conditions)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_as_it_was(condition: Expression) -> None:
    text = written(condition)

    found = parse(text)

    assert (condition, text) == (found, written(found))


@given(conditions, events)
@settings(max_examples=500, deadline=None)
def test_the_evaluator_says_what_the_interpreter_says(condition: Expression, event: Event) -> None:
    assert holds(condition, event) is compiled(condition)(event)
