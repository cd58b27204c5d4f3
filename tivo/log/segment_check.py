"""Compares what the files beside a segment's log say with what its batches are."""

from collections.abc import Iterator

from tivo.log.aborted import AbortedIndex
from tivo.log.disk import Disk, read_file
from tivo.log.index import SegmentIndex
from tivo.log.meta import NO_TIME, SegmentMeta
from tivo.log.scan import Found
from tivo.log.segment_files import ABORTED, ARRIVALS, META, OFFSETS, TIMES, SegmentFiles
from tivo.log.settings import LogSettings
from tivo.log.verdict import Trouble

INDEX_BYTES = LogSettings().index_bytes


class SegmentCheck:
    """Takes the batches in their order, then tells what does not fit.

    The figures of a meta, and the entries of the indexes, are compared only where the segment has no damage: they may
    tell of it as it was before.
    """

    def __init__(self, disk: Disk, files: SegmentFiles, base: int, meta: SegmentMeta) -> None:
        self._files = files
        self._base = base
        self._meta = meta
        self._batches = self._records = self._bytes = 0
        self._newest_ms = self._newest_record_ms = NO_TIME
        self._next_offset = base
        self._differs: list[str] = []
        self._indexes = SegmentIndex(INDEX_BYTES)
        self._unproven: list[str] = []  # files that are not what the meta says
        self._wrong: dict[str, str] = {}  # files with an entry that is of no batch
        offsets, times = (read_file(disk, files.path(suffix)) or b"" for suffix in (OFFSETS, TIMES))
        if not self._indexes.offsets.load(offsets, meta.offsets):
            self._unproven.append(OFFSETS)
        if not self._indexes.times.load(times, meta.times):
            self._unproven.append(TIMES)
        if not self._indexes.arrivals.load(read_file(disk, files.path(ARRIVALS)) or b"", meta.arrivals):
            self._unproven.append(ARRIVALS)
        if meta.aborted.entries and not AbortedIndex().load(read_file(disk, files.path(ABORTED)) or b"", meta.aborted):
            self._unproven.append(ABORTED)
        self._at = {OFFSETS: 0, TIMES: 0}

    def take(self, found: Found) -> None:
        """The next good batch."""
        header = found.header
        self._newest_ms = max(self._newest_ms, header.max_timestamp)
        if header.record_count:
            self._newest_record_ms = max(self._newest_record_ms, header.max_timestamp)
        self._batches += 1
        self._records += header.record_count
        self._bytes = found.position + header.size
        self._next_offset = header.last_offset + 1
        if self._bytes == self._meta.bytes:
            self._differs = list(self._differences())
        self._compare_indexes(found.position, header.last_offset - self._base)

    def troubles(self, *, is_whole: bool) -> Iterator[Trouble]:
        """What does not fit. `is_whole`: no damage was met, and none is set aside."""
        for suffix in self._unproven:
            yield Trouble(file=self._files.path(suffix).name, what="it is not what the segment's meta says")
        if is_whole:
            self._compare_rest()
            for suffix, what in self._wrong.items():
                yield Trouble(file=self._files.path(suffix).name, what=what)
            for what in self._differs:
                yield Trouble(file=self._files.path(META).name, what=what)

    def _differences(self) -> Iterator[str]:
        counted = (self._next_offset, self._batches, self._records, self._newest_record_ms)
        meta = self._meta
        told = (meta.next_offset, meta.batches, meta.records, meta.max_time_ms)
        for name, one, other in zip(("next offset", "batches", "records", "newest time"), counted, told, strict=True):
            if one != other:
                yield f"{name}: it says {other}, the log {one}"

    def _compare_indexes(self, position: int, relative_last: int) -> None:
        """Every entry that lies at or before this batch must be of this batch: the others had their turn."""
        offsets, times = self._indexes.offsets, self._indexes.times
        while self._at[OFFSETS] < len(offsets) and offsets.entry(self._at[OFFSETS])[1] <= position:
            self._compare(OFFSETS, offsets.entry(self._at[OFFSETS]), (relative_last, position))
        while self._at[TIMES] < len(times) and times.entry(self._at[TIMES])[1] <= relative_last:
            self._compare(TIMES, times.entry(self._at[TIMES]), (self._newest_ms, relative_last))

    def _compare_rest(self) -> None:
        for suffix, index in ((OFFSETS, self._indexes.offsets), (TIMES, self._indexes.times)):
            if self._at[suffix] < len(index):
                entry = index.entry(self._at[suffix])
                self._wrong.setdefault(suffix, f"entry {self._at[suffix]} is {entry}, behind the last batch")

    def _compare(self, suffix: str, entry: tuple[int, int], batch: tuple[int, int]) -> None:
        if entry != batch:
            self._wrong.setdefault(suffix, f"entry {self._at[suffix]} is {entry}, the batch there {batch}")
        self._at[suffix] += 1
