from tivo.log.retention import Kept, is_over, retained_from
from tivo.log.settings import Compaction, LogSettings

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


def test_a_log_that_does_not_delete_keeps_everything() -> None:
    settings = LogSettings(deletes=False, retention_us=0, retention_bytes=0)

    assert 7 == retained_from(SEALED, log_start=7, log_bytes=350, now_us=1 << 60, settings=settings)


def by_record_time(now_us: int, *newest_us: int | None) -> int:
    sealed = [Kept(10 * (at + 1), 100, 1_000, newest_us=newest) for at, newest in enumerate(newest_us)]
    settings = LogSettings(retention_us=500, by_record_time=True)
    return retained_from(sealed, log_start=0, log_bytes=300, now_us=now_us, settings=settings)


def test_age_may_count_from_the_newest_record() -> None:
    assert 10 == by_record_time(1_000, 100, 600)
    assert 20 == by_record_time(1_100, 100, 600)


def test_records_dated_ahead_keep_their_segment_and_those_behind_it() -> None:
    assert 0 == by_record_time(1_000_000, 1_000_001, 0)
    assert 20 == by_record_time(1_000_501, 1_000_001, 0)


def test_records_without_a_time_are_as_old_as_their_arrival() -> None:
    assert 0 == by_record_time(1_499, None)
    assert 10 == by_record_time(1_500, None)


ACTIVE = Kept(10, 100, appended_us=2_000)


def over(now_us: int, settings: LogSettings) -> bool:
    return is_over(ACTIVE, began_us=1_000, now_us=now_us, settings=settings)


def test_the_active_segment_is_sealed_when_it_was_begun_long_enough_ago() -> None:
    settings = LogSettings(segment_us=5_000)

    assert [False, True] == [over(5_999, settings), over(6_000, settings)]


def test_the_active_segment_is_sealed_when_all_of_it_may_go() -> None:
    settings = LogSettings(retention_us=500)

    assert [False, True] == [over(2_499, settings), over(2_500, settings)]
    assert not over(2_500, LogSettings(retention_us=500, deletes=False))


def test_the_active_segment_is_sealed_in_time_to_be_cleaned() -> None:
    settings = LogSettings(retention_us=None, compaction=Compaction(max_lag_us=50))

    assert [False, True] == [over(1_049, settings), over(1_050, settings)]
    assert not over(1_050, LogSettings(retention_us=None, compaction=Compaction()))
