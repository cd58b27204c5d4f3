"""What a cleaning leaves of a record batch (pure)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tivo.log.offset_map import OffsetMap
from tivo.log.transactions import Aborted
from tivo.model.errors import WireError
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import BatchHeader
from tivo.wire.thinning import Part, emptied, parts, thinned

LATEST_MS = (1 << 63) - 1
"""The end of what a batch can tell as a time."""


class AbortedRecords:
    """Tells the records of aborted transactions from the others."""

    def __init__(self, aborted: Iterable[Aborted]) -> None:
        self._by_producer: dict[int, list[Aborted]] = {}
        for each in aborted:
            self._by_producer.setdefault(each.producer_id, []).append(each)

    def holds(self, header: BatchHeader) -> bool:
        """Whether the records of a batch were aborted."""
        if not header.is_transactional or header.is_control:
            return False
        return any(
            each.first_offset <= header.base_offset <= each.last_offset
            for each in self._by_producer.get(header.producer_id, ())
        )


def readable_parts(batch: Buffer, header: BatchHeader) -> list[Part]:
    """The records of a batch; none where it cannot be read: what nobody can read supersedes nothing."""
    try:
        return list(parts(batch, 0, header))
    except WireError:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Sieve:
    """Decides for every record below `mapped_to` whether it stays; what lies from there on stays as it is.

    A record stays if it is the newest of its key, or has none. A tombstone stays until its batch's horizon has
    come: `tombstone_ms` after the first cleaning that met it. Aborted records go, the markers that end
    transactions never do. `last_batches`: base offsets of each producer's last batch, which stays at least as a
    header, so that its sequence numbers can be read off the log.
    """

    newest: OffsetMap
    mapped_to: int
    aborted: AbortedRecords
    last_batches: Collection[int]
    now_ms: int
    tombstone_ms: int

    def rest(self, batch: Buffer, header: BatchHeader, *, keeps_tombstones: bool = False) -> Buffer | None:
        """What stays of a batch: itself, a thinner one, its header; None where it leaves a hole.

        `keeps_tombstones`: before it there is something that cannot be cleaned, and might come to life without it.
        """
        if header.base_offset >= self.mapped_to or header.is_control:
            return batch
        if self.aborted.holds(header):
            return self._without_records(header)
        is_over = header.has_delete_horizon and header.base_timestamp <= self.now_ms and not keeps_tombstones
        found = readable_parts(batch, header)
        if not found and header.record_count:
            return batch
        kept = [part for part in found if self._stays(part, is_over=is_over)]
        if not kept:
            return self._without_records(header)
        is_first = not header.has_delete_horizon and not all(part.has_value for part in kept)
        if len(kept) == len(found) and not is_first:
            return batch
        horizon_ms = min(self.now_ms + self.tombstone_ms, LATEST_MS)
        return thinned(header, kept, horizon_ms=horizon_ms if is_first else None)

    def _stays(self, part: Part, *, is_over: bool) -> bool:
        if part.offset >= self.mapped_to or part.key is None:
            return True
        if is_over and not part.has_value:
            return False
        return self.newest.get(part.key) <= part.offset

    def _without_records(self, header: BatchHeader) -> Buffer | None:
        return emptied(header) if header.base_offset in self.last_batches else None
