"""Plays the clock's scenario files: what a viewer's clock in any language has to answer too.

A scenario is a list of steps. `make` sets the anchor and the speed (as a fraction, `"73/10"`), the
others change the clock at a steady time, and `position` and `due` say what it has to answer.
"""

import json
from fractions import Fraction
from importlib.resources import files
from typing import Any

from tivo.playback.clock import PlaybackClock

SCENARIOS: dict[str, list[dict[str, Any]]] = json.loads(
    (files("tests.conformance.playback") / "clock.json").read_text(encoding="utf-8")
)["scenarios"]


def play(steps: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    """What was expected and what came, of every step that asks."""
    clock = PlaybackClock(event_us=0, steady_us=0)
    found: list[tuple[Any, Any]] = []
    for step in steps:
        match step:
            case {"make": {"event_us": event_us, "steady_us": steady_us, "speed": speed, "running": running}}:
                clock = PlaybackClock(event_us=event_us, steady_us=steady_us, speed=Fraction(speed), running=running)
            case {"speed": speed, "steady_us": steady_us}:
                clock = clock.with_speed(Fraction(speed), steady_us=steady_us)
            case {"pause": True, "steady_us": steady_us}:
                clock = clock.paused(steady_us=steady_us)
            case {"resume": True, "steady_us": steady_us}:
                clock = clock.resumed(steady_us=steady_us)
            case {"move": event_us, "steady_us": steady_us}:
                clock = clock.moved(event_us, steady_us=steady_us)
            case {"position": expected, "steady_us": steady_us}:
                found.append((expected, clock.position(steady_us)))
            case {"due": expected, "event_us": event_us}:
                found.append((expected, clock.due(event_us)))
            case _:
                raise AssertionError(f"no clock knows the step {step}")
    return found
