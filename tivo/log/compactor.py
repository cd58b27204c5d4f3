"""One cleaning of a compacted partition, from the plan to what is written down of it. Blocks long, on a worker thread.

Group after group, the oldest first, is rewritten and takes its place; only then what was cleaned is noted. A crash in
between leaves some groups clean and some not, which is what any cleaning begins with.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from tivo.log.cleaner import Cleaned, map_keys
from tivo.log.compaction import Plan, groups
from tivo.log.partition import Partition
from tivo.log.scan import DamagedBatch
from tivo.log.segment import Segment
from tivo.log.settings import Compaction
from tivo.log.sieve import AbortedRecords, Sieve
from tivo.model.errors import LogError
from tivo.model.timeline import to_kafka_ms

REST_AFTER_RECORDS = 500
REST_SECONDS = 0.002
"""About as long as so many records take: half of the time the process is left to others."""


class Compacted(NamedTuple):
    """What a cleaning took out, and the offset up to which the log is clean."""

    records: int
    bytes: int
    upto: int


def compact(
    log: Partition, plan: Plan, *, last_batches: Collection[int], now_us: int, rest_seconds: float = REST_SECONDS
) -> Compacted:
    """Clean what a plan says, as far as it is still there. `last_batches`: base offsets of each producer's last batch.

    Raises LogError where the log is let go meanwhile, where damage is met (it is set aside, the next cleaning goes
    around it), or where the disk fails; what was cleaned until then stays clean.
    """
    with log.cleaning(plan) as segments:
        if not segments:  # retention, or who deleted records, came first
            return Compacted(0, 0, log.log_start)
        try:
            return _Compaction(log, plan, segments, _Rests(log, rest_seconds)).run(last_batches, now_us)
        except DamagedBatch as damaged:
            for segment in segments:
                if segment.base <= damaged.offset < segment.next_offset:
                    log.set_aside(segment, damaged)
            raise
        except OSError as error:
            raise LogError(f"{log.name}: cannot be cleaned: {error}") from error


class _Compaction(NamedTuple):
    log: Partition
    plan: Plan
    segments: list[Segment]
    rest: "_Rests"

    def run(self, last_batches: Collection[int], now_us: int) -> Compacted:
        log, plan = self.log, self.plan
        aborted = AbortedRecords(log.aborted(log.log_start, plan.end))
        mapped = map_keys(self.segments, dirty_from=plan.dirty_from, keys=plan.records, aborted=aborted, rest=self.rest)
        compaction = log.settings.compaction or Compaction()
        sieve = Sieve(
            newest=mapped.newest,
            mapped_to=mapped.upto,
            aborted=aborted,
            last_batches=last_batches,
            now_ms=to_kafka_ms(now_us),
            tombstone_ms=to_kafka_ms(compaction.tombstone_us),
        )
        cleaned = [each for each in self._rewrite(sieve) if each.is_changed]
        log.note_cleaned(mapped.upto)
        return Compacted(sum(each.records for each in cleaned), sum(each.bytes for each in cleaned), mapped.upto)

    def _rewrite(self, sieve: Sieve) -> Iterator[Cleaned]:
        """Group after group. One that would be the same again stays as it is."""
        cleaner = self.log.cleaner(sieve, self.rest)
        by_base = {segment.base: segment for segment in self.segments}
        reached = [one for one in self.plan.segments if one.base < sieve.mapped_to and one.base in by_base]
        for group in groups(reached, segment_bytes=self.log.settings.segment_bytes):
            replaced = [by_base[one.base] for one in group]
            is_behind_damage = any(one.is_damaged and one.base < group[0].base for one in self.plan.segments)
            cleaned = cleaner.clean(replaced, keeps_tombstones=is_behind_damage)
            if cleaned.is_changed:
                self.log.replace(replaced, cleaned.segment)
            else:
                cleaned.segment.remove()
            yield cleaned


class _Rests:
    """Leaves the process to others now and then."""

    def __init__(self, log: Partition, seconds: float) -> None:
        self._log = log
        self._seconds = seconds
        self._records = 0

    def __call__(self, records: int) -> None:
        self._records += records + 1
        if self._records >= REST_AFTER_RECORDS:
            self._records = 0
            self._log.pause(self._seconds)
