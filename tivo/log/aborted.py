"""The index of aborted transactions of a segment, in Kafka's layout (`.txnindex`), rebuilt from the log at will.

One entry per abort marker that lies in the segment, in their order, big-endian: i16 version 0, i64 producer id,
i64 first offset, i64 offset of the marker, i64 last stable offset behind it. Its proof is in the segment's meta.
"""

from collections.abc import Iterator
from struct import Struct

from crc32c import crc32c

from tivo.log.index import IndexProof
from tivo.log.transactions import Aborted

_ENTRY = Struct(">hqqqq")
_VERSION = 0


class AbortedIndex:
    """Appended to by one thread; a reader on another one sees an entry whole or not at all."""

    __slots__ = ("_entries", "_proven")

    def __init__(self) -> None:
        self._entries: list[Aborted] = []
        self._proven = IndexProof(0, 0)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Aborted]:
        return iter(self._entries)

    @property
    def proof(self) -> IndexProof:
        """What the file holds as far as it was taken by `unwritten` or `load`."""
        return self._proven

    def append(self, aborted: Aborted) -> None:
        self._entries.append(aborted)

    def unwritten(self, last: int) -> tuple[int, bytes]:
        """Position and bytes of the entries below `last` that the file does not hold; they count as written now."""
        first, crc = self._proven
        content = b"".join(_ENTRY.pack(_VERSION, *entry) for entry in self._entries[first:last])
        self._proven = IndexProof(last, crc32c(content, crc))
        return first * _ENTRY.size, content

    def rewind(self, proof: IndexProof) -> None:
        """What was taken since could not be written: the file holds no more than this."""
        self._proven = proof

    def load(self, content: bytes, proof: IndexProof) -> bool:
        """Take the entries of a file; False, and nothing taken, where it is not what the proof says."""
        proven = content[: proof.entries * _ENTRY.size]
        if len(proven) != proof.entries * _ENTRY.size or crc32c(proven) != proof.crc:
            return False
        self._entries.extend(Aborted(*entry) for _, *entry in _ENTRY.iter_unpack(proven))
        self._proven = proof
        return True
