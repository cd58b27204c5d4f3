"""How many events lie before a time."""

import pytest

from tivo.client.timeline_counts import TimelineCounts


@pytest.mark.parametrize(
    ("time_us", "before"), [(-5, 0), (100, 0), (109, 0), (110, 3), (119, 3), (120, 3), (130, 8), (10_000, 8)]
)
def test_whole_buckets_are_counted(time_us: int, before: int) -> None:
    assert before == TimelineCounts(100, 10, [3, 0, 5]).before(time_us)


def test_the_total_is_that_of_all() -> None:
    assert 8 == TimelineCounts(100, 10, [3, 0, 5]).total


def test_where_nothing_is_counted_nothing_lies_before() -> None:
    assert (0, 0) == (TimelineCounts(0, 0, []).total, TimelineCounts(0, 0, []).before(5))
