"""What the parts of a partition's log share: its segments, its state, its locks, and why it takes nothing more.

The locks, and the order in which they are taken, are told in `partition.py`.
"""

from collections import deque
from pathlib import Path
from threading import Event, Lock

import msgspec

from tivo.log.disk import Disk, sync_names
from tivo.log.meta import Damage, write_checked
from tivo.log.read_only import ReadOnly
from tivo.log.recovery import STATE, Recovered
from tivo.log.scan import DamagedBatch
from tivo.log.segment import Segment
from tivo.log.segments import Segments
from tivo.log.settings import LogSettings
from tivo.log.transactions import Ended
from tivo.model.errors import LogError


class Held:
    """The log of one partition as it is held open: what of it is known, what is set aside, and its end."""

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

    def epoch_end(self, epoch: int) -> tuple[int, int]:
        """For OffsetForLeaderEpoch (KIP-101): the newest leader epoch up to `epoch`, and the offset behind its last
        record; (-1, -1) for an epoch that has not been."""
        return self._state.epoch_end(epoch, self.log_end)

    # ------------------------------------------------------------------ damage

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

    # ------------------------------------------------------------------ within

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

    def _from(self, offset: int) -> tuple[Segment, ...]:
        """The segments from the one on that holds an offset. Raises LogError where the log is closed."""
        segments = self._segments.at_or_after(offset)
        if not segments:
            raise LogError(str(self.read_only))
        return segments

    def _unreadable(self, error: OSError) -> LogError:
        return LogError(f"{self.name}: cannot read its log: {error}")

    def _let_go(self, why: str) -> None:
        """The files close when the last reader is done with them."""
        self._leaving.set()
        with self._cleaning, self._changing_state, self._appending:
            self._read_only.end(why)
            self._segments.clear()
