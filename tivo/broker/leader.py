"""The leader of one partition: takes batches in, moves the high watermark, lets go what waited for it."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from tivo.broker.commits import Commits
from tivo.broker.producers import Producers, Written
from tivo.broker.refusal import Refusal
from tivo.broker.runtime import Runtime
from tivo.broker.waiters import Waiters
from tivo.log.compaction import Plan
from tivo.log.compactor import Compacted, compact
from tivo.log.disk import Disk, read_file, replace_file
from tivo.log.partition import Partition
from tivo.log.transactions import Aborted
from tivo.metrics import BROKER_BYTES, BROKER_RECORDS, BROKER_SYNC_SECONDS
from tivo.model.errors import LogError, OffsetOutOfRange
from tivo.model.timeline import SECOND_US, to_kafka_ms
from tivo.wire.control import Marker, build_marker
from tivo.wire.error_codes import ErrorCode
from tivo.wire.record_batch import BatchHeader, offset_behind, read_header

SNAPSHOT_FILE = "producers"
SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_BATCHES = 64 << 20, 20_000
"""How much of a log may lie behind its producer snapshot: what a start after a crash reads at most, about 0.2 s."""

NOTHING = memoryview(b"")

Durable = Callable[[LogError | None], None]
"""Told once that what was appended is on stable storage, or why it never will be known to be."""


class Place(NamedTuple):
    """Where a batch stands: from `base_offset` to before `next_offset`."""

    base_offset: int
    next_offset: int


class Shared(NamedTuple):
    """What all leaders of a broker share."""

    runtime: Runtime
    commits: Commits
    waiters: Waiters
    disk: Disk


class Leader:
    """Leads one partition. All calls but `sync`, `close` and `delete`, which block, come from the loop.

    Where commits are durable, the high watermark is the synced offset, so nothing is read that a
    crash could take back; else it is the end of the log. `committed` is the place where those wait
    who read committed records only.
    """

    def __init__(self, log: Partition, directory: Path, shared: Shared) -> None:
        self.log = log
        self._runtime = shared.runtime
        self._commits = shared.commits
        self._waiters = shared.waiters
        self._disk = shared.disk
        self._unsynced: deque[tuple[int, int]] = deque()  # (next offset, size) of appends that are not readable yet
        self._owed: deque[tuple[int, Durable]] = deque()  # (next offset, whom to tell)
        self._awaited: deque[tuple[int, Callable[[], None]]] = deque()  # (next offset, what to do), errors or not
        self._snapshot_path = directory / SNAPSHOT_FILE
        self._snapshot: bytes | None = None  # to be written by the next sync
        self._syncing = Lock()  # held until the snapshot is written too
        self._bytes_behind = self._batches_behind = 0  # what was appended since the last snapshot
        self.producers = self._read_producers(shared.runtime.now().wall_us)
        self.committed = object()
        self._told = self.stable_offset, self.high_watermark  # to those who wait

    # ------------------------------------------------------------- in

    def append(self, batch: memoryview, header: BatchHeader, now_us: int) -> Place:
        """Append a verified batch, or find where it was appended before (idempotent producers).

        Raises Refusal where its sequence numbers do not fit, LogError where the disk fails.
        """
        if header.producer_id >= 0:
            verdict = self.producers.check(header)
            if isinstance(verdict, Written):
                return Place(verdict.base_offset, verdict.last_offset + 1)
            if verdict is not ErrorCode.NONE:
                raise Refusal(verdict, f"producer {header.producer_id} sent sequence {header.base_sequence}")
            self._check_transaction(header)
        return self.put(batch, header, now_us)

    def put(self, batch: memoryview, header: BatchHeader, now_us: int) -> Place:
        """Append a batch of the broker's own, or one that was checked. Raises LogError where the disk fails."""
        appended = self.log.append(batch, now_us=now_us)
        if header.producer_id >= 0:
            self.producers.remember(header, appended.base_offset, now_us)
        BROKER_BYTES.inc(len(batch))
        BROKER_RECORDS.inc(header.record_count)
        place = Place(appended.base_offset, appended.last_offset + 1)
        self._spread(place.next_offset, len(batch), rolled=appended.rolled)
        return place

    def end_transaction(self, producer_id: int, producer_epoch: int, marker: Marker) -> Place | None:
        """Write the marker that ends a producer's transaction here; None where nothing is open. Raises LogError."""
        if self.log.open_transaction(producer_id) is None:
            return None
        now_us = self._runtime.now().wall_us
        batch = memoryview(
            build_marker(
                marker,
                producer_id=producer_id,
                producer_epoch=producer_epoch,
                timestamp_ms=to_kafka_ms(now_us),
            )
        )
        return self.put(batch, read_header(batch), now_us)

    def when_durable(self, next_offset: int, tell: Durable) -> None:
        """Tell when everything below `next_offset` may be acknowledged: at once, or after the next group commit."""
        if self.log.read_only is not None and next_offset > self.high_watermark:
            tell(self.log.read_only)
        elif next_offset <= self.high_watermark:
            tell(None)
        else:
            self._owed.append((next_offset, tell))

    def when_kept(self, next_offset: int, then: Callable[[], None]) -> None:
        """Do something once everything below `next_offset` is kept, before anybody is told so by `when_durable`.

        Also where that comes late, after a full disk was told as an error; never where the log stays read-only.
        """
        if next_offset <= self.high_watermark:
            then()
        else:
            self._awaited.append((next_offset, then))

    def _spread(self, next_offset: int, size: int, *, rolled: bool) -> None:
        self._bytes_behind += size
        self._batches_behind += 1
        if self._bytes_behind >= SNAPSHOT_EVERY_BYTES or self._batches_behind >= SNAPSHOT_EVERY_BATCHES:
            self._bytes_behind = self._batches_behind = 0
            self._snapshot = self._producers_now()
        self._commits.appended(self, rolled=rolled)
        if self._commits.durable:
            self._unsynced.append((next_offset, size))
        else:
            self._grown(size)

    def _grown(self, size: int) -> None:
        """So many more bytes may be read; committed ones alone only as far as no transaction is open."""
        self._waiters.grown(self, size)
        was, now = self._told, (self.stable_offset, self.high_watermark)
        self._told = now
        if was[0] == was[1] and now[0] == now[1]:
            self._waiters.grown(self.committed, size)
        elif now[0] > was[0]:  # what was held back till now: nobody counted its bytes
            self._waiters.changed(self.committed)

    def _check_transaction(self, header: BatchHeader) -> None:
        if not header.is_transactional and self.log.open_transaction(header.producer_id) is not None:
            raise Refusal(
                ErrorCode.INVALID_TXN_STATE,
                f"producer {header.producer_id} has a transaction open in {self.log.name}, and this batch is of none",
            )

    # ------------------------------------------------------------- out

    @property
    def high_watermark(self) -> int:
        """First offset that consumers may not read yet."""
        return self.log.synced if self._commits.durable else self.log.log_end

    @property
    def stable_offset(self) -> int:
        """First offset that readers of committed records may not read yet."""
        return self.log.stable_offset(self.high_watermark)

    def read(self, offset: int, max_bytes: int, *, committed: bool = False) -> memoryview:
        """Whole batches from the one that holds `offset`, all below the high watermark; the first however large.

        Where `committed`, below the last stable offset: `aborted` tells what of it does not count.
        Nothing, and no error, where the offset is in the log but may not be read yet. Raises
        OffsetOutOfRange, or LogError where the disk fails.
        """
        mark = self.stable_offset if committed else self.high_watermark
        if mark < offset <= self.log.log_end:
            return NOTHING
        return self.log.read(offset, max_bytes=max_bytes, upto=mark)

    def check_offset(self, offset: int) -> None:
        """Raises OffsetOutOfRange where `read` does, and reads nothing."""
        if not self.log.log_start <= offset <= self.log.log_end:
            raise OffsetOutOfRange(self.log.name, offset, log_start=self.log.log_start, log_end=self.log.log_end)

    def aborted(self, offset: int, records: memoryview) -> list[Aborted]:
        """The aborted transactions that reach into batches which were read at an offset. Raises LogError."""
        if not records or not self.log.has_aborted:
            return []
        return self.log.aborted(offset, offset_behind(records))

    # ------------------------------------------------------------- syncs

    def sync(self) -> int:
        """Blocks, on a worker thread. The producer snapshot goes after the batches that it tells of."""
        with self._syncing:
            snapshot, self._snapshot = self._snapshot, None
            began_us = self._runtime.now().steady_us
            synced = self.log.sync()
            BROKER_SYNC_SECONDS.observe((self._runtime.now().steady_us - began_us) / SECOND_US)
            if snapshot is not None:
                self._write_snapshot(snapshot)
            return synced

    def synced(self) -> None:
        """The high watermark has moved: acknowledge, and wake whoever wants to read."""
        grown = 0
        while self._unsynced and self._unsynced[0][0] <= self.high_watermark:
            grown += self._unsynced.popleft()[1]
        while self._awaited and self._awaited[0][0] <= self.high_watermark:
            self._awaited.popleft()[1]()
        while self._owed and self._owed[0][0] <= self.high_watermark:
            self._owed.popleft()[1](None)
        if grown:
            self._grown(grown)

    def resumed(self) -> None:
        """A disk that was full takes records again: what it had taken before may be read, and nobody counted it."""
        self.synced()
        self._told = self.stable_offset, self.high_watermark
        self._waiters.changed(self)
        self._waiters.changed(self.committed)

    def failed(self, error: LogError) -> None:
        """The disk refused, or the topic is deleted: nothing is acknowledged any more."""
        self._unsynced.clear()
        while self._owed:
            self._owed.popleft()[1](error)
        self._waiters.changed(self)
        self._waiters.changed(self.committed)

    def close(self) -> None:
        """Sync and close when nobody will append any more; blocks. Raises LogError where the stop is not clean."""
        with self._syncing:
            snapshot = self._producers_now()
            self.log.close(clean=True)
            self._write_snapshot(snapshot)

    def delete(self) -> None:
        """Let go of the log when a sync that is under way is done; from then on nothing is written. Blocks."""
        with self._syncing:
            self._snapshot = None
            self.log.delete()

    # ------------------------------------------------------------- compaction

    def cleaning_due(self) -> Plan | None:
        """What of the log is worth cleaning now: nothing that may not be read yet, or not as committed."""
        return self.log.cleaning_plan(upto=self.stable_offset, now_us=self._runtime.now().wall_us)

    def cleaning(self, plan: Plan) -> Callable[[], Compacted]:
        """The work of it, which blocks long and does not stop anybody: for a thread of its own."""
        now_us, last_batches = self._runtime.now().wall_us, self.producers.last_batches()
        return lambda: compact(self.log, plan, last_batches=last_batches, now_us=now_us)

    # ------------------------------------------------------------- producers

    def _read_producers(self, now_us: int) -> Producers:
        """The snapshot, and the batches behind it."""
        producers = Producers()
        try:
            kept = read_file(self._disk, self._snapshot_path)
            if kept is not None:
                producers = Producers.from_snapshot(kept)
        except LogError:
            producers = Producers()  # damaged: the log itself tells everything
        if producers.next_offset > self.log.log_end:
            producers = Producers()
        for header in self.log.headers(max(producers.next_offset, self.log.log_start)):
            if header.producer_id >= 0:
                producers.remember(header, header.base_offset, now_us)
        return producers

    def _producers_now(self) -> bytes:
        self.producers.next_offset = self.log.log_end
        return self.producers.to_snapshot()

    def _write_snapshot(self, snapshot: bytes) -> None:
        """Without it the next start reads more of the log; a disk that fails tells so at the next append."""
        with suppress(OSError):
            replace_file(self._disk, self._snapshot_path, snapshot)


def check_leader_epoch(leader: Leader, epoch: int) -> None:
    """Raises Refusal where a client names a leader epoch (-1: none) that is not the present one (KIP-320)."""
    if epoch >= 0 and epoch != leader.log.leader_epoch:
        is_old = epoch < leader.log.leader_epoch
        code = ErrorCode.FENCED_LEADER_EPOCH if is_old else ErrorCode.UNKNOWN_LEADER_EPOCH
        raise Refusal(code, f"{leader.log.name} has leader epoch {leader.log.leader_epoch}, not {epoch}")
