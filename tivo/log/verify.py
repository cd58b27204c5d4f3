"""Looks at every byte of a partition's files and changes none: batches, indexes, metas and the partition's state.

Nobody else may use the data directory meanwhile. What the log makes of itself in the course of things, such as a meta
that reaches less far than its log after a kill, is no trouble; what a start would cut off, rebuild or set aside is.
"""

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any

from tivo.log.disk import Disk, read_file
from tivo.log.meta import Damage, PartitionState, SegmentMeta, read_state
from tivo.log.places import Place
from tivo.log.recovery import STATE, SYNCED, SyncedMark
from tivo.log.scan import Found
from tivo.log.segment_check import INDEX_BYTES, SegmentCheck
from tivo.log.segment_files import LOG, META, SegmentFiles
from tivo.log.swap import SWAP
from tivo.log.verdict import Trouble, Verdict
from tivo.log.walk import Broken, walk
from tivo.model.errors import LogError

_LOG_FILE = re.compile(r"\d{20}\.log")
_NEVER = 1 << 63


def verify(place: Place, disk: Disk) -> Verdict:
    """Everything about one partition. Raises LogError where its files cannot be read at all."""
    try:
        return _Verification(place, disk).run()
    except OSError as error:
        raise LogError(f"{place.name} cannot be read: {error}") from error


def state_of(place: Place, disk: Disk) -> PartitionState:
    """Where the log starts and what of it is set aside; that of a new partition where it is not told."""
    return read_state(disk, place.directory / STATE) or PartitionState()


def segment_bases(place: Place, disk: Disk, log_start: int) -> list[int]:
    """The first offsets of the segments that reach above the log start; those before it go at the next start."""
    bases = [int(name[:20]) for name in disk.names(place.directory) if _LOG_FILE.fullmatch(name)]
    return [base for base, following in pairwise([*bases, _NEVER]) if following > log_start]


class _Verification:
    def __init__(self, place: Place, disk: Disk) -> None:
        self._place = place
        self._disk = disk
        self._troubles: list[Trouble] = []
        self._batches = self._records = self._bytes = 0
        self._next_offset = 0

    def run(self) -> Verdict:
        if not self._disk.exists(self._place.directory):
            self._note(self._place.directory.name, "the directory is missing")
            return self._verdict([], 0)
        unfinished = [name for name in self._disk.names(self._place.directory) if name.endswith(SWAP)]
        if unfinished:  # files of before and after may lie side by side
            self._note(unfinished[0], "a compaction was cut short here, which a start or a repair brings to its end")
            return self._verdict([], 0)
        self._check_state()
        state = state_of(self._place, self._disk)
        bases = segment_bases(self._place, self._disk, state.log_start)
        self._next_offset = min([state.log_start, *bases[:1]])
        for base, following in pairwise([*bases, _NEVER]):
            known = {one.position: one for one in state.damage if one.segment == base}
            self._check_segment(base, known, is_last=following == _NEVER)
        self._reach(self._synced(), state.damage, self._place.directory.name)
        return self._verdict(bases, max([state.log_start, *bases[:1]]))

    # ------------------------------------------------------------------ the partition's own files

    def _check_state(self) -> None:
        path = self._place.directory / STATE
        if read_state(self._disk, path) is None and self._disk.exists(path):
            self._note(STATE, "it is damaged: where the log starts, and what of it is set aside, is not known")

    def _synced(self) -> int:
        """Below this offset all was on stable storage."""
        path = self._place.directory / SYNCED
        content = read_file(self._disk, path)
        if not content:
            return 0
        synced = SyncedMark(self._disk.open(path)).read()
        if synced == 0 and any(content[:8]):
            self._note(SYNCED, "it is damaged: up to where the log was on stable storage is not known")
        return synced

    # ------------------------------------------------------------------ one segment

    def _check_segment(self, base: int, known: dict[int, Damage], *, is_last: bool) -> None:
        files = SegmentFiles(self._disk, self._place.directory, base, index_bytes=INDEX_BYTES)
        name = files.path(LOG).name
        if self._next_offset > base:
            self._note(name, f"it begins at offset {base}, the log before it ends at {self._next_offset}")
        self._reach(base, known.values(), name)
        log = files.open_log()
        meta = self._check_meta(files, log.size(), is_last=is_last)
        check = SegmentCheck(self._disk, files, base, meta) if meta is not None else None
        is_whole, self._next_offset = not known, base
        for found in walk(log, base, known):
            if isinstance(found, Broken):
                is_whole = False
                self._note_broken(name, found)
                continue
            self._count(found)
            if check is not None:
                check.take(found)
        if check is not None:
            self._troubles.extend(check.troubles(is_whole=is_whole))
        self._note_lost(name, known.values())

    def _check_meta(self, files: SegmentFiles, size: int, *, is_last: bool) -> SegmentMeta | None:
        """The meta, where it is whole. That of the last segment may lag behind the log unless the stop was clean."""
        path, meta = files.path(META), files.load_meta()
        if meta is None:
            if self._disk.exists(path):
                self._note(path.name, "it is damaged")
            elif self._place.clean and size:
                self._note(path.name, "it is missing")
        elif meta.bytes > size:
            self._note(files.path(LOG).name, "its end is missing", position=size, end=meta.bytes)
        elif meta.bytes < size and (self._place.clean or not is_last):
            self._note(path.name, f"it tells of {meta.bytes:,} bytes, the log has {size:,}")
        return meta

    def _count(self, found: Found) -> None:
        self._batches += 1
        self._records += found.header.record_count
        self._bytes += found.header.size
        self._next_offset = found.header.last_offset + 1

    # ------------------------------------------------------------------ what is told

    def _note_broken(self, name: str, broken: Broken) -> None:
        self._note(
            name,
            broken.reason,
            position=broken.position,
            end=broken.end,
            first_offset=broken.first_offset,
            next_offset=broken.next_offset,
            set_aside=broken.is_known,
        )
        if broken.next_offset is not None:
            self._next_offset = broken.next_offset

    def _note_lost(self, name: str, known: Collection[Damage]) -> None:
        """What the partition knows to be lost with the end of the file."""
        for one in known:
            if one.position == one.end and one.next_offset > self._next_offset:
                self._note_missing(name, one.first_offset, one.next_offset, set_aside=True)
                self._next_offset = one.next_offset

    def _reach(self, offset: int, known: Collection[Damage], name: str) -> None:
        """The log should reach up to this offset by now, or lack what is known to be lost."""
        if self._next_offset < offset:
            is_known = any(one.first_offset <= self._next_offset and offset <= one.next_offset for one in known)
            self._note_missing(name, self._next_offset, offset, set_aside=is_known)
            self._next_offset = offset

    def _note_missing(self, name: str, first: int, following: int, *, set_aside: bool) -> None:
        self._note(name, "records are missing", first_offset=first, next_offset=following, set_aside=set_aside)

    def _note(self, file: str, what: str, **where: Any) -> None:
        self._troubles.append(Trouble(file=file, what=what, **where))

    def _verdict(self, bases: list[int], log_start: int) -> Verdict:
        return Verdict(
            place=self._place,
            segments=len(bases),
            batches=self._batches,
            records=self._records,
            bytes=self._bytes,
            log_start=log_start,
            log_end=self._next_offset,
            troubles=tuple(self._troubles),
        )
