"""How people write times, and what tivo makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.model import timeline
from tivo.model.timeline import DAY_US, HOUR_US, MAX_TIME_US, MIN_TIME_US, MONTH_US, SECOND_US, YEAR_US, Window

SEED_START_US = 1_452_868_344 * SECOND_US


def test_seed_time_is_read() -> None:
    assert SEED_START_US == timeline.from_rfc_3339("2016-01-15T14:32:24Z")


@pytest.mark.parametrize(
    "text",
    ["2016-01-15T14:32:24", "2016-01-15 14:32:24z", "2016-01-15T15:32:24+01:00", "2016-01-15T09:02:24.000-0530"],
)
def test_zone_is_utc_unless_said(text: str) -> None:
    assert SEED_START_US == timeline.from_rfc_3339(text)


def test_date_alone_is_midnight() -> None:
    assert SEED_START_US - (14 * 3600 + 32 * 60 + 24) * SECOND_US == timeline.from_rfc_3339("2016-01-15")


def test_fraction_beyond_microseconds_is_cut() -> None:
    assert SEED_START_US + 123_456 == timeline.from_rfc_3339("2016-01-15T14:32:24.123456789Z")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2016-13-01", "2016-02-30T00:00:00Z", "2016-01-15T25:00:00Z", "0000-01-01"]
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        timeline.from_rfc_3339(text)


@given(st.integers(MIN_TIME_US, MAX_TIME_US))
def test_rfc_3339_round_trip(time_us: int) -> None:
    assert time_us == timeline.from_rfc_3339(timeline.to_rfc_3339(time_us))


@pytest.mark.parametrize("number", [1_452_868_344, 1_452_868_344_000, SEED_START_US, SEED_START_US * 1_000])
def test_epoch_unit_is_told_by_size(number: int) -> None:
    assert SEED_START_US == timeline.from_epoch(number)


def test_epoch_seconds_may_have_a_fraction() -> None:
    assert SEED_START_US + 500_000 == timeline.from_epoch(1_452_868_344.5)


def test_epoch_nanoseconds_may_be_floating() -> None:
    assert SEED_START_US == timeline.from_epoch(float(SEED_START_US * 1_000))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**20, 1e308])
def test_epoch_out_of_reach_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="since 1970"):
        timeline.from_epoch(number)


@pytest.mark.parametrize(
    ("text", "span_us"),
    [
        ("-3d", -3 * DAY_US),
        ("+1.5h", HOUR_US * 3 // 2),
        ("+.5s", SECOND_US // 2),
        ("-1M", -MONTH_US),
        ("+2y", 2 * YEAR_US),
    ],
)
def test_offsets(text: str, span_us: int) -> None:
    assert span_us == timeline.parse_offset(text)


@pytest.mark.parametrize("text", ["3d", "-3", "-d", "+-3d", "-3D", "-3d4h", "+\u0663d", ""])
def test_what_is_no_offset_is_none(text: str) -> None:
    assert timeline.parse_offset(text) is None


@pytest.mark.parametrize(
    ("text", "span_us"), [("1m", 60 * SECOND_US), ("90", 90 * SECOND_US), ("2.5h", 9_000 * SECOND_US)]
)
def test_durations(text: str, span_us: int) -> None:
    assert span_us == timeline.parse_duration(text)


@pytest.mark.parametrize("text", ["-1m", "1 m", "m", "\u0663m", ""])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert timeline.parse_duration(text) is None


def test_kafka_milliseconds_round_trip_downwards() -> None:
    assert 1_500 == timeline.to_kafka_ms(timeline.from_kafka_ms(1_500) + 999)


def test_window_is_half_open() -> None:
    window = Window(10, 20)

    assert [False, True, True, False] == [time_us in window for time_us in (9, 10, 19, 20)]


def test_unbounded_window_holds_every_time() -> None:
    assert MIN_TIME_US in Window() and MAX_TIME_US in Window()
    assert not Window(end_us=5).is_bounded
    assert not Window(start_us=5).is_empty


def test_window_with_end_at_start_is_empty() -> None:
    assert Window(5, 5).is_empty
    assert not Window(5, 6).is_empty
