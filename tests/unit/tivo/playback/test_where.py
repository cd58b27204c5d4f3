import pytest

from tests.unit.tivo.playback.events import event
from tivo.model.errors import CommandError, QueryError
from tivo.playback.where import Passes, Where, no_expressions


def by_offset(text: str) -> Passes:
    if not text.isdigit():
        raise QueryError("no number", line=1, column=1)
    return lambda event: event.offset == int(text)


def test_a_text_is_compiled() -> None:
    where = Where.of("5", by_offset)

    assert where.passes is not None
    assert [False, True] == [where.passes(event(0, offset=number)) for number in (4, 5)]


def test_an_empty_text_asks_for_nothing() -> None:
    assert Where.of("", no_expressions) == Where()
    assert Where().passes is None


def test_two_of_the_same_text_are_the_same() -> None:
    assert Where.of("5", by_offset) == Where("5")
    assert Where.of("5", by_offset) != Where("6")


def test_what_says_nothing_is_refused_with_its_place() -> None:
    with pytest.raises(CommandError, match="line 1, column 1: no number") as refused:
        Where.of("x", by_offset)

    assert ("bad_filter", "filter.where") == (refused.value.code, refused.value.field)


def test_without_a_language_expressions_are_not_offered() -> None:
    with pytest.raises(CommandError, match="not offered") as refused:
        Where.of("true", no_expressions)

    assert ("not_offered", "filter.where") == (refused.value.code, refused.value.field)
