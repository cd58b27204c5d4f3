from fractions import Fraction

import pytest

from tests.unit.tivo.playback.events import WALL_US, event, now
from tivo.model.errors import CommandError
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.commands import (
    At,
    Change,
    EndAction,
    Fit,
    FromNow,
    FromPosition,
    Loop,
    Pacing,
    Place,
    Rate,
    Speed,
    Time,
    Unlimited,
)
from tivo.playback.controls import Controls, Moment, apply, number, target
from tivo.playback.where import Where

MOMENT = Moment(now(), 500)
BOUNDED = Controls(window=Window(0, 60 * SECOND_US))


def refusal(change: Change, controls: Controls = BOUNDED, moment: Moment = MOMENT) -> tuple[str, str | None]:
    with pytest.raises(CommandError) as refused:
        apply(change, controls, moment)
    return refused.value.code, refused.value.field


def test_what_is_not_named_stays() -> None:
    assert BOUNDED == apply(Change(), BOUNDED, MOMENT)


def test_what_is_named_changes() -> None:
    changed = apply(Change(max_gap_us=5, keys=("a*",), end_action=EndAction.TAIL), BOUNDED, MOMENT)

    assert (5, ("a*",), EndAction.TAIL) == (changed.max_gap_us, changed.keys, changed.at_end)


def test_times_are_resolved_when_they_are_received() -> None:
    changed = apply(Change(start=FromPosition(-100), end=FromNow(-5)), Controls(), MOMENT)

    assert Window(400, WALL_US - 5) == changed.window


@pytest.mark.parametrize(
    ("change", "window"),
    [
        (Change(start=Place.UNBOUNDED), Window(None, 60 * SECOND_US)),
        (Change(start=Place.BEGINNING), Window(None, 60 * SECOND_US)),
        (Change(end=Place.END), Window(0, None)),
        (Change(end=At(7)), Window(0, 7)),
        (Change(end=At(0)), Window(0, 0)),
    ],
)
def test_a_window_has_the_bounds_that_were_named(change: Change, window: Window) -> None:
    assert window == apply(change, BOUNDED, MOMENT).window


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (Change(start=At(61 * SECOND_US)), ("bad_window", "start")),
        (Change(end=At(-1)), ("bad_window", "end")),
        (Change(start=Place.END), ("bad_time", "start")),
        (Change(end=Place.BEGINNING), ("bad_time", "end")),
        (Change(end=Place.UNBOUNDED, loop=Loop(None)), ("loop_unbounded", "loop")),
        (Change(end=At(0), loop=Loop(3)), ("bad_loop", "loop")),
        (Change(start=Place.UNBOUNDED, pacing=Fit(SECOND_US)), ("bad_window", "fit")),
    ],
)
def test_what_cannot_be_is_refused(change: Change, refused: tuple[str, str]) -> None:
    assert refused == refusal(change)


def test_a_window_that_ends_before_it_starts_is_told_in_times_that_people_read() -> None:
    with pytest.raises(CommandError, match=r"start \(1970-01-01T00:01:01Z\) lies after end \(1970-01-01T00:01:00Z\)"):
        apply(Change(start=At(61 * SECOND_US)), BOUNDED, MOMENT)


def test_a_bound_beyond_all_years_is_told_as_a_number() -> None:
    with pytest.raises(CommandError, match=r"start \(\d{18,} µs\) lies after end"):
        apply(Change(start=FromNow(2**60)), BOUNDED, MOMENT)


def test_a_bound_that_a_loop_needs_cannot_be_taken_away() -> None:
    assert ("loop_unbounded", "end") == refusal(Change(end=Place.END), Controls(window=BOUNDED.window, loop=Loop(2)))


def test_a_time_cannot_count_from_an_unknown_position() -> None:
    assert ("bad_time", "start") == refusal(Change(start=FromPosition(1)), moment=Moment(now(), None))


def test_a_window_without_an_end_goes_on_with_live() -> None:
    assert EndAction.TAIL is Controls().at_end
    assert EndAction.PAUSE is BOUNDED.at_end


@pytest.mark.parametrize(
    ("pacing", "speed"),
    [
        (Speed(Fraction(7, 2)), Fraction(7, 2)),
        (Fit(SECOND_US), Fraction(60)),
        (Rate(Fraction(1)), None),
        (Unlimited(), None),
    ],
)
def test_the_speed_follows_from_the_pacing(pacing: Pacing, speed: Fraction | None) -> None:
    assert speed == Controls(window=BOUNDED.window, pacing=pacing).speed


def test_without_an_end_a_fitted_speed_stays_and_loops_go() -> None:
    controls = Controls(window=BOUNDED.window, pacing=Fit(SECOND_US), loop=Loop(None))

    opened = controls.open_ended()

    assert (Window(0, None), Speed(Fraction(60)), Loop()) == (opened.window, opened.pacing, opened.loop)
    assert Unlimited() == Controls(pacing=Unlimited()).open_ended().pacing


