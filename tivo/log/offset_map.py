"""Which offset is the newest of each key, in a memory that is bounded beforehand (pure)."""

from hashlib import blake2b
from struct import Struct

_SLOT = Struct("<16sq")  # digest of a key, offset + 1; 0 for a slot that is free
_DIGEST_BYTES = 16

MOST_SLOTS = 1 << 20
"""24 MiB: 786,432 keys at one cleaning. Of a log with more, one part after the other is cleaned."""

_LEAST_SLOTS = 64


class OffsetMap:
    """Keys by a digest of 128 bits under a secret `salt`: nobody can make two keys that are taken for one.

    Open addressing in one block of bytes, 24 a slot, three quarters of them used at most.
    """

    def __init__(self, keys: int, *, salt: bytes, most_slots: int = MOST_SLOTS) -> None:
        """Room for so many keys, as far as `most_slots` allow."""
        self._slots = min(most_slots, max(keys * 4 // 3 + 1, _LEAST_SLOTS))
        self._free = self._slots * 3 // 4
        self._table = bytearray(self._slots * _SLOT.size)
        self._salt = salt

    def put(self, key: bytes, offset: int) -> bool:
        """Let this be the newest offset of a key; False, and nothing is put, where a new key finds no room."""
        digest = self._digest(key)
        at, found = self._find(digest)
        if not found:
            if self._free == 0:
                return False
            self._free -= 1
        _SLOT.pack_into(self._table, at, digest, offset + 1)
        return True

    def get(self, key: bytes) -> int:
        """The newest offset of a key; -1 where it was never put."""
        return self._find(self._digest(key))[1] - 1

    def _digest(self, key: bytes) -> bytes:
        return blake2b(key, digest_size=_DIGEST_BYTES, key=self._salt).digest()

    def _find(self, digest: bytes) -> tuple[int, int]:
        """Where a key stands, and what stands there; 0 where it may be put."""
        slot = int.from_bytes(digest[:8], "little") % self._slots
        while True:
            at = slot * _SLOT.size
            held, value = _SLOT.unpack_from(self._table, at)
            if not value or held == digest:
                return at, value
            slot = (slot + 1) % self._slots
