"""Buckets: the fixed slices of time in which a store writes and expires."""

from tivo.model.timeline import HOUR_US, Window

DEFAULT_BUCKET_US = HOUR_US


def bucket_start(time_us: int, width_us: int = DEFAULT_BUCKET_US) -> int:
    """Start of the bucket that holds a time. Buckets are counted from 1970, before it too."""
    return time_us - time_us % width_us


def buckets_covering(window: Window, width_us: int = DEFAULT_BUCKET_US) -> range:
    """Starts of the buckets that a bounded window touches, oldest first; none for an empty window."""
    assert window.start_us is not None and window.end_us is not None, "an unbounded window covers no finite set"
    if window.is_empty:
        return range(0)
    return range(bucket_start(window.start_us, width_us), window.end_us, width_us)
