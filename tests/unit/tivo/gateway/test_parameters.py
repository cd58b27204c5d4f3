import pytest

from tivo.gateway.parameters import check_known, count_of, time_of, window_of
from tivo.gateway.problems import Problem
from tivo.model.errors import CommandError
from tivo.model.timeline import DAY_US, Window

NOW_US = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("text", "expected_us"),
    [
        ("2016-01-15T14:32:24Z", 1_452_868_344_000_000),
        ("1452868344", 1_452_868_344_000_000),
        ("1452868344.5", 1_452_868_344_500_000),
        ("1452868344000", 1_452_868_344_000_000),
        ("1452868344000001", 1_452_868_344_000_001),
        ("now", NOW_US),
        ("-1d", NOW_US - DAY_US),
        ("now-1d", NOW_US - DAY_US),
        ("unbounded", None),
        ("beginning", None),
        ("", None),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected_us: int | None) -> None:
    assert expected_us == time_of(text, "start", now_us=NOW_US)


@pytest.mark.parametrize("text", ["yesterday", "2016-13-01", "1e25", "1.2.3", "NaN", "--1d", "9" * 60, "²", "pos+10s"])
def test_what_is_no_time_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(CommandError, match="start must be a time") as refused:
        time_of(text, "start", now_us=NOW_US)

    assert ("bad_time", "start") == (refused.value.code, refused.value.field)


def test_a_window_may_be_open_or_empty() -> None:
    assert Window(None, None) == window_of({}, now_us=NOW_US)
    assert Window(5_000_000, 5_000_000) == window_of({"start": "5", "end": "5"}, now_us=NOW_US)


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(Problem, match="start '6' lies after end '5'") as refused:
        window_of({"start": "6", "end": "5"}, now_us=NOW_US)

    assert "bad_window" == refused.value.code


def test_a_count_is_a_whole_number_within_its_bounds() -> None:
    assert 7 == count_of({"limit": "7"}, "limit", default=1, at_most=9)
    assert 1 == count_of({}, "limit", default=1, at_most=9)


@pytest.mark.parametrize("text", ["0", "10", "-1", "x", "", "1.5", "٣", "9" * 40])
def test_any_other_count_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="limit must be a whole number from 1 to 9"):
        count_of({"limit": text}, "limit", default=1, at_most=9)


def test_parameters_that_a_route_has_may_come_and_so_may_a_ticket() -> None:
    check_known(["limit", "ticket"], ("limit", "start"))


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("limt", ("limit", "start"), "'limt' is no parameter of this address; did you mean 'limit'?"),
        ("zzz", ("limit", "start"), "'zzz' is no parameter of this address; it takes limit, start"),
        ("zzz", (), "'zzz' is no parameter of this address; it takes none"),
    ],
)
def test_any_other_is_refused_with_the_near_one(name: str, known: tuple[str, ...], told: str) -> None:
    with pytest.raises(Problem) as refused:
        check_known([name], known)

    assert (400, "bad_request", told) == (refused.value.status, refused.value.code, str(refused.value))
    assert [{"field": name, "detail": told}] == refused.value.errors
