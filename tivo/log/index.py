"""Sparse indexes of a segment. Kafka's two: one entry per 4 KiB of log, big-endian, rebuilt from the log at will.

`.index` turns an offset into a position: (u32 relative offset of a batch's last record, u32 position of
the batch). `.timeindex` turns a time into an offset: (i64 newest time so far in ms, u32 relative offset
of the last record of the batch that brought it). Both columns grow from entry to entry.

`.arrival` is ours: (i64 wall time of an append in µs, u32 relative offset of its first record), at most one per 10 ms
or 64 KiB. A log does not tell it, so it cannot be rebuilt: what a crash takes of it is gone; times are coarse there.

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

    def last_value_at_or_below(self, value: int) -> int:
        """Number of the last entry whose value is at or below `value`; -1 where there is none."""
        return bisect_right(self._values, value, hi=len(self._keys)) - 1

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


ARRIVAL_EVERY_US = 10_000
ARRIVAL_EVERY_BYTES = 64 << 10
_ARRIVAL = Struct(">qI")


def arrival_entries(content: bytes) -> list[tuple[int, int]]:
    """The entries of an `.arrival` file: wall time of an append in µs, relative offset of its first record."""
    whole = len(content) // _ARRIVAL.size * _ARRIVAL.size
    return [(time_us, offset) for time_us, offset in _ARRIVAL.iter_unpack(content[:whole])]


class SegmentIndex:
    """The three indexes of one segment."""

    __slots__ = (
        *("_every_bytes", "_newest_at", "_newest_ms", "_since_arrival", "_since_entry"),
        *("arrivals", "offsets", "times"),
    )

    def __init__(self, every_bytes: int, *, newest_ms: int = -1) -> None:
        self.offsets = SparseIndex(Struct(">II"), "I")
        self.times = SparseIndex(Struct(">qI"), "q")
        self.arrivals = SparseIndex(_ARRIVAL, "q")
        self._since_arrival = 0
        self._every_bytes = every_bytes
        self._since_entry = 0
        self._newest_ms = newest_ms
        self._newest_at = -1  # not known: no entry until there is a newer one

    def note(self, position: int, relative_last: int, *, newest_ms: int, size: int) -> None:
        """Count a batch, in the order of the log, and make entries where the last ones are far enough behind."""
        if newest_ms > self._newest_ms:
            self._newest_ms, self._newest_at = newest_ms, relative_last
        if self._since_entry > self._every_bytes:
            self._since_entry = 0
            self.offsets.append(relative_last, position)
            last_ms = self.times.last_key()
            if self._newest_at >= 0 and (last_ms is None or last_ms < self._newest_ms):
                self.times.append(self._newest_ms, self._newest_at)
        self._since_entry += size

    def arrived(self, time_us: int, relative_first: int, size: int) -> None:
        """Count an append, and make an entry where the last one is far enough behind. A clock set back makes none."""
        self._since_arrival += size
        last_us = self.arrivals.last_key()
        if last_us is not None:
            is_far = self._since_arrival >= ARRIVAL_EVERY_BYTES or time_us - last_us >= ARRIVAL_EVERY_US
            if time_us <= last_us or not is_far:
                return
        self.arrivals.append(time_us, relative_first)
        self._since_arrival = 0

    def arrived_us(self, relative: int) -> int | None:
        """When the record at an offset had come, as far as is known."""
        number = self.arrivals.last_value_at_or_below(relative)
        return None if number < 0 else self.arrivals.entry(number)[0]

    def before_arrival(self, time_us: int) -> int:
        """A relative offset before which all had come when it was `time_us`."""
        number = self.arrivals.last_at_or_below(time_us - 1)
        return 0 if number < 0 else self.arrivals.entry(number)[1]
