from typing import Any

import pytest

from tests.conformance.playback.scenarios import SCENARIOS, play


@pytest.mark.parametrize("steps", SCENARIOS.values(), ids=[*SCENARIOS])
def test_the_clock_answers_as_written(steps: list[dict[str, Any]]) -> None:
    found = play(steps)

    assert [expected for expected, _ in found] == [answer for _, answer in found]
    assert found
