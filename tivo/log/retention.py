"""When a segment is full of time, and when it has been kept long enough (pure)."""

from collections.abc import Sequence
from typing import NamedTuple

from tivo.log.settings import LogSettings


class Kept(NamedTuple):
    """A sealed segment, as retention sees it."""

    next_offset: int
    bytes: int
    appended_us: int
    newest_us: int | None = None
    """Time of its newest record; None where no record has one."""


def is_over(active: Kept, *, began_us: int, now_us: int, settings: LogSettings) -> bool:
    """Whether the active segment is to be sealed though nothing more came: old in itself, or kept long enough.

    Without it the last records of a topic that fell silent would never go and never be cleaned.
    """
    compaction = settings.compaction
    longest_us = settings.segment_us
    if compaction is not None and compaction.max_lag_us is not None:
        longest_us = min(longest_us, compaction.max_lag_us)
    return began_us + longest_us <= now_us or _is_old(active, now_us, settings)


def retained_from(sealed: Sequence[Kept], *, log_start: int, log_bytes: int, now_us: int, settings: LogSettings) -> int:
    """The offset at which the log should start, given its sealed segments from the oldest on and its size in all.

    Whole segments go, oldest first, and no segment before an older one. Age counts from a segment's last
    append, not from the records' own times: a recording of last year that is filed today is new. Where the
    settings ask for Kafka's way it counts from the newest record's time: one that is dated ahead keeps its
    segment, and all behind it, until that time has come and gone.
    """
    start = log_start
    if not settings.deletes:
        return start
    for segment in sealed:
        is_beyond = settings.retention_bytes is not None and log_bytes - segment.bytes >= settings.retention_bytes
        if not is_beyond and not _is_old(segment, now_us, settings):
            break
        start = max(start, segment.next_offset)
        log_bytes -= segment.bytes
    return start


def _is_old(segment: Kept, now_us: int, settings: LogSettings) -> bool:
    if settings.retention_us is None or not settings.deletes:
        return False
    born_us = segment.newest_us if settings.by_record_time and segment.newest_us is not None else segment.appended_us
    return born_us + settings.retention_us <= now_us
