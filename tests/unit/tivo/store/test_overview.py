from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.model.timeline import DAY_US, HOUR_US, MILLISECOND_US, MINUTE_US, SECOND_US, Window
from tivo.store.overview import EXACT, LEVELS, Part, Slices, count, parts, slices, tally

times = st.one_of(st.integers(-DAY_US, 400 * DAY_US), st.integers(0, 3 * SECOND_US))


@given(times, st.integers(1, 400 * DAY_US), st.integers(1, 2_000))
def test_slices_cover_the_window_and_no_slice_is_idle(start_us: int, span_us: int, at_most: int) -> None:
    end_us = start_us + span_us

    cut = slices(Window(start_us, end_us), at_most)

    assert 1 <= cut.number <= at_most
    assert cut.start_us <= start_us < cut.start_us + cut.width_us
    assert cut.start_us + (cut.number - 1) * cut.width_us < end_us <= cut.start_us + cut.number * cut.width_us


@pytest.mark.parametrize(
    ("window", "at_most", "expected"),
    [
        (Window(0, 10 * MILLISECOND_US), 10, Slices(0, MILLISECOND_US, 10)),
        (Window(0, MINUTE_US), 600, Slices(0, 100 * MILLISECOND_US, 600)),
        (Window(0, MINUTE_US + 1), 600, Slices(0, SECOND_US, 61)),
        (Window(30 * MINUTE_US, 3 * HOUR_US), 5, Slices(30 * MINUTE_US, 30 * MINUTE_US, 5)),
        (Window(30 * MINUTE_US, 3 * HOUR_US), 3, Slices(0, HOUR_US, 3)),
        (Window(DAY_US // 2, 3 * DAY_US), 3, Slices(0, DAY_US, 3)),
        (Window(DAY_US, 365 * DAY_US), 100, Slices(DAY_US, 4 * DAY_US, 91)),
        (Window(-1, 1), 1, Slices(-DAY_US, 2 * DAY_US, 1)),
        (Window(5, 5), 9, Slices(5, SECOND_US, 0)),
    ],
)
def test_slices_are_the_finest_even_ones(window: Window, at_most: int, expected: Slices) -> None:
    assert expected == slices(window, at_most)


@given(times, st.integers(0, 40 * DAY_US), st.sampled_from([MILLISECOND_US, *LEVELS, 30 * SECOND_US, 3 * DAY_US]))
def test_parts_follow_each_other_through_the_window(start_us: int, span_us: int, width_us: int) -> None:
    found = parts(Window(start_us, start_us + span_us), width_us)

    edges = [start_us, *(part.end_us for part in found)]
    assert edges[:-1] == [part.start_us for part in found]
    assert start_us + span_us == edges[-1]
    for part in found:
        assert part.start_us < part.end_us
        assert part.level_us == EXACT or part.start_us % part.level_us == part.end_us % part.level_us == 0
        assert part.level_us != EXACT or width_us < SECOND_US or part.end_us - part.start_us < 2 * SECOND_US


def test_inside_is_counted_in_coarse_cells_and_the_edges_in_finer_ones() -> None:
    window = Window(HOUR_US - 1, 2 * HOUR_US + 70 * SECOND_US)

    assert [
        Part(EXACT, HOUR_US - 1, HOUR_US),
        Part(HOUR_US, HOUR_US, 2 * HOUR_US),
        Part(MINUTE_US, 2 * HOUR_US, 2 * HOUR_US + MINUTE_US),
        Part(10 * SECOND_US, 2 * HOUR_US + MINUTE_US, 2 * HOUR_US + 70 * SECOND_US),
    ] == parts(window, 3 * HOUR_US)


@given(st.lists(times).map(sorted))
def test_cells_count_every_event_on_every_level(counted: list[int]) -> None:
    for level_us, cells in zip(LEVELS, count(counted), strict=True):
        assert len(counted) == sum(cells.values())
        for start_us, events in cells.items():
            assert events == sum(start_us <= time_us < start_us + level_us for time_us in counted)


@given(st.lists(st.integers(0, 99)).map(sorted), st.integers(1, 100))
def test_every_event_is_tallied_in_its_slice(times_us: list[int], width_us: int) -> None:
    cut = Slices(0, width_us, -(-100 // width_us))
    counts = [0] * cut.number

    tally(counts, cut, times_us)

    assert [sum(time_us // width_us == number for time_us in times_us) for number in range(cut.number)] == counts


def test_tally_adds_to_what_was_counted() -> None:
    counts = [1, 1]

    tally(counts, Slices(-5, 5, 2), [-5, -1, 0])

    assert [3, 2] == counts


def test_levels_nest() -> None:
    assert all(coarse % fine == 0 for fine, coarse in pairwise(LEVELS))
