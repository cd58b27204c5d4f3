"""Lets cleaned segments take the place of those they were made of, beside all else that goes on in a log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tivo.log import swap
from tivo.log.cleaner import Cleaner, Rest
from tivo.log.compaction import Plan, Sealed, plan
from tivo.log.disk import SyncFailed
from tivo.log.held import Held
from tivo.log.segment import Segment
from tivo.log.sieve import Sieve
from tivo.model.errors import LogError


class Replacing(Held):
    """The midst of a log, which is cleaned (`compactor.py`); on a worker thread."""

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

    def _hold(self, replaced: Sequence[Segment]) -> None:
        """Hold segments open for those who read them, before others have their names. Raises LogError, OSError."""
        self._read_only.check()
        if any(segment not in self._segments.all for segment in replaced):
            raise LogError(f"{self.name}: what was cleaned has gone meanwhile")
        for segment in replaced:
            segment.let_replace()


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