@pytest.mark.parametrize(
    ("controls", "told"),
    [
        (Controls(), {"speed": 1, "loop": False, "max_gap": None, "max_rate": None, "filter": None}),
        (Controls(pacing=Unlimited()), {"speed": "unlimited"}),
        (Controls(pacing=Rate(Fraction(5, 2))), {"speed": None, "rate": 2.5}),
        (Controls(window=Window(0, SECOND_US), pacing=Fit(2 * SECOND_US)), {"speed": 0.5, "fit": 2.0}),
        (Controls(loop=Loop(None)), {"loop": True}),
        (Controls(loop=Loop(3)), {"loop": {"count": 3, "mode": "restart", "gap_ms": 0}}),
        (Controls(loop=Loop(None, 500_000)), {"loop": {"count": None, "mode": "restart", "gap_ms": 500}}),
        (Controls(max_gap_us=1_500_000, max_rate=Fraction(9), keys=("a*",)), {"max_gap": 1.5, "max_rate": 9}),
        (Controls(where=Where("true")), {"filter": {"where": "true"}}),
        (Controls(keys=("a*",), where=Where("true")), {"filter": {"key": ["a*"], "where": "true"}}),
        (Controls(keys=("a*",)), {"filter": {"key": ["a*"]}, "on_slow": "stretch", "frames": "exact", "clock_hz": 4}),
    ],
)
def test_the_state_tells_every_control(controls: Controls, told: dict[str, object]) -> None:
    assert told == {name: value for name, value in controls.describe().items() if name in told}


def test_what_is_wanted_is_wanted_by_key_and_expression() -> None:
    controls = Controls(keys=("a",), where=Where("late", lambda event: event.time_us > 5))

    assert controls.passes is not None
    assert [True, False, False] == [
        controls.passes(event(us, key=key)) for us, key in ((6, b"a"), (5, b"a"), (6, b"b"))
    ]
    assert Controls().passes is None


def test_whole_numbers_are_told_whole() -> None:
    assert "3" == str(number(Fraction(3)))
    assert "7.3" == str(number(Fraction(73, 10)))


# ---------------------------------------------------------------- where to be


@pytest.mark.parametrize(
    ("to", "found"),
    [
        (At(7), 7),
        (At(60 * SECOND_US), 60 * SECOND_US),
        (FromPosition(5), 505),
        (Place.BEGINNING, 0),
        (Place.END, 60 * SECOND_US),
    ],
)
def test_a_position_lies_in_the_window(to: Time, found: int) -> None:
    assert found == target(to, BOUNDED, MOMENT)


def test_the_end_of_an_open_window_is_now() -> None:
    assert WALL_US == target(Place.END, Controls(), MOMENT)
    assert WALL_US == target(FromNow(0), Controls(), MOMENT)
    assert target(Place.UNBOUNDED, Controls(), MOMENT) is None


@pytest.mark.parametrize(
    ("to", "controls"),
    [(At(-1), BOUNDED), (At(61 * SECOND_US), BOUNDED), (At(WALL_US + 1), Controls()), (FromNow(1), Controls())],
)
def test_a_position_outside_the_window_or_ahead_of_now_is_refused(to: Time, controls: Controls) -> None:
    with pytest.raises(CommandError) as refused:
        target(to, controls, MOMENT)

    assert ("bad_time", "pos") == (refused.value.code, refused.value.field)


def test_the_smallest_gap_is_no_longer_than_the_longest() -> None:
    assert ("bad_value", "min_gap") == refusal(Change(min_gap_us=6, max_gap_us=5))
    assert ("bad_value", "max_gap") == refusal(Change(max_gap_us=5), Controls(min_gap_us=6))
    assert 5 == apply(Change(min_gap_us=5, max_gap_us=5), BOUNDED, MOMENT).min_gap_us


def test_the_live_edge_is_caught_up_with_only_faster_than_is_set() -> None:
    assert Fraction(3, 2) == Controls(catch_up=Fraction(3, 2)).chase
    assert Controls().chase is None
    assert Controls(catch_up=Fraction(2), pacing=Speed(Fraction(2))).chase is None
    assert Controls(catch_up=Fraction(2), pacing=Unlimited()).chase is None


def test_gaps_and_catching_up_are_told() -> None:
    told = Controls(min_gap_us=500_000, catch_up=Fraction(3, 2)).describe()

    assert (0.5, {"max_speed": 1.5}) == (told["min_gap"], told["catch_up"])
    assert (None, None) == (Controls().describe()["min_gap"], Controls().describe()["catch_up"])
