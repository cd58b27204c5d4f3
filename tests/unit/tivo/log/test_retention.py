from tivo.log.retention import Kept, retained_from
from tivo.log.settings import LogSettings

SEALED = [
    Kept(next_offset=10, bytes=100, appended_us=1_000),
    Kept(next_offset=20, bytes=100, appended_us=2_000),
    Kept(next_offset=30, bytes=100, appended_us=3_000),
]


def start(*, now_us: int = 0, log_start: int = 0, age_us: int | None = None, size: int | None = None) -> int:
    settings = LogSettings(retention_us=age_us, retention_bytes=size)
    return retained_from(SEALED, log_start=log_start, log_bytes=350, now_us=now_us, settings=settings)


def test_without_limits_everything_is_kept() -> None:
    assert 0 == start(now_us=1 << 60)


def test_a_segment_goes_when_its_last_append_is_old_enough() -> None:
    assert 0 == start(age_us=500, now_us=1_499)
    assert 10 == start(age_us=500, now_us=1_500)
    assert 20 == start(age_us=500, now_us=2_500)


def test_an_older_segment_shields_the_ones_behind_it() -> None:
    mixed = [Kept(10, 100, appended_us=9_000), Kept(20, 100, appended_us=1)]

    kept_from = retained_from(mixed, log_start=0, log_bytes=200, now_us=9_001, settings=LogSettings(retention_us=100))

    assert 0 == kept_from


def test_a_clock_that_stands_before_the_append_removes_nothing() -> None:
    assert 0 == start(age_us=500, now_us=-(1 << 60))


def test_size_is_brought_down_but_not_below_the_limit() -> None:
    assert 0 == start(size=350)
    assert 0 == start(size=251)
    assert 10 == start(size=250)
    assert 30 == start(size=50)
    assert 30 == start(size=0)


def test_age_and_size_count_each() -> None:
    assert 20 == start(age_us=500, now_us=1_500, size=150)


def test_a_log_start_within_a_segment_stays() -> None:
    assert 15 == start(log_start=15)
    assert 15 == start(log_start=15, age_us=500, now_us=1_500)
    assert 20 == start(log_start=15, age_us=500, now_us=2_500)
