from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.playback.clock import PlaybackClock

HOUR_US = 3_600_000_000


def test_speed_change_keeps_position() -> None:
    clock = PlaybackClock(event_us=0, steady_us=0, running=True)

    faster = clock.with_speed(60, steady_us=1_000_000)

    assert 1_000_000 == faster.position(1_000_000)
    assert 61_000_000 == faster.position(2_000_000)


def test_a_held_clock_stands_and_nothing_is_due() -> None:
    clock = PlaybackClock(event_us=5, steady_us=0).paused(steady_us=10)

    assert 15 == clock.position(1_000_000)
    assert clock.due(20) is None


def test_a_resumed_clock_goes_on_from_where_it_stood() -> None:
    held = PlaybackClock(event_us=0, steady_us=0).paused(steady_us=10)

    clock = held.resumed(steady_us=1_000)

    assert 11 == clock.position(1_001)
    assert 1_005 == clock.due(15)


def test_a_moved_clock_runs_from_the_new_position() -> None:
    clock = PlaybackClock(event_us=0, steady_us=0, speed=Fraction(2)).moved(1_000, steady_us=50)

    assert 1_010 == clock.position(55)


@pytest.mark.parametrize("speed", [Fraction(1, 10), Fraction(1), Fraction(73, 10), Fraction(1000)])
def test_a_day_at_any_speed_drifts_by_nothing(speed: Fraction) -> None:
    clock = PlaybackClock(event_us=0, steady_us=0, speed=speed)

    assert 24 * HOUR_US * speed == clock.position(24 * HOUR_US)


@pytest.mark.parametrize("speed", [0, -1])
def test_a_speed_is_above_nothing(speed: int) -> None:
    clock = PlaybackClock(event_us=0, steady_us=0)

    with pytest.raises(AssertionError, match="speed must be above 0"):
        clock.with_speed(speed, steady_us=0)


@given(
    event_us=st.integers(-(10**16), 10**16),
    speed=st.fractions(min_value=Fraction(1, 10**6), max_value=10**9, max_denominator=10**6),
)
def test_due_is_the_first_moment_at_which_the_position_is_there(event_us: int, speed: Fraction) -> None:
    clock = PlaybackClock(event_us=1_700_000_000_000_000, steady_us=5_000_000, speed=speed)

    due_us = clock.due(event_us)

    assert due_us is not None
    assert clock.position(due_us) >= event_us
    assert clock.position(due_us - 1) < event_us
