"""Which segments have been kept long enough (pure)."""

from collections.abc import Sequence
from typing import NamedTuple

from tivo.log.settings import LogSettings


class Kept(NamedTuple):
    """A sealed segment, as retention sees it."""

    next_offset: int
    bytes: int
    appended_us: int


def retained_from(sealed: Sequence[Kept], *, log_start: int, log_bytes: int, now_us: int, settings: LogSettings) -> int:
    """The offset at which the log should start, given its sealed segments from the oldest on and its size in all.

    Whole segments go, oldest first, and no segment before an older one. Age counts from a segment's last
    append, not from the records' own times: a recording of last year that is filed today is new.
    """
    start = log_start
    for segment in sealed:
        is_old = settings.retention_us is not None and segment.appended_us + settings.retention_us <= now_us
        is_beyond = settings.retention_bytes is not None and log_bytes - segment.bytes >= settings.retention_bytes
        if not is_old and not is_beyond:
            break
        start = max(start, segment.next_offset)
        log_bytes -= segment.bytes
    return start
