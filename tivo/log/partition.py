"""One partition's log: appended to, synced, read, and cut at its start.

Threads. One thread appends. Any thread may read. `sync`, `truncate_before`, `enforce_retention`, `close` and
`delete` block on the disk and belong on worker threads; they wait for each other, and an append never waits for
their disk. `synced` and `log_end` may be read at any time. A cleaning (`compactor.py`) goes on beside all of them
and lets go when the log is to be let go. Locks are taken in this order: `_syncing`, `_cleaning`, `_changing_state`,
`_appending`.

Files are found by name, and a topic made anew has the names of the one before. So once `close` or `delete` has
returned, nothing is written any more.

The promise. When `sync` has returned, everything below what it returned is on stable storage, names of
files included. An append is one write of the client's bytes. After a write or a sync that failed, the
partition takes nothing more and acknowledges nothing more until it is opened anew; a failed sync is never
tried again, for the second try may succeed without having written anything. Reads go on. Only a disk that
was full, and lost nothing that it had taken, is tried again without: see `resume`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock
from typing import NamedTuple, TypeVar

import msgspec

from tivo.log import swap
from tivo.log.cleaner import Cleaner, Rest
from tivo.log.compaction import Plan, Sealed, plan
from tivo.log.disk import Disk, OsDisk, SyncFailed, lacks_space, sync_file, sync_names, write_whole
from tivo.log.meta import Damage, write_checked
from tivo.log.read_only import ReadOnly
from tivo.log.recovery import STATE, Recovered, Recovery
from tivo.log.retention import Kept, is_over, retained_from
from tivo.log.scan import DamagedBatch
from tivo.log.segment import EMPTY, Segment
from tivo.log.segments import Segments
from tivo.log.settings import LogSettings
from tivo.log.sieve import Sieve
from tivo.log.transactions import Aborted, Ended, OpenTransaction, aborted_within
from tivo.model.errors import LogError, OffsetOutOfRange
from tivo.wire.control import read_marker
from tivo.wire.record_batch import BatchHeader, batches, stamp

_MAX_RELATIVE_OFFSET = (1 << 31) - 1

_SPACE_BYTES = 256 << 10
"""So much must fit on a disk that was full before it is written to again."""

T = TypeVar("T")


class Appended(NamedTuple):
    """Where an append came to lie. `rolled`: it began a new segment, and the one before waits to be sealed."""

    base_offset: int
    last_offset: int
    max_time_ms: int
    rolled: bool


class Partition:
    """The log of one partition. Made by `open`."""

    def __init__(
        self, name: str, directory: Path, recovered: Recovered, *, settings: LogSettings, disk: Disk, is_new: bool
    ) -> None:
        self.name = name
        self.settings = settings
        self.was_clean = recovered.was_clean
        self.cut_bytes = recovered.cut_bytes
        self.log_start = recovered.state.log_start
        self.log_end = recovered.segments[-1].next_offset
        self.synced = self.log_end
        self._read_only = ReadOnly(name)
        self._wants_segment = False  # a new one could not be begun
        self._directory = directory
        self._disk = disk
        self._state = recovered.state
        self._mark = recovered.mark
        self._segments = Segments(recovered.segments)
        self.has_aborted = any(segment.aborted for segment in recovered.segments)
        self._ended: deque[Ended] = deque()  # transactions whose markers were not yet below what is asked for
        self._new_names = [directory] if recovered.was_clean and not is_new else [directory, directory.parent]
        self._appending = Lock()
        self._syncing = Lock()
        self._changing_state = Lock()
        self._cleaning = Lock()
        self._leaving = Event()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        topic: str,
        partition: int,
        settings: LogSettings,
        clean: bool,
        disk: Disk | None = None,
    ) -> "Partition":
        """Open a partition, made where there is none. `clean`: see `Catalog.was_clean`.

        Raises LogError where the disk fails. Damage is no error: it is set aside and told in `damage`.
        """
        disk = disk or OsDisk()
        name = f"{topic}-{partition}"
        is_new = not disk.exists(directory)
        try:
            if is_new:
                disk.mkdir(directory)
            recovered = Recovery(disk, directory, settings=settings).run(clean=clean or is_new)
        except OSError as error:
            raise LogError(f"{name}: cannot open its log: {error}") from error
        return cls(name, directory, recovered, settings=settings, disk=disk, is_new=is_new)

    # ------------------------------------------------------------------ what it is

    @property
    def read_only(self) -> LogError | None:
        """Why nothing is taken any more; None while it is."""
        return self._read_only.why

    @property
    def is_full(self) -> bool:
        """Whether it is read-only for want of space alone."""
        return self._read_only.is_full

    @property
    def leader_epoch(self) -> int:
        return self._state.leader_epoch

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What was found damaged, and is skipped."""
        return self._state.damage

    @property
    def segments(self) -> int:
        return len(self._segments.all)

    @property
    def size_bytes(self) -> int:
        return self._segments.size_bytes

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

    def epoch_end(self, epoch: int) -> tuple[int, int]:
        """For OffsetForLeaderEpoch (KIP-101): the newest leader epoch up to `epoch`, and the offset behind its last
        record; (-1, -1) for an epoch that has not been."""
        return self._state.epoch_end(epoch, self.log_end)

    # ------------------------------------------------------------------ writing

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

    # ------------------------------------------------------------------ reading

    def read(self, offset: int, *, max_bytes: int, upto: int) -> memoryview:
        """Whole batches below `upto`, from the one that holds `offset`; empty at `upto`.

        The first batch comes even where it is larger than `max_bytes`. Every CRC is checked. Damage is
        set aside, and the batches behind it come. Raises OffsetOutOfRange below `log_start` or above `upto`.
        """
        if not self.log_start <= offset <= upto:
            raise OffsetOutOfRange(self.name, offset, log_start=self.log_start, log_end=upto)
        for segment in self._from(offset):
            found = self._read(segment, lambda held: held.read(offset, max_bytes=max_bytes, upto=upto))
            if found or segment.next_offset >= upto:
                return found
        return EMPTY

    def aborted(self, offset: int, upto: int) -> list[Aborted]:
        """The aborted transactions that reach into offsets from `offset` to before `upto`, in the order of their ends.

        All of them that have ended; what is open at `upto` must not be read as committed.
        """
        found: list[Aborted] = []
        for segment in self._from(offset):
            if segment.aborted:
                some, are_all = self._read(segment, lambda held: aborted_within(held.opened().aborted, offset, upto))
                found += some
                if are_all:
                    break
        return found

    def offset_for_time(self, time_ms: int) -> tuple[int, int] | None:
        """Time and offset of the first record whose time is at or after `time_ms`; None where there is none."""
        start = self.log_start
        for segment in self._from(start):
            found = self._read(segment, lambda held: held.first_at(time_ms, from_offset=start))
            if found is not None:
                return found
        return None

    def max_time(self) -> tuple[int, int] | None:
        """Time and offset of the newest record, the first of them where several are; None where there is none."""
        newest_ms = max(
            (segment.max_time_ms for segment in self._from(self.log_start) if segment.records), default=None
        )
        return None if newest_ms is None else self.offset_for_time(newest_ms)

    def headers(self, from_offset: int) -> Iterator[BatchHeader]:
        """The headers of all good batches from the one that holds an offset on, as far as they are synced or not."""
        offset = max(from_offset, self.log_start)
        for segment in self._from(offset):
            is_whole = False
            while not is_whole:
                try:
                    for found in segment.scan(*segment.locate(offset)):
                        yield found.header
                        offset = found.header.last_offset + 1
                    is_whole = True
                except DamagedBatch as damaged:
                    self.set_aside(segment, damaged)
                except OSError as error:
                    raise self._unreadable(error) from error

    # ------------------------------------------------------------------ the start of the log

    def truncate_before(self, offset: int) -> int:
        """Let the log start at `offset`, durably, and remove segments that lie before it whole; gives how many.

        Raises OffsetOutOfRange beyond the end of the log, LogError where the disk fails. One that is full gets
        space by it: segments go that were synced, even where LogError is raised for the rest.
        """
        if offset > self.log_end:
            raise OffsetOutOfRange(self.name, offset, log_start=self.log_start, log_end=self.log_end)
        with self._syncing:
            if offset <= self.log_start:
                return 0
            if not self.is_full:
                self._read_only.check()
                if self.synced < offset:
                    self._sync(checkpoint_bytes=self.settings.checkpoint_bytes)
            dropped = self._start_at(min(offset, self.synced))
            if self.log_start < offset:
                self._read_only.check()
            return dropped

    def enforce_retention(self, *, now_us: int) -> int:
        """Remove the segments whose time is over; gives how many. Raises LogError where the disk fails.

        Call it now and then: it also seals the active segment when its time is over and nothing more comes.
        """
        try:
            self._roll_if_over(now_us)
        except LogError:
            if not self.is_full:  # else old segments go all the more
                raise
        sealed = [_kept(segment) for segment in self._segments.all if segment.sealed]
        start = retained_from(
            sealed,
            log_start=self.log_start,
            log_bytes=self.size_bytes,
            now_us=now_us,
            settings=self.settings,
        )
        return self.truncate_before(start)

    # ------------------------------------------------------------------ arrival

    def arrived_us(self, offset: int) -> int | None:
        """Wall time by which the record at an offset had come, early by 10 ms or 64 KiB at most; None if unknown."""
        segment = self._from(offset)[0]
        return self._read(segment, lambda held: held.arrived_us(offset))

    def before_arrival(self, time_us: int) -> int:
        """An offset before which all had come when it was `time_us`: the last such, or 10 ms or 64 KiB before it."""
        for segment in self._from(self.log_start):
            if segment.appended_us >= time_us:
                return max(self._read(segment, lambda held: held.before_arrival(time_us)), self.log_start)
        return self.log_end

    # ------------------------------------------------------------------ compaction

    def cleaning_plan(self, *, upto: int, now_us: int) -> Plan | None:
        """What of the log would be cleaned now (see `plan`); None where that is nothing."""
        if self.settings.compaction is None or self.read_only is not None:
            return None
        sealed = [_sealed(segment) for segment in self._segments.all if segment.sealed]
        dirty_from = max(self._state.cleaned_to, self.log_start)
        return plan(sealed, dirty_from=dirty_from, upto=upto, now_us=now_us, settings=self.settings.compaction)

    @contextmanager
    def cleaning(self, cleaning_plan: Plan) -> Iterator[list[Segment]]:
        """The segments of a plan, for one cleaning at a time; `close` and `delete` wait for it to end."""
        bases = {segment.base for segment in cleaning_plan.segments}
        with self._cleaning:
            yield [segment for segment in self._segments.all if segment.sealed and segment.base in bases]

    def cleaner(self, sieve: Sieve, rest: Rest) -> Cleaner:
        return Cleaner(self._disk, self._directory, sieve, index_bytes=self.settings.index_bytes, rest=rest)

    def pause(self, seconds: float) -> None:
        """Let others work. Raises LogError where the log is about to be let go."""
        if self._leaving.wait(seconds):
            raise LogError(f"{self.name} is let go")

    def replace(self, replaced: Sequence[Segment], cleaned: Segment) -> None:
        """Let a cleaned segment take the place of those it was made of. Readers in the midst of them go on undisturbed.

        Raises LogError, and nothing has changed, where some of them went meanwhile; or where the disk fails: the
        partition is read-only then, and the next opening makes either of the two whole.
        """
        with self._changing_state:
            try:
                self._hold(replaced)
            except BaseException:
                for segment in replaced:
                    segment.is_replaced = False
                with suppress(OSError):  # the next cleaning does it, or the next opening
                    cleaned.remove()
                raise
            place = (self._disk, self._directory, cleaned.base, cleaned.next_offset)
            try:
                swap.commit(*place)
                swap.finish(*place)
            except OSError as error:
                half_done = SyncFailed(*error.args)  # even where the disk was full: a new opening has to settle it
                raise self._read_only.failed("putting a cleaned segment in its place", half_done) from error
            cleaned.renamed()
            with self._appending:
                self._segments.replace(replaced, cleaned)

    def note_cleaned(self, upto: int) -> None:
        """All below an offset is clean. Raises LogError, and the next cleaning does it again, where the disk fails."""
        with self._changing_state:
            try:
                self._change_state(cleaned_to=upto)
            except OSError as error:
                raise LogError(f"{self.name}: cannot note what is clean: {error}") from error

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

    def _roll_if_over(self, now_us: int) -> None:
        with self._syncing:
            with self._appending:
                if self.read_only is not None or self._segments.active.size == 0:
                    return
                active = self._segments.active
                if not is_over(_kept(active), began_us=active.began_us, now_us=now_us, settings=self.settings):
                    return
                self._roll(now_us)
            self._sync(checkpoint_bytes=self.settings.checkpoint_bytes)

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
            for segment, snapshot in sealing:
                sync_file(segment.opened().log)
                segment.save(snapshot)
                segment.sealed = True
            sync_file(log)
            if sealing:
                new_names.append(self._directory)
            for directory in dict.fromkeys(new_names):
                sync_names(self._disk, directory)
            if checkpoint is not None:  # after the names: its word counts only while all segments before it are there
                active.save(checkpoint)
            mark.write(target)
        except OSError as error:
            with self._appending:
                self._new_names = [*new_names, *self._new_names]
            raise self._read_only.failed("a sync", error) from error
        self.synced = target

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

    def _hold(self, replaced: Sequence[Segment]) -> None:
        """Hold segments open for those who read them, before others have their names. Raises LogError, OSError."""
        self._read_only.check()
        if any(segment not in self._segments.all for segment in replaced):
            raise LogError(f"{self.name}: what was cleaned has gone meanwhile")
        for segment in replaced:
            segment.let_replace()

    def _let_go(self, why: str) -> None:
        """The files close when the last reader is done with them."""
        self._leaving.set()
        with self._cleaning, self._changing_state, self._appending:
            self._read_only.end(why)
            self._segments.clear()

    def _from(self, offset: int) -> tuple[Segment, ...]:
        """The segments from the one on that holds an offset. Raises LogError where the log is closed."""
        segments = self._segments.at_or_after(offset)
        if not segments:
            raise LogError(str(self.read_only))
        return segments

    def _read(self, segment: Segment, read: Callable[[Segment], T]) -> T:
        """Read from a segment, past damage that was not known before."""
        self._segments.use(segment)
        while True:
            try:
                return read(segment)
            except DamagedBatch as damaged:
                self.set_aside(segment, damaged)
            except OSError as error:
                raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> LogError:
        return LogError(f"{self.name}: cannot read its log: {error}")

    def set_aside(self, segment: Segment, damaged: DamagedBatch) -> None:
        """Skip a batch of a segment from now on, and write that down. Raises LogError where it cannot be looked at."""
        with self._changing_state:
            self._from(damaged.offset)  # raises where the log was let go since the read began
            with self._appending:
                end, next_offset = segment.size, segment.next_offset
            known = segment.damage.get(damaged.position)
            if known is not None and known.next_offset > damaged.offset:
                return  # another reader was here first
            try:
                damage = segment.set_aside(damaged, end=end, next_offset=next_offset)
            except OSError as error:  # or its file has gone with the segment
                raise self._unreadable(error) from error
            if segment.is_replaced:
                return  # it is read to its end by those who are at it, and is gone then
            try:
                self._change_state(damage=(*self.damage, damage))
            except OSError as error:
                self._read_only.failed("writing down damage", error)

    def _change_state(
        self,
        *,
        log_start: int | None = None,
        damage: tuple[Damage, ...] | None = None,
        cleaned_to: int | None = None,
    ) -> None:
        """Write down, durably, where the log starts, what of it is damaged, and up to where it is cleaned."""
        start = self.log_start if log_start is None else log_start
        state = msgspec.structs.replace(
            self._state,
            log_start=start,
            damage=tuple(one for one in (damage or self.damage) if one.next_offset > start),
            cleaned_to=self._state.cleaned_to if cleaned_to is None else cleaned_to,
        )
        write_checked(self._disk, self._directory / STATE, state)
        sync_names(self._disk, self._directory)
        self._state = state
        self.log_start = start

    def _start_at(self, offset: int) -> int:
        try:
            with self._changing_state:
                try:
                    self._change_state(log_start=offset)
                except OSError as error:
                    if not lacks_space(error):
                        raise
                    dropped = self._make_room(offset)
                    self._change_state(log_start=offset)
                    return dropped
                return self._drop_before(offset)
        except OSError as error:
            raise self._read_only.failed("moving the start of the log", error) from error

    def _make_room(self, offset: int) -> int:
        """Drop segments before it is written down where the log starts: at the first of them that is left.

        So the next opening takes it, and so they go one by one: none may be left of which an older one has gone,
        and another one before that has not.
        """
        first = self._segments.at_or_after(offset)[0].base
        self.log_start = max(self.log_start, first)
        return self._drop_before(offset, one_by_one=True)

    def _drop_before(self, offset: int, *, one_by_one: bool = False) -> int:
        with self._appending:
            dropped = self._segments.drop_before(offset)
        for segment in dropped:
            segment.remove()
            if one_by_one:
                sync_names(self._disk, self._directory)
        return len(dropped)


def _kept(segment: Segment) -> Kept:
    return Kept(segment.next_offset, segment.size, segment.appended_us, segment.newest_us)


def _sealed(segment: Segment) -> Sealed:
    return Sealed(
        segment.base,
        segment.next_offset,
        segment.size,
        segment.records,
        segment.began_us,
        segment.appended_us,
        bool(segment.damage),
    )
