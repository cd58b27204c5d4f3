from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.model.timeline import SECOND_US, Window
from tivo.playback.commands import Fit, Rate, Speed, Unlimited
from tivo.playback.controls import Controls
from tivo.playback.pacing import Pace, Thinner


def test_by_speed_an_event_is_due_in_proportion_to_its_time() -> None:
    pace = Pace.start(Controls(pacing=Speed(Fraction(10))), event_us=1_000, steady_us=50)

    assert 60 == pace.due(1_100)
    assert 1_200 == pace.position(70)
    assert pace.timed


def test_fit_plays_the_whole_window_in_its_time() -> None:
    controls = Controls(window=Window(0, 3_600 * SECOND_US), pacing=Fit(60 * SECOND_US))

    pace = Pace.start(controls, event_us=0, steady_us=0)

    assert 60 * SECOND_US == pace.due(3_600 * SECOND_US)


def test_by_rate_events_come_evenly_whatever_their_times() -> None:
    pace = Pace.start(Controls(pacing=Rate(Fraction(4))), event_us=7, steady_us=0)

    after = pace.count(1)

    assert 1 == pace.quota(0)
    assert 0 == after.quota(0)
    assert 250_000 == after.next_count()
    assert 4 == after.quota(SECOND_US)
    assert after.due(7) is None
    assert after.position(9) is None


def test_unlimited_everything_is_due() -> None:
    pace = Pace.start(Controls(pacing=Unlimited()), event_us=7, steady_us=0)

    assert (None, None, None, None) == (pace.quota(5), pace.due(9), pace.position(5), pace.next_count())
    assert pace is pace.count(3)
    assert pace is pace.moved(9, steady_us=1)
    assert 0 == pace.lateness(9, 100)


def test_a_timed_pace_counts_nothing() -> None:
    pace = Pace.start(Controls(), event_us=0, steady_us=0)

    assert pace is pace.count(3)
    assert pace.quota(5) is None
    assert pace.next_count() is None


def test_moved_in_time_it_goes_on_from_there() -> None:
    pace = Pace.start(Controls(), event_us=0, steady_us=0)

    moved = pace.moved(1_000, steady_us=7)

    assert 1_003 == moved.position(10)
    assert 3 == moved.lateness(1_000, 10)


def test_moved_by_count_the_next_event_is_due_now() -> None:
    pace = Pace.start(Controls(pacing=Rate(Fraction(1))), event_us=0, steady_us=0).count(1)

    moved = pace.moved(0, steady_us=30 * SECOND_US)

    assert 1 == moved.quota(30 * SECOND_US)
    assert 2 * SECOND_US == pace.lateness(0, 3 * SECOND_US)


@pytest.mark.parametrize(
    ("rate", "topics"), [(Fraction(10), 1), (Fraction(1, 2), 1), (Fraction(10), 4), (Fraction(7), 0)]
)
def test_no_more_passes_than_a_cell_may_show(rate: Fraction, topics: int) -> None:
    thinner = Thinner.of(rate, Fraction(1), topics)

    passed = sum(thinner.passes("a", time_us) for time_us in range(0, thinner.cell_us, thinner.cell_us // 500))

    assert thinner.most == passed
    assert Fraction(passed * SECOND_US, thinner.cell_us) <= rate


def test_what_stays_below_the_rate_is_not_thinned() -> None:
    thinner = Thinner.of(Fraction(1000), Fraction(1), 1)

    assert all(thinner.passes("a", time_us) for time_us in range(0, 10 * SECOND_US, 2_000))


def test_a_burst_within_a_quarter_passes_at_once() -> None:
    thinner = Thinner.of(Fraction(100), Fraction(1), 1)

    assert 25 == sum(thinner.passes("a", 0) for _ in range(100))


def test_thinning_is_even_over_the_cell() -> None:
    thinner = Thinner.of(Fraction(100), Fraction(1), 1)

    shown = [time_us for time_us in range(0, SECOND_US, 100) if thinner.passes("a", time_us)]

    halves = sum(time_us >= SECOND_US // 2 for time_us in shown)
    assert 37 <= halves <= 38


def test_a_higher_speed_thins_more() -> None:
    slow, fast = Thinner.of(Fraction(10), Fraction(1), 1), Thinner.of(Fraction(10), Fraction(60), 1)
    times = range(0, 60 * SECOND_US, 100_000)

    assert 600 == sum(slow.passes("a", time_us) for time_us in times)
    assert 10 == sum(fast.passes("a", time_us) for time_us in times)


def test_topics_are_thinned_apart() -> None:
    thinner = Thinner.of(Fraction(8), Fraction(1), 2)

    assert [True, True] == [thinner.passes("a", 0), thinner.passes("b", 0)]
    assert [False, False] == [thinner.passes("a", 0), thinner.passes("b", 0)]


def test_a_busy_topic_may_have_what_quiet_ones_leave() -> None:
    thinner = Thinner.of(Fraction(1_000), Fraction(1), 10)

    assert all(thinner.passes("busy", time_us) for time_us in range(0, 5 * SECOND_US, 2_000))


def test_a_thinner_is_like_one_of_the_same_rate_whatever_has_passed() -> None:
    one, other = Thinner.of(Fraction(5), Fraction(2), 1), Thinner.of(Fraction(5), Fraction(2), 1)
    one.passes("a", 0)

    assert one.is_like(other)
    assert not one.is_like(Thinner.of(Fraction(5), Fraction(3), 1))


def test_a_quiet_topic_keeps_its_places_beside_a_busy_one() -> None:
    thinner = Thinner.of(Fraction(100), Fraction(1), 2)
    shown = {"busy": 0, "quiet": 0}

    for time_us in range(0, 5 * SECOND_US, 1_000):
        shown["busy"] += thinner.passes("busy", time_us)
        if time_us % 100_000 == 99_000:
            shown["quiet"] += thinner.passes("quiet", time_us)

    assert 49 == shown["quiet"]  # of 50: in the first second nothing tells yet that it will want its places
    assert 5 * 100 - 49 == shown["busy"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3 * SECOND_US)), max_size=200).map(
        lambda events: sorted(events, key=lambda event: event[1])
    ),
    st.integers(1, 40),
)
def test_a_cell_never_shows_more_than_it_may(events: list[tuple[str, int]], rate: int) -> None:
    thinner = Thinner.of(Fraction(rate), Fraction(1), 3)
    shown: dict[int, int] = {}

    for topic, time_us in events:
        cell = time_us // thinner.cell_us
        shown[cell] = shown.get(cell, 0) + thinner.passes(topic, time_us)

    assert all(count <= thinner.most for count in shown.values())


@given(st.lists(st.integers(0, 5 * SECOND_US), max_size=80))
def test_thinning_is_the_same_on_every_replay(times: list[int]) -> None:
    one, two = (Thinner.of(Fraction(5), Fraction(2), 1) for _ in range(2))

    assert [one.passes("a", time_us) for time_us in times] == [two.passes("a", time_us) for time_us in times]


def test_a_pace_is_spaced_where_a_time_would_come_too_soon() -> None:
    pace = Pace.start(Controls(pacing=Speed(Fraction(2))), event_us=100, steady_us=0)

    assert pace == pace.spaced(110, not_before_us=5)
    assert 9 == pace.spaced(110, not_before_us=9).due(110)
    assert 19 == pace.spaced(110, not_before_us=9).due(130)


def test_a_pace_that_knows_no_times_is_not_spaced() -> None:
    pace = Pace.start(Controls(pacing=Unlimited()), event_us=100, steady_us=0)

    assert pace == pace.spaced(110, not_before_us=9)
