"""Sparse indexes of a segment, in Kafka's layout: one entry per 4 KiB of log, big-endian, rebuilt from the log at will.

`.index` turns an offset into a position: (u32 relative offset of a batch's last record, u32 position of
the batch). `.timeindex` turns a time into an offset: (i64 newest time so far in ms, u32 relative offset
of the last record of the batch that brought it). Both columns grow from entry to entry.

An index file says nothing of its own truth; the segment's meta keeps its length and CRC-32C.
"""

from array import array
from bisect import bisect_right
from struct import Struct
from typing import NamedTuple

from crc32c import crc32c


class IndexProof(NamedTuple):
    """How many entries of an index file count, and their CRC-32C."""

    entries: int
    crc: int


class SparseIndex:
    """Two growing columns, the first one searched. Kept in arrays: 8 bytes an entry (offsets), 12 (times).

    Appended to by one thread; a search on another thread sees an entry whole or not at all.
    """

    __slots__ = ("_entry", "_keys", "_proven", "_values")

    def __init__(self, entry: Struct, typecode: str) -> None:
        self._entry = entry
        self._keys = array(typecode)
        self._values = array("I")
        self._proven = IndexProof(0, 0)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def proof(self) -> IndexProof:
        """What the file holds as far as it was taken by `unwritten` or `load`."""
        return self._proven

    def append(self, key: int, value: int) -> None:
        """Add an entry; the key must be above the last one."""
        self._values.append(value)
        self._keys.append(key)

    def last_key(self) -> int | None:
        return self._keys[-1] if self._keys else None

    def last_at_or_below(self, key: int) -> int:
        """Number of the last entry whose key is at or below `key`; -1 where there is none."""
        return bisect_right(self._keys, key) - 1

    def entry(self, number: int) -> tuple[int, int]:
        return self._keys[number], self._values[number]

    def unwritten(self, last: int) -> tuple[int, bytes]:
        """Position and bytes of the entries below `last` that the file does not hold; they count as written now."""
        first, crc = self._proven
        content = b"".join(map(self._entry.pack, self._keys[first:last], self._values[first:last]))
        self._proven = IndexProof(last, crc32c(content, crc))
        return first * self._entry.size, content

    def rewind(self, proof: IndexProof) -> None:
        """What was taken since could not be written: the file holds no more than this."""
        self._proven = proof

    def load(self, content: bytes, proof: IndexProof) -> bool:
        """Take the entries of a file; False, and nothing taken, where it is not what the proof says."""
        proven = content[: proof.entries * self._entry.size]
        if len(proven) != proof.entries * self._entry.size or crc32c(proven) != proof.crc:
            return False
        for key, value in self._entry.iter_unpack(proven):
            self._keys.append(key)
            self._values.append(value)
        self._proven = proof
        return True


class SegmentIndex:
    """The two indexes of one segment."""

    __slots__ = ("_every_bytes", "_newest_ms", "_since_entry", "offsets", "times")

    def __init__(self, every_bytes: int, *, newest_ms: int = -1) -> None:
        self.offsets = SparseIndex(Struct(">II"), "I")
        self.times = SparseIndex(Struct(">qI"), "q")
        self._every_bytes = every_bytes
        self._since_entry = 0
        self._newest_ms = newest_ms

    def note(self, position: int, relative_last: int, *, newest_ms: int, size: int) -> None:
        """Count a batch, in the order of the log, and make entries where the last ones are far enough behind."""
        self._newest_ms = max(self._newest_ms, newest_ms)
        if self._since_entry > self._every_bytes:
            self._since_entry = 0
            self.offsets.append(relative_last, position)
            last_ms = self.times.last_key()
            if last_ms is None or last_ms < self._newest_ms:
                self.times.append(self._newest_ms, relative_last)
        self._since_entry += size
