"""Appends to a partition's log, brings it to stable storage, and goes on when a disk that was full has space again."""

from collections.abc import Sequence
from typing import NamedTuple

from tivo.log.disk import sync_file, sync_names, write_whole
from tivo.log.held import Held
from tivo.log.meta import SegmentMeta
from tivo.log.segment import Segment
from tivo.log.transactions import OpenTransaction
from tivo.model.errors import LogError
from tivo.wire.control import read_marker
from tivo.wire.record_batch import BatchHeader, batches, stamp

_MAX_RELATIVE_OFFSET = (1 << 31) - 1

_SPACE_BYTES = 256 << 10
"""So much must fit on a disk that was full before it is written to again."""


class Appended(NamedTuple):
    """Where an append came to lie. `rolled`: it began a new segment, and the one before waits to be sealed."""

    base_offset: int
    last_offset: int
    max_time_ms: int
    rolled: bool


class Appending(Held):
    """The end of a log, where it grows."""

    def append(self, data: bytearray | memoryview, *, now_us: int) -> Appended:
        """Append one or more whole, verified batches. Stamps base offsets and leader epoch into `data` itself.

        Raises WireError, and nothing has changed, where `data` is not whole batches; LogError where the
        disk fails or the partition is read-only already.
        """
        with self._appending:
            self._read_only.check()
            placed, last_offset = self._stamp(data)
            markers = {at: read_marker(data, at, header) for at, header, _ in placed if header.is_control}
            rolled = self._roll_if_due(len(data), last_offset, now_us)
            segment = self._segments.active
            start = segment.size
            try:
                write_whole(segment.opened().log, data, start)
            except OSError as error:
                raise self._cut_back(segment, error) from error
            for position, header, offset in placed:
                ended = segment.note(start + position, header, offset, markers.get(position))
                if ended is not None:
                    self._ended.append(ended)
                    self.has_aborted = self.has_aborted or ended.aborted is not None
            segment.arrived(now_us, self.log_end, len(data))
            self.log_end = last_offset + 1
        newest_ms = max([header.max_timestamp for _, header, _ in placed])
        return Appended(placed[0][2], last_offset, newest_ms, rolled)

    def sync(self) -> int:
        """Bring everything appended before the call to stable storage; gives and sets `synced`.

        Callers that wait meanwhile share the next sync. Raises LogError where the disk fails: the
        partition is read-only from then on.
        """
        wanted = self.log_end
        with self._syncing:
            if self.synced < wanted:
                self._sync(checkpoint_bytes=self.settings.checkpoint_bytes)
            return self.synced

    def resume(self) -> bool:
        """Where the disk was full: take appends again if there is space by now; whether it does. Blocks.

        What had been appended and not acknowledged is synced then, and may be read.
        """
        with self._syncing:
            if not self.is_full:
                return False
            try:
                self._try_space(self._segments.active)
                if self._wants_segment:
                    with self._appending:
                        self._begin_segment()
            except OSError as error:
                self._read_only.failed("looking for space", error)
                return False
            if not self._read_only.lift():
                return False
            try:
                self._sync(checkpoint_bytes=self.settings.checkpoint_bytes)
            except LogError:
                return False
            return True

    def close(self, *, clean: bool = True) -> None:
        """Let go of all files; `clean` syncs before, so that the next start has nothing to scan.

        Raises LogError where that fails, or did before: then the stop was not clean.
        """
        with self._syncing:
            try:
                if clean:
                    self._sync(checkpoint_bytes=0)
                    self._sync_names()
            finally:
                self._let_go("is closed")

    def delete(self) -> None:
        """Let go of all files and sync nothing: the topic is about to go (`Catalog.delete`)."""
        with self._syncing:
            self._let_go("is deleted")

    # ------------------------------------------------------------------ transactions

    @property
    def open_transactions(self) -> tuple[OpenTransaction, ...]:
        """Transactions that have begun here and not ended, the oldest first."""
        return self._segments.active.transactions.all if self._segments.all else ()

    def open_transaction(self, producer_id: int) -> OpenTransaction | None:
        """The transaction of a producer, where one has begun here and not ended."""
        return self._segments.active.transactions.of(producer_id) if self._segments.all else None

    def stable_offset(self, upto: int) -> int:
        """First offset of the oldest transaction that has not ended below `upto`; `upto` where there is none.

        `upto` grows from call to call. Belongs to the thread that appends.
        """
        while self._ended and self._ended[0].last_offset < upto:
            self._ended.popleft()
        first = self._segments.active.transactions.first_offset if self._segments.all else None
        if first is None and not self._ended:
            return upto
        firsts = [each.first_offset for each in self._ended]
        return max(min([upto, *firsts, upto if first is None else first]), self.log_start)

    # ------------------------------------------------------------------ within

    def _stamp(self, data: bytearray | memoryview) -> tuple[list[tuple[int, BatchHeader, int]], int]:
        """Give each batch its offset and epoch: position, header as it came, base offset of each; the last offset."""
        offset, epoch, placed = self.log_end, self._state.leader_epoch, []
        for position, header in batches(data):
            stamp(data, position, offset, epoch)
            placed.append((position, header, offset))
            offset += header.last_offset_delta + 1
        return placed, offset - 1

    def _roll_if_due(self, size: int, last_offset: int, now_us: int) -> bool:
        active = self._segments.active
        if active.size == 0:
            active.began_us = now_us
            return False
        is_full = active.size + size > self.settings.segment_bytes or last_offset - active.base > _MAX_RELATIVE_OFFSET
        if not is_full and now_us - active.began_us < self.settings.segment_us:
            return False
        self._roll(now_us)
        return True

    def _roll(self, now_us: int) -> None:
        self._wants_segment = True
        try:
            self._begin_segment(now_us)
        except OSError as error:
            raise self._read_only.failed("beginning a segment", error) from error

    def _begin_segment(self, now_us: int = 0) -> None:
        """The next append tells when it was begun, where that is not known yet."""
        following = Segment(self._disk, self._directory, self.log_end, index_bytes=self.settings.index_bytes)
        following.create()
        following.began_us = now_us
        following.follow(self._segments.active.transactions.all)
        self._new_names.append(self._directory)
        self._segments.add(following)
        self._wants_segment = False

    def _cut_back(self, segment: Segment, error: OSError) -> LogError:
        """After a write that failed: leave whole batches behind. Where even that fails, the next opening cuts."""
        try:
            segment.opened().log.truncate(segment.size)
        except OSError as second:
            failed = self._read_only.failed("an append", error, for_good=True)
            failed.add_note(f"what it wrote could not be cut off: {second}")
            return failed
        return self._read_only.failed("an append", error)

    def _sync(self, *, checkpoint_bytes: int) -> None:
        with self._appending:
            self._read_only.check()
            target, active, mark = self.log_end, self._segments.active, self._mark
            sealing = [(segment, segment.snapshot()) for segment in self._segments.unsealed()]
            log, unsaved_bytes = active.opened().log, active.size - active.meta.bytes
            checkpoint = active.snapshot() if unsaved_bytes and unsaved_bytes >= checkpoint_bytes else None
            new_names, self._new_names = self._new_names, []
        try:
            for segment, _ in sealing:
                sync_file(segment.opened().log)
            sync_file(log)
            for directory in dict.fromkeys(new_names):
                sync_names(self._disk, directory)
            # after the names: the word of a meta counts only while all segments before it are there
            self._seal(sealing)
            if checkpoint is not None:
                active.save(checkpoint)
            mark.write(target)
        except OSError as error:
            with self._appending:
                self._new_names = [*new_names, *self._new_names]
            raise self._read_only.failed("a sync", error) from error
        self.synced = target

    def _seal(self, sealing: Sequence[tuple[Segment, SegmentMeta]]) -> None:
        for segment, snapshot in sealing:
            segment.save(snapshot)
            segment.sealed = True
        if sealing:
            sync_names(self._disk, self._directory)

    def _sync_names(self) -> None:
        try:
            sync_names(self._disk, self._directory)
        except OSError as error:
            raise self._read_only.failed("a sync", error) from error

    def _try_space(self, active: Segment) -> None:
        """Write beyond the end of the log, and cut that off again together with what a failed append left there."""
        log = active.opened().log
        try:
            write_whole(log, bytes(_SPACE_BYTES), active.size)
        finally:
            log.truncate(active.size)
