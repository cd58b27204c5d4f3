"""Passes judgement on a whole suite: it turns the test red, or gives the table its line."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from tests.compat.scores import Outcome, Score, complaints

Misses = Mapping[str, Mapping[str, str]]
Record = Callable[[str, object], None]


def judge(suite: str, outcome: Outcome, listed: Mapping[str, str], record: Record) -> None:
    """Fails where the outcome and the list of misses do not agree."""
    score = Score(name=suite, passed=len(outcome.passed), of=outcome.total, misses=len(outcome.missed))
    record("score", asdict(score))
    wrong = complaints(outcome, listed)
    assert not wrong, f"{suite}: {len(outcome.passed)} of {outcome.total} passed\n" + "\n".join(wrong)
