"""What a partition writes down beside its records: the meta of each segment, and the partition's own state."""

from pathlib import Path

import msgspec

from tivo.log.disk import Disk, read_file, replace_file
from tivo.log.index import IndexProof
from tivo.log.lines import decode_line, encode_line
from tivo.log.transactions import OpenTransaction

NO_TIME = -1
"""Kafka's timestamp of a record that has none."""

_NO_PROOF = IndexProof(0, 0)


class SegmentMeta(msgspec.Struct, frozen=True):
    """A segment up to `bytes`, known to be good and on stable storage, and the proofs of its indexes.

    That of the active segment is its recovery checkpoint, that of a sealed one covers the whole file.
    Times are Kafka's create times in ms. The newest is exact. The oldest is that of the batches' first
    records, for a header tells no more: a record may be older, and nothing leans on it. `began_us` and
    `appended_us` are wall times of appends. `open_before` and `open` are the transactions that are open
    where the segment begins, and where it ends.
    """

    bytes: int = 0
    next_offset: int = 0
    batches: int = 0
    records: int = 0
    min_time_ms: int = NO_TIME
    max_time_ms: int = NO_TIME
    began_us: int = 0
    appended_us: int = 0
    offsets: IndexProof = _NO_PROOF
    times: IndexProof = _NO_PROOF
    arrivals: IndexProof = _NO_PROOF
    aborted: IndexProof = _NO_PROOF
    open_before: tuple[OpenTransaction, ...] = ()
    open: tuple[OpenTransaction, ...] = ()


class Damage(msgspec.Struct, frozen=True, array_like=True):
    """Bytes of a segment that hold no good batch: set aside where they lie, never served, never removed by us."""

    segment: int
    position: int
    end: int
    first_offset: int
    next_offset: int


class PartitionState(msgspec.Struct, frozen=True):
    """Where the log starts, which leader epoch began at which offset (epoch, offset), and what is damaged.

    Below `cleaned_to` no record is superseded by another one below it, but for damaged segments.
    """

    log_start: int = 0
    epochs: tuple[tuple[int, int], ...] = ((0, 0),)
    damage: tuple[Damage, ...] = ()
    cleaned_to: int = 0

    @property
    def leader_epoch(self) -> int:
        return self.epochs[-1][0]

    def raised(self, log_end: int, *, least: int = 0) -> "PartitionState":
        """The state with a new leader epoch that begins at `log_end`; epochs that would begin there or later go."""
        earlier = tuple(entry for entry in self.epochs if entry[1] < log_end)
        epoch = max(self.leader_epoch + 1, least)
        return msgspec.structs.replace(self, epochs=(*earlier, (epoch, log_end)))

    def epoch_end(self, epoch: int, log_end: int) -> tuple[int, int]:
        """The newest epoch up to `epoch` and the offset behind its last record; (-1, -1) for one to come (KIP-101)."""
        if epoch > self.leader_epoch:
            return -1, -1
        reached = max((known for known, _ in self.epochs if known <= epoch), default=epoch)
        return reached, next((start for known, start in self.epochs if known > epoch), log_end)


_meta_decoder = msgspec.json.Decoder(SegmentMeta)
_state_decoder = msgspec.json.Decoder(PartitionState)


def read_meta(disk: Disk, path: Path) -> SegmentMeta | None:
    """The meta of a segment; None where there is none, or not whole."""
    payload = _read_payload(disk, path)
    return _meta_decoder.decode(payload) if payload is not None else None


def read_state(disk: Disk, path: Path) -> PartitionState | None:
    """The state of a partition; None where there is none, or not whole."""
    payload = _read_payload(disk, path)
    return _state_decoder.decode(payload) if payload is not None else None


def write_checked(disk: Disk, path: Path, content: SegmentMeta | PartitionState) -> None:
    """Put meta or state in the place of what was there; durable after the directory's next fsync."""
    replace_file(disk, path, encode_line(msgspec.json.encode(content)))


def _read_payload(disk: Disk, path: Path) -> bytes | None:
    content = read_file(disk, path)
    return decode_line(content) if content is not None else None
