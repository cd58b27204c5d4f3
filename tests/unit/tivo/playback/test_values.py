from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tivo.model.errors import CommandError
from tivo.model.timeline import DAY_US, SECOND_US
from tivo.playback import values
from tivo.playback.commands import At, Batches, FromNow, FromPosition, Loop, OnSlow, Place, Speed, Unlimited


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("2016-01-15T14:32:24Z", At(1_452_868_344_000_000)),
        (1_452_868_344, At(1_452_868_344_000_000)),
        ("1452868344", At(1_452_868_344_000_000)),
        (1_452_868_344_500, At(1_452_868_344_500_000)),
        (Decimal("1452868344.25"), At(1_452_868_344_250_000)),
        ("-3d", FromNow(-3 * DAY_US)),
        ("+1.5h", FromNow(5_400 * SECOND_US)),
        ("now", FromNow(0)),
        ("now-3d", FromNow(-3 * DAY_US)),
        ("pos+10s", FromPosition(10 * SECOND_US)),
        ("beginning", Place.BEGINNING),
        ("end", Place.END),
        ("unbounded", Place.UNBOUNDED),
        (None, Place.UNBOUNDED),
    ],
)
def test_a_time_is_written_in_many_ways(given: Any, found: object) -> None:
    assert found == values.time(given, "start")


def test_a_bare_offset_of_a_position_counts_from_the_position() -> None:
    assert FromPosition(-10 * SECOND_US) == values.time("-10s", "pos")


@pytest.mark.parametrize(
    "given",
    [
        "yesterday",
        "now3d",
        "now-3",
        "2016-13-01",
        "99999-01-01",
        "x" * 1_000,
        True,
        [],
        {},
        10**40,
        Decimal("1e400"),
        Decimal(-99999999999),
        "-9999999y",
    ],
)
def test_what_is_no_time_is_refused(given: Any) -> None:
    with pytest.raises(CommandError) as refused:
        values.time(given, "start")

    assert ("bad_time", "start") == (refused.value.code, refused.value.field)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("+100", Batches(100)),
        (" -10 ", Batches(-10)),
        (-10, Batches(-10)),
        ("-10000", Batches(-10_000)),
        ("100", At(100_000_000)),
        (10, At(10_000_000)),
        ("+10s", FromPosition(10_000_000)),
        ("end", Place.END),
    ],
)
def test_a_position_is_a_time_or_counts_batches(given: Any, found: object) -> None:
    assert found == values.position(given)


@pytest.mark.parametrize(
    "given", [None, "+0", "-0", "+10001", "+\u0663", "+\u0663s", -10_001, -(10**300), "-", True, [], {}]
)
def test_what_is_no_position_is_refused(given: Any) -> None:
    with pytest.raises(CommandError, match="pos") as refused:
        values.position(given)

    assert ("bad_time", "pos") == (refused.value.code, refused.value.field)


@pytest.mark.parametrize(
    ("given", "found"),
    [(7, 7), ("7", 7), (Decimal("7.0"), 7), (" 7 ", 7), ("7e0", 7)],
)
def test_a_whole_number_is_written_in_many_ways(given: Any, found: int) -> None:
    assert found == values.whole(given, "n", least=0, most=9)


@pytest.mark.parametrize("given", [10, -1, "7.5", "seven", True, None, [], 1 << 2_000, Decimal("inf")])
def test_what_is_no_such_number_is_refused(given: Any) -> None:
    with pytest.raises(CommandError, match="n must be"):
        values.whole(given, "n", least=0, most=9)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (1, Speed(Fraction(1))),
        (Decimal("7.3"), Speed(Fraction(73, 10))),
        ("0.1", Speed(Fraction(1, 10))),
        ("unlimited", Unlimited()),
        (10**9, Speed(Fraction(10**9))),
    ],
)
def test_a_speed_is_exact(given: Any, found: object) -> None:
    assert found == values.speed(given)


@pytest.mark.parametrize("given", [0, -1, "fast", "NaN", "inf", Decimal("1e308"), True, Decimal("1e-9"), None])
def test_what_is_no_speed_is_refused(given: Any) -> None:
    with pytest.raises(CommandError) as refused:
        values.speed(given)

    assert ("bad_speed", "speed") == (refused.value.code, refused.value.field)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (60, 60 * SECOND_US),
        ("1m", 60 * SECOND_US),
        ("90", 90 * SECOND_US),
        (Decimal("0.5"), SECOND_US // 2),
        ("1e1", 10 * SECOND_US),
    ],
)
def test_a_span_is_seconds_or_has_a_unit(given: Any, found: int) -> None:
    assert found == values.duration_us(given, "fit")


