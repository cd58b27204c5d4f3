"""Buckets: the fixed slices of time in which a store writes and expires."""

from tivo.model.timeline import HOUR_US

DEFAULT_BUCKET_US = HOUR_US


def bucket_start(time_us: int, width_us: int = DEFAULT_BUCKET_US) -> int:
    """Start of the bucket that holds a time. Buckets are counted from 1970, before it too."""
    return time_us - time_us % width_us
