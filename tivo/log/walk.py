"""Walks a log file from its beginning to its end, past whatever is damaged, and changes nothing."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tivo.log.disk import File
from tivo.log.meta import Damage
from tivo.log.scan import DamagedBatch, Found, find_batch, scan

_NONE: Mapping[int, Damage] = MappingProxyType({})


class Broken(NamedTuple):
    """Bytes from `position` to before `end` that hold no good batch, and the offsets that are not there for it.

    `next_offset` is None where nothing behind says how many they are. `is_known`: the partition set them aside.
    """

    position: int
    end: int
    first_offset: int
    next_offset: int | None
    reason: str
    is_known: bool


def walk(log: File, base: int, known: Mapping[int, Damage] = _NONE) -> Iterator[Found | Broken]:
    """All good batches of a segment that begins at offset `base`, in order, and what lies between them.

    `known` is what the partition has set aside in this segment, by its position.
    """
    position, offset, end = 0, base, log.size()
    while position < end:
        try:
            for found in scan(log, position, end, offset):
                yield found
                position, offset = found.position + found.header.size, found.header.last_offset + 1
        except DamagedBatch as damaged:
            broken = _broken(log, base, end, damaged, known.get(damaged.position))
            yield broken
            position = broken.end
            offset = offset if broken.next_offset is None else broken.next_offset


def _broken(log: File, base: int, end: int, damaged: DamagedBatch, known: Damage | None) -> Broken:
    position, offset = damaged.position, damaged.offset
    if known is not None and known.position < known.end <= end:
        return Broken(position, known.end, known.first_offset, known.next_offset, damaged.reason, is_known=True)
    found = find_batch(log, position + 1, end, base=base, least_offset=offset + 1)
    if found is None:
        return Broken(position, end, offset, None, damaged.reason, is_known=False)
    return Broken(position, found.position, offset, found.header.base_offset, damaged.reason, is_known=False)
