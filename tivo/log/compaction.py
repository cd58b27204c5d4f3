"""When which segments of a compacted log are cleaned (pure)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tivo.log.settings import Compaction

_MOST_SEGMENTS = 64
"""Put together at once: their files are held open until the new one has their place."""

_MAX_RELATIVE_OFFSET = (1 << 31) - 1


class Sealed(NamedTuple):
    """A sealed segment, as compaction sees it."""

    base: int
    next_offset: int
    bytes: int
    records: int
    began_us: int
    appended_us: int
    is_damaged: bool


class Plan(NamedTuple):
    """What a cleaning may touch: these segments, of which the keys from `dirty_from` on are looked at.

    `dirty_ratio`: how much of their bytes came since the last cleaning. `records`: how many these are at most.
    """

    segments: tuple[Sealed, ...]
    dirty_from: int
    dirty_ratio: float
    records: int

    @property
    def end(self) -> int:
        return self.segments[-1].next_offset


def plan(sealed: Sequence[Sealed], *, dirty_from: int, upto: int, now_us: int, settings: Compaction) -> Plan | None:
    """What to clean now, given the sealed segments from the oldest on; None where it is not worth the while yet.

    Below `dirty_from` all was clean. What is not wholly below `upto` is left alone, for it may not count yet: it
    is not on stable storage, or belongs to a transaction that is open.
    """
    cleanable = tuple(_cleanable(sealed, upto, now_us - settings.min_lag_us))
    dirty = [segment for segment in cleanable if segment.next_offset > dirty_from]
    if not dirty:
        return None
    dirty_ratio = sum(segment.bytes for segment in dirty) / max(sum(segment.bytes for segment in cleanable), 1)
    is_late = settings.max_lag_us is not None and dirty[0].began_us + settings.max_lag_us <= now_us
    if dirty_ratio < settings.dirty_ratio and not is_late:
        return None
    return Plan(cleanable, dirty_from, dirty_ratio, sum(segment.records for segment in dirty))


def groups(segments: Sequence[Sealed], *, segment_bytes: int) -> Iterator[tuple[Sealed, ...]]:
    """The segments to rewrite, those in one group into one, which will not be larger than a segment may be.

    A damaged segment stays as it is: what lies beside the damage is not thrown away with it.
    """
    group: list[Sealed] = []
    for segment in segments:
        if group and not _fits(group, segment, segment_bytes):
            yield tuple(group)
            group = []
        if not segment.is_damaged:
            group.append(segment)
    if group:
        yield tuple(group)


def _cleanable(sealed: Sequence[Sealed], upto: int, latest_us: int) -> Iterator[Sealed]:
    """All up to the first that must be left alone: a later one must not be cleaned without it."""
    for segment in sealed:
        if segment.next_offset > upto or segment.appended_us > latest_us:
            return
        yield segment


def _fits(group: Sequence[Sealed], segment: Sealed, segment_bytes: int) -> bool:
    return (
        not segment.is_damaged
        and len(group) < _MOST_SEGMENTS
        and sum(one.bytes for one in group) + segment.bytes <= segment_bytes
        and segment.next_offset - 1 - group[0].base <= _MAX_RELATIVE_OFFSET
    )
