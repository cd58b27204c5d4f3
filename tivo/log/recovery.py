"""Opens the segments of a partition, whatever the last stop left behind.

What was synced is never given up: damage below the synced mark is set aside where it lies, and the good
records behind it are still served. What was not synced was never acknowledged; it is kept as far as it is
whole from its beginning on, and cut off at the first batch that is not. Good batches behind that one go
too: a producer sends all of them again, and one kept out of turn would make the broker take the lost one
before it for a repeat.
"""

import logging
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from struct import Struct

import msgspec
from crc32c import crc32c

from tivo.log.disk import Disk, File, is_unfinished, sync_file, write_whole
from tivo.log.meta import PartitionState, SegmentMeta, read_state, write_checked
from tivo.log.scan import DamagedBatch
from tivo.log.segment import Segment
from tivo.log.segment_files import LOG
from tivo.log.settings import LogSettings
from tivo.log.stretches import marker_at
from tivo.log.swap import settle

STATE = "state"
SYNCED = "synced"

_logger = logging.getLogger(__name__)

_SEGMENT_FILE = re.compile(r"\d{20}\.\w+")
_COPY_BYTES = 1 << 20
_NEVER = 1 << 63


class SyncedMark:
    """The offset below which everything is on stable storage: 8 bytes and their CRC-32C, written after each sync.

    It is not synced itself, but where a full disk gets space. After a kill it is exact, for the page cache lives on;
    after a loss of power it may be older than the truth, never newer.
    """

    _layout = Struct(">qI")

    def __init__(self, file: File) -> None:
        self._file = file

    def read(self) -> int:
        """The offset; 0 where none is known."""
        content = self._file.pread(self._layout.size, 0)
        if len(content) != self._layout.size:
            return 0
        offset, crc = self._layout.unpack(content)
        return int(offset) if crc == crc32c(content[:8]) else 0

    def write(self, offset: int) -> None:
        content = self._layout.pack(offset, crc32c(offset.to_bytes(8, "big")))
        write_whole(self._file, content, 0)

    def sync(self) -> None:
        """Have it outlive a loss of power, without a byte of space more. Raises SyncFailed."""
        sync_file(self._file)


@dataclass(slots=True, kw_only=True)
class Recovered:
    """A partition's files, opened: at least one segment, the last one is the active one."""

    segments: list[Segment]
    state: PartitionState
    mark: SyncedMark
    was_clean: bool
    cut_bytes: int


