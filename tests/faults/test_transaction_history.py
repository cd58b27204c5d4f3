"""The checker of transactions itself: a right history is clean, and each kind of wrong turns it red."""

from collections.abc import Callable

import pytest

from tests.support.transaction_history import Ended, Findings, check

ENDED = [
    Ended("a-1", "committed"),
    Ended("a-2", "aborted"),
    Ended("a-3", "unknown"),
    Ended("a-4", "unknown"),
    Ended("a-5", "committed"),
    Ended("b-1", "committed"),
    Ended("b-2", "aborted"),
]
READ = [["a-1", "b-1", "a-3", "a-5"], ["b-1", "a-1", "a-3", "a-5"]]
OFFSETS = {"a": 5, "b": 1}


def test_a_right_history_is_clean() -> None:
    assert "" == str(check(ENDED, READ, OFFSETS, earlier=["a-1", "a-3"]))


def test_an_unknown_outcome_may_be_there_or_not() -> None:
    without = [[name for name in names if name != "a-3"] for names in READ]
    with_both = [[*names[:-1], "a-4", names[-1]] for names in READ]

    assert set() == check(ENDED, without, OFFSETS).kinds
    assert set() == check(ENDED, with_both, OFFSETS).kinds


def without(name: str, *partitions: int) -> list[list[str]]:
    return [[each for each in names if each != name or number not in partitions] for number, names in enumerate(READ)]


WRONG: dict[str, tuple[Callable[[], Findings], str]] = {
    "a committed one is nowhere": (lambda: check(ENDED, without("b-1", 0, 1), {"a": 5}), "lost"),
    "a committed one is in one partition": (lambda: check(ENDED, without("a-1", 1), OFFSETS), "torn"),
    "an unknown one is in one partition": (lambda: check(ENDED, without("a-3", 0), OFFSETS), "torn"),
    "an aborted one is read": (lambda: check(ENDED, [[*names, "b-2"] for names in READ], OFFSETS), "risen"),
    "one that was never begun is read": (lambda: check(ENDED, [[*names, "c-1"] for names in READ], OFFSETS), "risen"),
    "one is read twice": (lambda: check(ENDED, [[*names, "a-5"] for names in READ], OFFSETS), "doubled"),
    "two are exchanged": (lambda: check(ENDED, [["a-3", "a-1", "b-1", "a-5"], READ[1]], OFFSETS), "reordered"),
    "one that was read is gone": (lambda: check(ENDED, without("a-3", 0, 1), OFFSETS, earlier=["a-3"]), "lost"),
    "an offset was not committed with its records": (lambda: check(ENDED, READ, {"a": 3, "b": 1}), "offsets"),
    "an offset of an aborted one was committed": (lambda: check(ENDED, READ, {"a": 5, "b": 2}), "offsets"),
    "no offset was committed": (lambda: check(ENDED, READ, {"a": 5}), "offsets"),
}


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_is_found(name: str) -> None:
    judge, kind = WRONG[name]

    assert kind in judge().kinds
    assert kind in str(judge())
