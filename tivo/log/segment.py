"""A stretch of a partition's log: its batches in one file, what is known of them, and what of them is damaged."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from tivo.log.disk import Disk, File
from tivo.log.index import IndexProof
from tivo.log.lookup import Lookup, Resumes
from tivo.log.meta import NO_TIME, Damage, SegmentMeta
from tivo.log.rebuild import index_anew
from tivo.log.scan import HEADER_BYTES, DamagedBatch, Found, whole_batches
from tivo.log.segment_files import LOG, OpenSegment, SegmentFiles
from tivo.log.stretches import behind_damage, measure, scan_good, stretch_end
from tivo.log.transactions import Ended, OpenTransaction, Transactions
from tivo.model.errors import WireError
from tivo.model.timeline import MILLISECOND_US
from tivo.wire.control import Marker
from tivo.wire.record_batch import BatchHeader, read_header

_logger = logging.getLogger(__name__)

EMPTY = memoryview(b"")


class Segment:
    """Batches from offset `base` on. Appended to by one thread, read by any number.

    A read raises DamagedBatch where a batch is not good; once that is set aside, the next read skips it.
    """

    def __init__(self, disk: Disk, directory: Path, base: int, *, index_bytes: int, ending: str = "") -> None:
        self.base = base
        self.sealed = False
        self.is_replaced = False
        self.damage: dict[int, Damage] = {}
        self._files = SegmentFiles(disk, directory, base, index_bytes=index_bytes, ending=ending)
        self._open: OpenSegment | None = None
        self._opening = Lock()
        self._resumes = Resumes()
        self.take(SegmentMeta(next_offset=base))

    # ------------------------------------------------------------------ opening and closing

    def path(self, suffix: str) -> Path:
        return self._files.path(suffix)

    def create(self) -> None:
        """Make the log file; its name is durable after the directory's next fsync."""
        self._open = self._files.create()

    def take(self, meta: SegmentMeta) -> None:
        """Stand where a meta says, whatever lies behind it in the file."""
        self.meta = meta
        self.size = meta.bytes
        self.next_offset = meta.next_offset
        self.batches = meta.batches
        self.records = meta.records
        self.min_time_ms = meta.min_time_ms
        self.max_time_ms = meta.max_time_ms
        self.began_us = meta.began_us
        self.appended_us = meta.appended_us
        self.aborted = meta.aborted.entries
        self.transactions = Transactions(meta.open)
        self._open_before = meta.open_before
        self._open = None

    def follow(self, opened: tuple[OpenTransaction, ...]) -> None:
        """Begin with these transactions open: what the segment before ends with. Only while it is empty."""
        self._open_before = opened
        self.transactions = Transactions(opened)

    def load_meta(self) -> bool:
        """Take the meta on disk; False where there is none that is whole."""
        meta = self._files.load_meta()
        if meta is not None:
            self.take(meta)
        return meta is not None

    def opened(self) -> OpenSegment:
        """The segment's files. Indexes that are not what the meta says are built anew. Raises DamagedBatch then."""
        opened = self._open
        if opened is None:
            with self._opening:
                opened = self._now_opened()
        return opened

    def file_size(self) -> int:
        return self._log().size()

    def is_whole(self) -> bool:
        """Whether the meta covers the whole log file."""
        return self.meta.bytes == self.file_size()

    def release(self) -> None:
        """Let go of the files; the next use opens them again."""
        with self._opening:
            if not self.is_replaced:
                self._open = None

    def let_replace(self) -> None:
        """Hold the files open from here on: others are about to have their names. Raises DamagedBatch as `opened`."""
        with self._opening:
            self._now_opened()
            self.is_replaced = True

    def remove(self) -> None:
        """Delete the files."""
        self._files.remove()

    def renamed(self) -> None:
        """The files have the names of a segment now."""
        self._files.renamed()

    @property
    def newest_us(self) -> int | None:
        """Time of the newest record; None where no record has one."""
        return None if self.max_time_ms == NO_TIME else self.max_time_ms * MILLISECOND_US

    # ------------------------------------------------------------------ writing

    def note(self, position: int, header: BatchHeader, base_offset: int, marker: Marker | None = None) -> Ended | None:
        """Count and index a batch that lies at `position` of the log: appended just now, or found by a scan.

        Gives the transaction that it ends, if it is a marker.
        """
        last_offset = base_offset + header.last_offset_delta
        opened = self.opened()
        opened.indexes.note(position, last_offset - self.base, newest_ms=header.max_timestamp, size=header.size)
        self.batches += 1
        self.records += header.record_count
        self.size = position + header.size
        self.next_offset = last_offset + 1
        if header.record_count:
            self._note_times(header)
        if not header.is_transactional:
            return None
        ended = self.transactions.note(header, base_offset, marker)
        if ended is not None and ended.aborted is not None:
            opened.aborted.append(ended.aborted)
            self.aborted += 1
        return ended

    def _note_times(self, header: BatchHeader) -> None:
        oldest_ms = header.max_timestamp if header.has_delete_horizon else header.base_timestamp
        self.max_time_ms = max(self.max_time_ms, header.max_timestamp)
        if self.min_time_ms == NO_TIME or oldest_ms < self.min_time_ms:
            self.min_time_ms = oldest_ms

    def arrived(self, now_us: int, offset: int, size: int) -> None:
        """An append from `offset` on, of so many bytes, has come."""
        self.appended_us = now_us
        self.opened().indexes.arrived(now_us, offset - self.base, size)

    def inherit(self, replaced: Sequence["Segment"]) -> None:
        """Take over what the log does not tell, or cannot any more, of the segments that this one was made of."""
        self.min_time_ms = min((one.min_time_ms for one in replaced if one.records), default=NO_TIME)
        self.began_us = replaced[0].began_us
        self.appended_us = max(one.appended_us for one in replaced)
        self._open_before = replaced[0].meta.open_before
        self.transactions = Transactions(replaced[-1].meta.open)
        opened = self._open = self._files.without_entries(self._log())._replace(indexes=self.opened().indexes)
        for one in replaced:
            for aborted in one.opened().aborted:
                opened.aborted.append(aborted)
            for time_us, offset in one.arrivals():
                if time_us > (opened.indexes.arrivals.last_key() or 0):
                    opened.indexes.arrivals.append(time_us, offset - self.base)
        self.aborted = len(opened.aborted)

    def snapshot(self) -> SegmentMeta:
        """The segment as it stands, taken while nobody appends. Its proofs count entries; `save` adds the CRC."""
        return self._snapshot(self.opened())

    def _snapshot(self, opened: OpenSegment) -> SegmentMeta:
        index = opened.indexes
        return SegmentMeta(
            bytes=self.size,
            next_offset=self.next_offset,
            batches=self.batches,
            records=self.records,
            min_time_ms=self.min_time_ms,
            max_time_ms=self.max_time_ms,
            began_us=self.began_us,
            appended_us=self.appended_us,
            offsets=IndexProof(len(index.offsets), 0),
            times=IndexProof(len(index.times), 0),
            arrivals=IndexProof(len(index.arrivals), 0),
            aborted=IndexProof(len(opened.aborted), 0),
            open_before=self._open_before,
            open=self.transactions.all,
        )

    def save(self, snapshot: SegmentMeta) -> None:
        """Write indexes and meta of a snapshot to which the log is synced. Durable after the directory's fsync."""
        _, indexes, aborted = self.opened()
        self.meta = self._files.save(indexes, aborted, snapshot)

    # ------------------------------------------------------------------ damage

    def set_aside(self, damaged: DamagedBatch, *, end: int, next_offset: int) -> Damage:
        """Skip from a damaged batch to the next good one, or to `end`, at `next_offset`, where none is found."""
        damage = measure(self._log(), damaged, self.base, end=end, next_offset=next_offset)
        self.damage = {**self.damage, damage.position: damage}
        _logger.error(
            "%s: bytes %d to %d are damaged, offsets %d to %d cannot be served: %s",
            *(self.path(LOG), damage.position, damage.end, damage.first_offset, damage.next_offset - 1, damaged),
        )
        return damage

    def pass_damage(self) -> None:
        """Let the segment end behind the damage at its end, where there is any."""
        self.size, self.next_offset = behind_damage(self.damage, self.size, self.next_offset)

    def close_gap(self, end: int) -> None:
        """Have the segment reach up to offset `end`: what it lacks is gone with the end of its file."""
        self.pass_damage()
        if self.next_offset < end:
            lost = Damage(self.base, self.size, self.size, self.next_offset, end)
            self.damage = {**self.damage, self.size: lost}
            _logger.error(
                "%s: offsets %d to %d are missing, the file ends before them", self.path(LOG), self.next_offset, end - 1
            )
            self.next_offset = end

    # ------------------------------------------------------------------ reading

    def read(self, offset: int, *, max_bytes: int, upto: int) -> memoryview:
        """Whole batches below `upto` from the one that holds `offset`, or the first behind it; nothing at the end.

        The first batch comes even where it is larger than `max_bytes`. Raises DamagedBatch if it is damaged.
        """
        position, base = self.locate(offset)
        end = stretch_end(self.damage, position, self.size)
        if position >= end or base >= upto:
            return EMPTY
        log = self.opened().log
        buffer = log.pread(min(max(max_bytes, HEADER_BYTES), end - position), position)
        try:
            size = read_header(buffer).size
            if len(buffer) < size <= end - position:
                buffer = log.pread(size, position)
            found, following = whole_batches(buffer, base, upto)
        except WireError as error:
            raise DamagedBatch(position, base, str(error)) from error
        if found:  # damage behind the first batch is left to the read that begins there
            self._resumes.remember(following, position + len(found))
        return found

    def locate(self, offset: int) -> tuple[int, int]:
        """Position and base offset of the batch that holds `offset`, or of the first behind it. Raises DamagedBatch."""
        position = self._resumes.position(offset)
        if position is not None:
            return behind_damage(self.damage, position, offset)
        return self.lookup().locate(offset)

    def first_at(self, time_ms: int, *, from_offset: int) -> tuple[int, int] | None:
        """Time and offset of the first record at or after a time and an offset. Raises DamagedBatch."""
        return None if self.max_time_ms < time_ms else self.lookup().first_at(time_ms, from_offset=from_offset)

    def scan(self, position: int, offset: int, *, end: int | None = None) -> Iterator[Found]:
        """The batches from `position` on, which begins at `offset`, but for what is set aside. Raises DamagedBatch.

        `end` is the end of the segment as it is now, or a position behind it.
        """
        end = self.size if end is None else end
        return scan_good(self.opened().log, self.damage, position, offset, end=end)

    def arrivals(self) -> Iterator[tuple[int, int]]:
        """When appends came, and the first offset of each: those that the index holds, by rising time."""
        index = self.opened().indexes.arrivals
        return ((time_us, self.base + offset) for time_us, offset in map(index.entry, range(len(index))))

    def arrived_us(self, offset: int) -> int | None:
        """When the record at an offset had come, as far as the index tells."""
        return self.opened().indexes.arrived_us(offset - self.base)

    def before_arrival(self, time_us: int) -> int:
        """An offset before which all had come when it was `time_us`."""
        return self.base + self.opened().indexes.before_arrival(time_us)

    # ------------------------------------------------------------------ within

    def _log(self) -> File:
        opened = self._open
        return opened.log if opened is not None else self._files.open_log()

    def _now_opened(self) -> OpenSegment:
        """As `opened`; the caller holds `_opening`. Others see the files once their indexes are whole, not before."""
        if self._open is None:
            self._open = self._files.load(self.meta) or self._rebuilt()
        return self._open

    def _rebuilt(self) -> OpenSegment:
        opened = self._files.without_entries(self._files.open_log(), self.meta)
        index_anew(opened, self.damage, base=self.base, size=self.size, open_before=self._open_before)
        with suppress(OSError):  # a full disk must not stop a read; the index is built once more next time
            self.meta = self._files.save(opened.indexes, opened.aborted, self._snapshot(opened))
        return opened

    def lookup(self) -> Lookup:
        """The segment as a reader finds it now."""
        return Lookup(self.opened(), self.damage, self.base, self.size, self.next_offset)
