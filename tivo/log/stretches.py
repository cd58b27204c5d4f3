"""The good stretches of a segment's log: its batches, but for what is set aside as damaged."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from tivo.log.disk import File
from tivo.log.meta import Damage
from tivo.log.scan import SCAN_BYTES, DamagedBatch, Found, find_batch, scan
from tivo.model.errors import WireError
from tivo.wire.control import Marker, read_marker
from tivo.wire.record_batch import BatchHeader

SetAside: TypeAlias = Mapping[int, Damage]
"""Damage by the position where it begins."""


def behind_damage(damage: SetAside, position: int, offset: int) -> tuple[int, int]:
    """Where the next good batch begins, at this place or behind what is damaged there."""
    while (known := damage.get(position)) is not None and known.next_offset > offset:
        position, offset = known.end, known.next_offset
    return position, offset


def stretch_end(damage: SetAside, position: int, end: int) -> int:
    """Where the good batches from `position` on end: at the next damage, or at `end`."""
    return min((start for start in damage if position < start < end), default=end)


def scan_good(
    log: File, damage: SetAside, position: int, offset: int, *, end: int, chunk: int = SCAN_BYTES
) -> Iterator[Found]:
    """The batches from `position` on, which begins at `offset`, but for what is set aside. Raises DamagedBatch."""
    while True:
        position, offset = behind_damage(damage, position, offset)
        if position >= end:
            return
        stretch = stretch_end(damage, position, end)
        for found in scan(log, position, stretch, offset, chunk=chunk):
            yield found
            offset = found.header.last_offset + 1
        position = stretch


def marker_at(log: File, position: int, header: BatchHeader) -> Marker | None:
    """How a good batch ends a transaction; None where it does not. Raises DamagedBatch."""
    if not header.is_control:
        return None
    try:
        return read_marker(log.pread(header.size, position), 0, header)
    except WireError as error:
        raise DamagedBatch(position, header.base_offset, str(error)) from error


def measure(log: File, damaged: DamagedBatch, base: int, *, end: int, next_offset: int) -> Damage:
    """From a damaged batch to the next good one, or to `end`, at `next_offset`, where none is found.

    `base` is the segment's first offset.
    """
    next_offset = max(next_offset, damaged.offset + 1)  # a meta of other files might say less, for ever
    found = find_batch(log, damaged.position + 1, end, base=base, least_offset=damaged.offset + 1)
    if found is not None:
        end, next_offset = found.position, found.header.base_offset
    return Damage(base, damaged.position, end, damaged.offset, next_offset)
