"""Moves the start of a partition's log, for who deletes records and by retention: how a full disk gets space."""

from tivo.log.appending import Appending
from tivo.log.disk import lacks_space, sync_names
from tivo.log.retention import Kept, is_over, retained_from
from tivo.log.segment import Segment
from tivo.model.errors import LogError, OffsetOutOfRange


class LogStart(Appending):
    """The start of a log, which moves on; on worker threads."""

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

    # ------------------------------------------------------------------ within

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
        and another one before that has not. The mark is durable before: it may be all that tells the next opening
        that those which are left were synced.
        """
        self._mark.sync()
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
