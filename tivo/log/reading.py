"""Reads a partition's log: by offset, by time, by arrival, past whatever is damaged. On any thread."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from tivo.log.held import Held
from tivo.log.scan import DamagedBatch
from tivo.log.segment import EMPTY, Segment
from tivo.log.transactions import Aborted, aborted_within
from tivo.model.errors import OffsetOutOfRange
from tivo.wire.record_batch import BatchHeader

T = TypeVar("T")


class Reading(Held):
    """What of a log can be read, and where it lies."""

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

    # ------------------------------------------------------------------ time

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

    # ------------------------------------------------------------------ within

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