class Recovery:
    """One opening of one partition's directory. Raises OSError where the disk fails."""

    def __init__(self, disk: Disk, directory: Path, *, settings: LogSettings) -> None:
        self._disk = disk
        self._directory = directory
        self._settings = settings
        self._mark = SyncedMark(disk.open(directory / SYNCED, create=True))
        self._synced = self._mark.read()
        self._unsynced: int | None = None  # where in the segment at hand it begins that a sync is not known of
        self._cut_bytes = 0

    def run(self, *, clean: bool) -> Recovered:
        """Open what is there. `clean`: the last stop was, so that what the metas say is the whole truth.

        An unclean start raises the leader epoch, by which consumers notice that a log was cut.
        """
        settle(self._disk, self._directory)
        known = read_state(self._disk, self._directory / STATE)
        is_lost = known is None and self._disk.exists(self._directory / STATE)
        segments = self._segments(known or PartitionState())
        floor = max([self._synced, *(segment.next_offset for segment in segments if segment.meta.bytes)])
        start = known.log_start if known is not None else 0
        if floor <= start < segments[0].base:
            self._drop(segments)  # the one before them was never synced, so neither were they
            segments = [self._first_segment(start)]
        is_clean = clean and not is_lost and all(segment.is_whole() for segment in segments)
        if not is_clean:
            self._recover(segments, floor)
        for segment, following in pairwise(segments):
            segment.sealed = True
            segment.close_gap(following.base)
            if following.size == 0:
                following.follow(segment.transactions.all)
        self._open_active(segments[-1], floor)
        state = self._state(known, segments, is_lost=is_lost, is_clean=is_clean)
        self._write_down(known, state, segments[-1].next_offset, is_clean=is_clean)
        return Recovered(segments=segments, state=state, mark=self._mark, was_clean=is_clean, cut_bytes=self._cut_bytes)

    # ------------------------------------------------------------------ what is there

    def _segments(self, state: PartitionState) -> list[Segment]:
        """The segments that reach above the log start, as their metas say. What else a crash left over is removed."""
        names = self._disk.names(self._directory)
        bases = [int(name[:20]) for name in names if name.endswith(LOG) and _SEGMENT_FILE.fullmatch(name)]
        kept = [base for base, following in pairwise([*bases, _NEVER]) if following > state.log_start]
        if len(kept) < len(bases):  # whoever wrote down where the log starts may have been killed before it was durable
            self._disk.fsync_dir(self._directory)
        for name in names:
            if is_unfinished(name) or (_SEGMENT_FILE.fullmatch(name) and int(name[:20]) not in kept):
                self._disk.unlink(self._directory / name)
        segments = [Segment(self._disk, self._directory, base, index_bytes=self._settings.index_bytes) for base in kept]
        for segment in segments:
            segment.load_meta()
            segment.damage = {one.position: one for one in state.damage if one.segment == segment.base}
        return segments or [self._first_segment(max(state.log_start, self._synced))]

    def _first_segment(self, base: int) -> Segment:
        segment = Segment(self._disk, self._directory, base, index_bytes=self._settings.index_bytes)
        segment.create()
        return segment

    def _open_active(self, segment: Segment, floor: int) -> None:
        """Have the files of the active segment open, its indexes right."""
        segment.close_gap(floor)
        while True:
            try:
                segment.opened()
            except DamagedBatch as damaged:
                segment.set_aside(damaged, end=segment.size, next_offset=segment.next_offset)
            else:
                return

    # ------------------------------------------------------------------ after an unclean stop

    def _recover(self, segments: list[Segment], floor: int) -> None:
        if len(segments) > 1:  # what a meta says counts only while all segments before it are there
            self._disk.fsync_dir(self._directory)
        for number, segment in enumerate(segments):
            following = segments[number + 1].base if number + 1 < len(segments) else None
            if following is None or not segment.is_whole():
                self._walk(segment, floor, following, before=segments[number - 1] if number else None)
            if following is not None and floor <= segment.next_offset != following:
                self._drop(segments[number + 1 :])
                del segments[number + 1 :]

    def _walk(self, segment: Segment, floor: int, following: int | None, *, before: Segment | None) -> None:
        """Check and index what lies behind the meta, up to the first batch that is not good and was never synced."""
        size, self._unsynced = segment.file_size(), None
        is_shorter = segment.size > size
        if is_shorter:
            segment.take(SegmentMeta(next_offset=segment.base))
        if segment.size == 0 and before is not None:
            segment.follow(before.transactions.all)
        while (damaged := self._take_good(segment, size)) is not None:
            if damaged.position < segment.size:
                segment.set_aside(damaged, end=segment.size, next_offset=segment.next_offset)
            elif damaged.offset >= floor or damaged.offset == following:
                break
            else:
                segment.set_aside(damaged, end=size, next_offset=following or floor)
        segment.pass_damage()
        segment.close_gap(min(floor, following or floor))
        self._keep(segment, size)
        enough = self._settings.checkpoint_bytes if following is None and not segment.damage else 1
        if is_shorter or segment.size - segment.meta.bytes >= enough:
            segment.save(segment.snapshot())  # a meta of more than there is must not outlive this start

    def _take_good(self, segment: Segment, size: int) -> DamagedBatch | None:
        """Take in the good batches behind what the segment has; gives the first that is not good."""
        try:
            for position, header in segment.scan(segment.size, segment.next_offset, end=size):
                if self._unsynced is None and header.last_offset >= self._synced:
                    self._unsynced = position
                marker = marker_at(segment.opened().log, position, header)
                segment.note(position, header, header.base_offset, marker)
        except DamagedBatch as damaged:
            return damaged
        return None

    def _keep(self, segment: Segment, size: int) -> None:
        """Cut off what is not good, and put the rest on stable storage.

        What is not known to be synced is written once more: after a failed sync the system may take bytes
        for stored that never reached the disk, and then sync nothing.
        """
        log = segment.opened().log
        if segment.size > segment.meta.bytes:
            segment.appended_us = max(segment.appended_us, log.modified_us())
            segment.began_us = segment.began_us or segment.appended_us
        if size > segment.size:
            _logger.warning("%s: cut off %d bytes that were never synced", segment.path(LOG), size - segment.size)
            log.truncate(segment.size)
            self._cut_bytes += size - segment.size
        unsynced = segment.size if self._unsynced is None else self._unsynced
        for position in range(unsynced, segment.size, _COPY_BYTES):
            write_whole(log, log.pread(min(_COPY_BYTES, segment.size - position), position), position)
        if unsynced < segment.size or segment.size < size:
            log.fdatasync()

    def _drop(self, segments: list[Segment]) -> None:
        for segment in segments:
            size = segment.file_size()
            _logger.warning("%s: dropped, its %d bytes were never synced", segment.path(LOG), size)
            self._cut_bytes += size
            segment.remove()

    # ------------------------------------------------------------------ the partition's state

    def _state(
        self, known: PartitionState | None, segments: list[Segment], *, is_lost: bool, is_clean: bool
    ) -> PartitionState:
        state = known or PartitionState()
        least_epoch = 0
        if is_lost:
            least_epoch = _newest_epoch(segments) + 1
            _logger.error("%s is damaged: the log starts at its first segment", self._directory / STATE)
        if state.log_start < segments[0].base:
            state = msgspec.structs.replace(state, log_start=segments[0].base)
        damage = tuple(one for segment in segments for one in segment.damage.values())
        state = msgspec.structs.replace(state, damage=damage)
        return state if is_clean else state.raised(segments[-1].next_offset, least=least_epoch)

    def _write_down(self, known: PartitionState | None, state: PartitionState, log_end: int, *, is_clean: bool) -> None:
        """The synced mark comes last: it must never be ahead of what is on stable storage."""
        if state != (known or PartitionState()):
            write_checked(self._disk, self._directory / STATE, state)
        if not is_clean:
            self._disk.fsync_dir(self._directory)
        if log_end != self._synced:
            self._mark.write(log_end)


def _newest_epoch(segments: list[Segment]) -> int:
    """The leader epoch of the last batch; 0 where there is none that can be read."""
    for segment in reversed(segments):
        try:
            newest = segment.lookup().newest()
        except DamagedBatch:
            continue
        if newest is not None:
            return newest.partition_leader_epoch
    return 0
