"""How a partition's log is cut into segments and how long they are kept."""

from dataclasses import dataclass

from tivo.model.timeline import DAY_US

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """When the log is cleaned of records that a later one with the same key has superseded.

    It is done where at least `dirty_ratio` of the bytes that may be cleaned came since the last time, or
    where a segment of them was begun `max_lag_us` ago. A segment is left alone until `min_lag_us` after its
    last append. A tombstone (no value) goes at a cleaning `tombstone_us` or more after the first that met it.
    """

    dirty_ratio: float = 0.5
    min_lag_us: int = 0
    max_lag_us: int | None = None
    tombstone_us: int = DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Settings of one partition's log.

    A new segment begins where the present one would pass `segment_bytes`, or was begun `segment_us` ago.
    Where the log `deletes`, a sealed segment goes `retention_us` after its last append, or when the
    partition holds more than `retention_bytes`; None keeps it. With `by_record_time` it goes so long after
    its newest record was made, as in Kafka. With `compaction` it is cleaned too.
    """

    segment_bytes: int = 128 * MIB
    segment_us: int = 7 * DAY_US
    deletes: bool = True
    retention_us: int | None = 7 * DAY_US
    retention_bytes: int | None = None
    by_record_time: bool = False
    compaction: Compaction | None = None
    index_bytes: int = 4096
    checkpoint_bytes: int = 32 * MIB
    """So much is scanned at most when the active segment is recovered."""
