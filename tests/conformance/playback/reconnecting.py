"""What a viewer says first on another socket, when the one before is lost."""

from fractions import Fraction

from tests.conformance.playback.checker import Checker
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import Change, EndAction, Frames, Loop, OnSlow, Pacing, Rate, Resume, Speed, Unlimited
from tivo.playback.notices import State


def resuming(checker: Checker) -> Resume:
    """Go on behind what was received, with the controls of the last state."""
    assert checker.cursor is not None and checker.state is not None
    change = restoring(checker.state)
    return Resume(cursor=checker.cursor, after=checker.after, offsets=checker.offsets, change=change)


def restoring(state: State) -> Change:
    """The controls that a state tells. The window is in the cursor; `max_gap` and `clock_hz` are let go."""
    told = state.controls
    loop, by = told["loop"], told["filter"] or {}
    pacing: Pacing = Unlimited() if state.speed is None else Speed(state.speed)
    if "rate" in told:
        pacing = Rate(Fraction(told["rate"]))
    return Change(
        pacing=pacing,
        max_rate=Fraction(told["max_rate"] or 0),
        min_gap_us=int((told["min_gap"] or 0) * SECOND_US),
        catch_up=Fraction((told["catch_up"] or {"max_speed": 0})["max_speed"]),
        loop=Loop(turns=loop["count"] if isinstance(loop, dict) else None if loop else 1),
        keys=tuple(by.get("key", ())),
        where=by.get("where", ""),
        image=told["image"],
        end_action=EndAction(told["end_action"]),
        on_slow=OnSlow(told["on_slow"]),
        frames=Frames(told["frames"]),
    )
