"""How a partition's log is cut into segments and how long they are kept."""

from dataclasses import dataclass

from tivo.model.timeline import DAY_US

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Settings of one partition's log.

    A new segment begins where the present one would pass `segment_bytes`, or was begun `segment_us` ago.
    A sealed segment goes `retention_us` after its last append, or when the partition holds more than
    `retention_bytes`; None keeps it.
    """

    segment_bytes: int = 128 * MIB
    segment_us: int = 7 * DAY_US
    retention_us: int | None = 7 * DAY_US
    retention_bytes: int | None = None
    index_bytes: int = 4096
    checkpoint_bytes: int = 32 * MIB
    """So much is scanned at most when the active segment is recovered."""
