"""The files of one segment: opened, written, removed together.

<base20>.log         record batches (version 2), byte for byte as on the wire
<base20>.index       sparse: offset to position       (index.py)
<base20>.timeindex   sparse: time to offset
<base20>.arrival     sparse: time of arrival to offset
<base20>.txnindex    aborted transactions, where there are any     (aborted.py)
<base20>.meta        what is known to be good and on stable storage     (meta.py)
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from tivo.log.aborted import AbortedIndex
from tivo.log.disk import Disk, File, read_file, sync_file, write_whole
from tivo.log.index import IndexProof, SegmentIndex, SparseIndex
from tivo.log.meta import SegmentMeta, read_meta, write_checked

LOG = ".log"
META = ".meta"
OFFSETS = ".index"
TIMES = ".timeindex"
ARRIVALS = ".arrival"
ABORTED = ".txnindex"
SUFFIXES = (META, OFFSETS, TIMES, ARRIVALS, ABORTED, LOG)
"""In the order in which a segment's files are removed: a log file alone is a segment still."""


class OpenSegment(NamedTuple):
    """The log file and the indexes. Whoever works with them holds them: they stay open when the segment lets go."""

    log: File
    indexes: SegmentIndex
    aborted: AbortedIndex


class SegmentFiles:
    """The files of the segment that begins at offset `base`. Keeps none of them open itself.

    `ending` stands behind the names of those that are not a segment's yet (see `swap.py`).
    """

    def __init__(self, disk: Disk, directory: Path, base: int, *, index_bytes: int, ending: str = "") -> None:
        self._disk = disk
        self._directory = directory
        self._base = base
        self._index_bytes = index_bytes
        self._ending = ending

    def path(self, suffix: str) -> Path:
        return self._directory / f"{self._base:020d}{suffix}{self._ending}"

    def renamed(self) -> None:
        """The names have no ending any more."""
        self._ending = ""

    def create(self) -> OpenSegment:
        """Make the log file, empty whatever lay there; its name is durable after the directory's next fsync."""
        log = self._disk.open(self.path(LOG), create=True)
        if log.size():
            log.truncate(0)
        return self.without_entries(log)

    def open_log(self) -> File:
        return self._disk.open(self.path(LOG))

    def without_entries(self, log: File, meta: SegmentMeta | None = None) -> OpenSegment:
        """The log, to be indexed from its beginning on; but arrivals, which it does not tell, are those of the meta."""
        indexes = SegmentIndex(self._index_bytes)
        if meta is not None:
            indexes.arrivals.load(self._content(ARRIVALS), meta.arrivals)
        return OpenSegment(log, indexes, AbortedIndex())

    def load(self, meta: SegmentMeta) -> OpenSegment | None:
        """The log and its indexes; None where these are not what the meta says."""
        indexes, aborted = SegmentIndex(self._index_bytes, newest_ms=meta.max_time_ms), AbortedIndex()
        is_whole = (
            indexes.offsets.load(self._content(OFFSETS), meta.offsets)
            and indexes.times.load(self._content(TIMES), meta.times)
            and indexes.arrivals.load(self._content(ARRIVALS), meta.arrivals)
            and (not meta.aborted.entries or aborted.load(self._content(ABORTED), meta.aborted))
        )
        return OpenSegment(self.open_log(), indexes, aborted) if is_whole else None

    def load_meta(self) -> SegmentMeta | None:
        """The meta; None where there is none that is whole."""
        return read_meta(self._disk, self.path(META))

    def save(self, indexes: SegmentIndex, aborted: AbortedIndex, snapshot: SegmentMeta) -> SegmentMeta:
        """Write what is new of the indexes, then the meta, which is given back with their proofs filled in."""
        offsets = self._write(OFFSETS, indexes.offsets, snapshot.offsets.entries)
        times = self._write(TIMES, indexes.times, snapshot.times.entries)
        arrivals, proof = snapshot.arrivals, snapshot.aborted
        if arrivals.entries:
            arrivals = self._write(ARRIVALS, indexes.arrivals, arrivals.entries)
        if proof.entries:
            proof = self._write(ABORTED, aborted, proof.entries)
        meta = msgspec.structs.replace(snapshot, offsets=offsets, times=times, arrivals=arrivals, aborted=proof)
        write_checked(self._disk, self.path(META), meta)
        return meta

    def remove(self) -> None:
        for suffix in SUFFIXES:
            if self._disk.exists(self.path(suffix)):
                self._disk.unlink(self.path(suffix))

    def _content(self, suffix: str) -> bytes:
        return read_file(self._disk, self.path(suffix)) or b""

    def _write(self, suffix: str, index: SparseIndex | AbortedIndex, entries: int) -> IndexProof:
        written = index.proof
        position, content = index.unwritten(entries)
        try:
            self._write_from(suffix, position, content)
        except OSError:
            index.rewind(written)
            raise
        return index.proof

    def _write_from(self, suffix: str, position: int, content: bytes) -> None:
        file = self._disk.open(self.path(suffix), create=True)
        try:
            write_whole(file, content, position)
            file.truncate(position + len(content))
            sync_file(file)
        finally:
            file.close()
