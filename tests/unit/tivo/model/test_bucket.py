"""Which bucket holds a time."""

from tivo.model.bucket import bucket_start, buckets_covering
from tivo.model.timeline import HOUR_US, Window


def test_bucket_begins_at_or_before_its_times() -> None:
    assert HOUR_US == bucket_start(HOUR_US)
    assert HOUR_US == bucket_start(2 * HOUR_US - 1)
    assert -HOUR_US == bucket_start(-1)


def test_window_touches_the_buckets_of_its_first_and_last_moment() -> None:
    assert [0, HOUR_US] == list(buckets_covering(Window(HOUR_US - 1, HOUR_US + 1)))


def test_window_that_ends_at_an_edge_leaves_the_next_bucket_out() -> None:
    assert [0] == list(buckets_covering(Window(0, HOUR_US)))


def test_empty_window_touches_nothing() -> None:
    assert [] == list(buckets_covering(Window(HOUR_US + 5, HOUR_US + 5)))
