"""The verdict on a foreign suite can be no."""

from tests.compat.scores import Outcome, Score, complaints, table

OUTCOME = Outcome(passed=frozenset({"one", "two"}), missed={"three": "timed out"})


def test_misses_that_are_all_listed_are_no_complaint() -> None:
    assert [] == complaints(OUTCOME, {"three": "not offered"})


def test_a_miss_that_is_not_listed_is_told_with_what_it_said() -> None:
    assert ["missed, and not listed: three: timed out"] == complaints(OUTCOME, {})


def test_a_listed_miss_that_passes_is_told() -> None:
    assert ["listed, and passes: one"] == complaints(OUTCOME, {"one": "not offered", "three": "not offered"})


def test_a_listed_miss_that_no_longer_exists_is_told() -> None:
    assert ["listed, and is no test: four"] == complaints(OUTCOME, {"three": "not offered", "four": "gone"})


def test_a_miss_needs_a_reason() -> None:
    assert ["listed without a reason: three"] == complaints(OUTCOME, {"three": " "})


def test_table_counts_a_client_and_a_suite() -> None:
    assert [
        "client or suite  passed    of  justified misses",
        "kcat                 14    14                 0",
        "kgo                 160   166                 6",
    ] == table([Score(name="kcat", passed=14, of=14), Score(name="kgo", passed=160, of=166, misses=6)])


def test_no_table_where_nothing_ran() -> None:
    assert [] == table([])
