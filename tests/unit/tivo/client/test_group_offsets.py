"""Where a group has come, and where it should go on."""

import pytest

from tivo.client.group_offsets import (
    At,
    AtTime,
    By,
    Earliest,
    Latest,
    Move,
    Spot,
    Standing,
    Target,
    chosen,
    moves,
    target,
)
from tivo.model.errors import RequestError, UnknownTopic
from tivo.model.timeline import DAY_US

NOW_US = 1_700_000_000_000_000
A0, A1, B0 = Spot("a", 0), Spot("a", 1), Spot("b", 0)


def standing(committed: int | None = 50, *, start: int | None = 10, end: int | None = 90) -> Standing:
    return Standing(spot=A0, committed=committed, start=start, end=end)


@pytest.mark.parametrize(
    ("told", "lag"),
    [
        (standing(), 40),
        (standing(90), 0),
        (standing(95), 0),
        (standing(5), 85),
        (standing(None), None),
        (standing(end=None), None),
    ],
)
def test_lag(told: Standing, lag: int | None) -> None:
    assert lag == told.lag


def test_partition_is_named_with_its_topic() -> None:
    assert "a/1" == str(A1)


@pytest.mark.parametrize(
    ("to", "by", "meant"),
    [
        ("earliest", None, Earliest()),
        ("latest", None, Latest()),
        ("17", None, At(17)),
        ("-1d", None, AtTime(NOW_US - DAY_US)),
        ("1970-01-02T00:00:00Z", None, AtTime(DAY_US)),
        (None, -5, By(-5)),
        (None, 0, By(0)),
    ],
)
def test_what_a_person_asks_for(to: str | None, by: int | None, meant: Target) -> None:
    assert meant == target(to, by, now_us=NOW_US)


@pytest.mark.parametrize(
    ("to", "by"), [(None, None), ("latest", 5), ("soon", None), ("", None), ("\N{SUPERSCRIPT TWO}", None)]
)
def test_what_nobody_can_mean_is_refused(to: str | None, by: int | None) -> None:
    with pytest.raises(RequestError):
        target(to, by, now_us=NOW_US)


THERE = {"a": (0, 1), "b": (0,)}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([], [A0, B0]),
        (["a"], [A0, A1]),
        (["a/1", "b"], [A1, B0]),
        (["b", "a/1", "a"], [A0, A1, B0]),
    ],
)
def test_partitions_that_a_reset_is_for(wanted: list[str], found: list[Spot]) -> None:
    assert found == chosen(wanted, {B0, A0, Spot("gone", 0)}, THERE)


@pytest.mark.parametrize("name", ["c", "a/2", "a/"])
def test_partition_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UnknownTopic):
        chosen(["a", name], {A0}, THERE)


def test_group_that_committed_nothing_there_is_refused() -> None:
    with pytest.raises(RequestError, match="--topic"):
        chosen([], {Spot("gone", 0)}, THERE)


@pytest.mark.parametrize(
    ("goal", "after"),
    [
        (Earliest(), 10),
        (Latest(), 90),
        (At(33), 33),
        (At(3), 10),
        (At(333), 90),
        (By(5), 55),
        (By(-5), 45),
        (By(-100), 10),
        (By(100), 90),
        (AtTime(7), 44),
    ],
)
def test_group_goes_on_within_what_the_log_has(goal: Target, after: int) -> None:
    assert [Move(A0, 50, after)] == moves(goal, [standing()], {A0: 44})


def test_time_after_every_record_is_the_end() -> None:
    assert [Move(A0, 50, 90)] == moves(AtTime(7), [standing()], {})


def test_partition_without_a_committed_offset_begins_somewhere() -> None:
    assert [Move(A0, None, 10)] == moves(Earliest(), [standing(None)], {})


def test_nothing_is_counted_from_nowhere() -> None:
    with pytest.raises(RequestError, match="a/0: the group has committed no offset"):
        moves(By(3), [standing(None)], {})
