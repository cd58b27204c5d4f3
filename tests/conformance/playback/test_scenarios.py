"""The session answers as the scenario files say, and a fault on purpose makes some of them fail."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import zip_longest
from typing import Any

import pytest

from tests.conformance.playback.acting import differ, expected, play, read
from tests.conformance.playback.mutants import clock_before_first_page, last_event_lost_at_the_wrap, loss_not_told

SCENARIOS = dict(read())
STEPS = [step for scenario in SCENARIOS.values() for step in scenario["steps"]]
SAID = [step["do"] for step in STEPS if isinstance(step.get("do"), dict)]
HEARD = [notice for step in STEPS for notice in step.get("hear", [])]
OFFERED = {
    "action": "play pause stop seek step set tail subscribe unsubscribe state overview topics resume ack",
    "control": "start end pos speed fit rate max_gap min_gap max_rate loop end_action filter catch_up on_slow frames"
    " clock_hz",
    "type": "hello ack error state reset events clock loop skip caught_up fell_behind gap end bye",
    "status": "paused playing tailing buffering ended",
    "cause": "client end loop catch_up slow",
    "why": "play seek loop window subscribe topics",
    "reason": "retention quarantine deleted slow",
}
"""What is offered today, by what it is."""
WITHOUT_SAYING = {"status": "playing", "cause": "client", "why": "play"}


@pytest.mark.parametrize(("what", "words"), OFFERED.items(), ids=[*OFFERED])
def test_everything_that_is_offered_has_a_scenario(what: str, words: str) -> None:
    told = {notice[what] for notice in HEARD if what in notice} | {WITHOUT_SAYING.get(what)}
    said = {said["action"] for said in SAID} if what == "action" else {name for said in SAID for name in said}

    assert set(words.split()) <= (said if what in ("action", "control") else told)
    assert len(SCENARIOS) >= 40


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=[*SCENARIOS])
def test_notices_come_as_written(scenario: dict[str, Any]) -> None:
    assert [] == _differences(scenario)


@pytest.mark.parametrize(
    "mutant",
    [clock_before_first_page, last_event_lost_at_the_wrap, loss_not_told],
    ids=lambda mutant: mutant.__name__,
)
def test_a_fault_on_purpose_fails_a_scenario(mutant: Callable[[], AbstractContextManager[None]]) -> None:
    with mutant():
        assert any(_differences(scenario) for scenario in SCENARIOS.values())


def _differences(scenario: dict[str, Any]) -> list[Any]:
    """The first notice that is not as written: when and what was wanted, when and what came."""
    try:
        came = play(scenario)
    except AssertionError as error:
        return [str(error)]
    for wanted, found in zip_longest(expected(scenario), came):
        if wanted is None or found is None or wanted[0] != found[0] or differ(wanted[1], found[1]):
            return [wanted, found]
    return []