@pytest.mark.parametrize("given", [-1, "soon", "-1m", None, [], "9999999y", "9" * 200, 0])
def test_what_is_no_span_is_refused(given: Any) -> None:
    with pytest.raises(CommandError, match="fit must be seconds"):
        values.duration_us(given, "fit", least_us=1)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (True, Loop(None)),
        (False, Loop()),
        ("True", Loop(None)),
        ("False", Loop()),
        ("false", Loop()),
        ("0", Loop()),
        ("1", Loop(None)),
        (0, Loop()),
        (3, Loop(3)),
        ("3", Loop(3)),
        ({}, Loop(None)),
        ({"count": 3, "gap_ms": 500}, Loop(3, 500_000)),
        ({"count": None, "mode": "restart"}, Loop(None)),
    ],
)
def test_a_loop_is_read_by_its_meaning(given: Any, found: Loop) -> None:
    assert found == values.loop(given)


@pytest.mark.parametrize("given", ["yes", -1, Decimal("2.5"), [], {"times": 3}, {"mode": "pingpong"}, {"count": "x"}])
def test_what_is_no_loop_is_refused(given: Any) -> None:
    with pytest.raises(CommandError) as refused:
        values.loop(given)

    assert "bad_loop" == refused.value.code


def test_a_choice_is_one_of_its_words() -> None:
    assert OnSlow.DROP is values.choice("drop", "on_slow", OnSlow)
    with pytest.raises(CommandError, match="one of stretch, drop, close"):
        values.choice("wait", "on_slow", OnSlow)
    with pytest.raises(CommandError, match="on_slow"):
        values.choice(1, "on_slow", OnSlow)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, ((), "")),
        ({}, ((), "")),
        ({"key": None, "where": None}, ((), "")),
        ({"key": []}, ((), "")),
        ({"key": "a*"}, (("a*",), "")),
        ({"key": ["a", "b"]}, (("a", "b"), "")),
        ({"where": "\n value.temp > 30 "}, ((), "\n value.temp > 30 ")),
        ({"key": "", "where": " \n"}, ((), "")),
        ({"key": "a*", "where": "x"}, (("a*",), "x")),
    ],
)
def test_a_filter_names_keys_and_an_expression(given: Any, found: object) -> None:
    assert found == values.event_filter(given)


@pytest.mark.parametrize(
    "given",
    [
        "a*",
        {"keys": "a"},
        {"key": 5},
        {"key": [5]},
        {"key": [""]},
        {"key": 0},
        {"key": False},
        {"where": 5},
        {"where": 0},
        {"where": False},
        {"where": []},
        {"where": "x" * 4_097},
    ],
)
def test_what_is_no_filter_is_refused(given: Any) -> None:
    with pytest.raises(CommandError, match="filter") as refused:
        values.event_filter(given)

    assert "bad_filter" == refused.value.code


@pytest.mark.parametrize(
    ("given", "found"),
    [(True, True), (False, False), (None, False), ("False", False), (" true ", True), ("0", False), (1, True)],
)
def test_yes_and_no_are_read_by_their_meaning(given: Any, found: bool) -> None:
    assert found is values.truth(given, "image")


@pytest.mark.parametrize("given", ["yes", 2, -1, Decimal("1.5"), [], {}, ""])
def test_what_is_neither_yes_nor_no_is_refused(given: Any) -> None:
    with pytest.raises(CommandError, match="image must be true or false"):
        values.truth(given, "image")


def test_catch_up_names_a_speed() -> None:
    assert Fraction(3, 2) == values.catch_up({"max_speed": Decimal("1.5")})
    assert Fraction(4) == values.catch_up({"max_speed": "4"})


@pytest.mark.parametrize(
    "given",
    [
        True,
        1.5,
        "1.5",
        [],
        {},
        {"speed": 2},
        {"max_speed": 1},
        {"max_speed": 0},
        {"max_speed": -2},
        {"max_speed": Decimal("4.001")},
        {"max_speed": Decimal("1e308")},
        {"max_speed": None},
        {"max_speed": 2, "x": 1},
    ],
)
def test_what_is_no_catch_up_is_refused(given: Any) -> None:
    with pytest.raises(CommandError, match="catch_up") as refused:
        values.catch_up(given)

    assert "bad_value" == refused.value.code


def test_names_are_bounded_in_number_and_length() -> None:
    assert ("a", "b*") == values.names(["a", "b*"], "topics", most=2, code="bad_glob")
    for given in ([], ["a", "b", "c"], ["x" * 250], 5):
        with pytest.raises(CommandError) as refused:
            values.names(given, "topics", most=2, code="bad_glob")
        assert ("bad_glob", "topics") == (refused.value.code, refused.value.field)


@pytest.mark.parametrize("given", [None, False])
def test_null_and_false_switch_off(given: Any) -> None:
    assert 0 == values.off_or(lambda given: 1 // 0, given)
    assert 5 == values.off_or(lambda given: 5, 5)


def test_long_values_are_cut_when_they_are_shown() -> None:
    assert 200 > len(str(values.wrong("field", "short", "x" * 10_000)))
    assert "7.5" in str(values.wrong("field", "whole", Decimal("7.5")))
