"""The exceptions: the tree as it is drawn, and what each message names."""

import inspect
import re

from tivo.model import errors
from tivo.model.errors import CommandError, OffsetOutOfRange, PageGap, QueryError, StalePage, TivoError, UnknownTopic


def test_the_tree_is_the_one_drawn() -> None:
    drawn, above = {}, dict[int, str]()
    for branch, name in re.findall(r"^([ │├└─]{4,})(\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(branch) // 4
        above[depth] = name
        drawn[name] = above.get(depth - 1)

    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]

    assert drawn == {kind.__name__: kind.__base__.__name__ if kind is not TivoError else None for kind in classes}


def test_a_refused_command_names_its_code_and_field() -> None:
    error = CommandError("speed must be above 0, got -1", code="bad_speed", field="speed")

    assert ("speed must be above 0, got -1", "bad_speed", "speed") == (str(error), error.code, error.field)
    assert CommandError("no", code="internal").field is None


def test_an_unknown_topic_is_named() -> None:
    error = UnknownTopic("quakes")

    assert ("there is no topic named 'quakes'", "quakes") == (str(error), error.topic)


def test_an_offset_out_of_range_is_told_with_the_range() -> None:
    error = OffsetOutOfRange("quakes/0", 9, log_start=2, log_end=7)

    assert "quakes/0 holds offsets 2 to below 7, not 9" == str(error)
    assert (9, 2, 7) == (error.offset, error.log_start, error.log_end)


def test_a_query_that_says_nothing_is_told_with_its_place() -> None:
    error = QueryError("expected a value, found the end", line=2, column=7, expected=("a value",))

    assert "line 2, column 7: expected a value, found the end" == str(error)
    assert (2, 7, ("a value",)) == (error.line, error.column, error.expected)


def test_a_gap_before_a_page_is_told_with_both_its_ends() -> None:
    error = PageGap(topic="quakes", partition=1, frontier=5, base=8)

    assert "quakes/1: the page begins at offset 8, the store holds everything below 5" == str(error)
    assert ("quakes", 1, 5, 8) == (error.topic, error.partition, error.frontier, error.base)


def test_a_stale_page_is_told_with_both_owner_epochs() -> None:
    error = StalePage(topic="quakes", partition=1, owner_epoch=2, held=3)

    assert "quakes/1: the page is of owner epoch 2, the store is at 3" == str(error)
    assert ("quakes", 1) == (error.topic, error.partition)
