"""Which bucket holds a time."""

from tivo.model.bucket import bucket_start
from tivo.model.timeline import HOUR_US


def test_bucket_begins_at_or_before_its_times() -> None:
    assert HOUR_US == bucket_start(HOUR_US)
    assert HOUR_US == bucket_start(2 * HOUR_US - 1)
    assert -HOUR_US == bucket_start(-1)
