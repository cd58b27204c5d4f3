"""A life of the journal in which a broker keeps committed offsets: commits, shortenings, syncs, stops, kills, starts.

What was committed, and what a client would have been told, is noted in the disk's trace, at its moment.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tests.support.broker import ENDPOINT, BrokerBench, ManualRuntime
from tests.support.crash_disk import MemoryDisk, Note, Step
from tests.support.faulty_disk import FaultyDisk
from tivo.broker.assembly import JOURNAL_TOPIC, assemble
from tivo.broker.offsets import Committed, OffsetRecord
from tivo.broker.options import BrokerOptions
from tivo.log.catalog import Catalog
from tivo.log.flusher import FlushMode
from tivo.model.errors import LogError

ROOT = Path("/data")
PARTITIONS = 60
METADATA = "x" * 4_000
"""What is live is so much that a start is shortened sooner than a journal that is at work, and both happen often."""
INTERVAL_MS = 1_000

State: TypeAlias = dict[int, int]


class Begun(NamedTuple):
    """Commit `number` is about to be appended: it sets these partitions to its number."""

    number: int
    partitions: tuple[int, ...]


class Told(NamedTuple):
    """The client was told that commit `number` is kept."""

    number: int


class Synced(NamedTuple):
    """Commit `number`, and all before it, is on stable storage."""

    number: int


def started(disk: MemoryDisk, data: Path, flush: FlushMode) -> BrokerBench:
    """A broker on a disk in memory; `data` is a real directory for what it keeps beside the log."""
    runtime = ManualRuntime()
    catalog = Catalog.open(ROOT, disk=disk)
    options = BrokerOptions(data=data, flush=flush, flush_interval_ms=INTERVAL_MS)
    broker = assemble(options, catalog, runtime, endpoints=(ENDPOINT,), disk=disk)
    return BrokerBench(broker, runtime, catalog, FaultyDisk())


def kept(bench: BrokerBench) -> State:
    """Partition → committed offset, as the broker knows it."""
    return {
        record.partition: record.committed.offset for record in bench.broker.coordinator.offsets if record.committed
    }


@dataclass(slots=True)
class Workload:
    disk: MemoryDisk
    dice: random.Random
    data: Path
    flush: FlushMode
    bench: BrokerBench = field(init=False)
    ends: list[int] = field(default_factory=list)

    def run(self, steps: int) -> None:
        self.start()
        for _ in range(steps):
            match self.dice.choices(("commit", "work", "wait", "stop", "kill"), (50, 30, 10, 4, 6))[0]:
                case "commit":
                    self.commit()
                case "work":
                    self.bench.runtime.work()
                case "wait":
                    self.bench.runtime.forward(INTERVAL_MS * 1_000)
                    self.bench.runtime.work()
                case "stop":
                    self.stop()
                    self.start()
                case "kill":
                    self.start()
            self.note_synced()

    def start(self) -> None:
        """What is left of a process that was killed does nothing more."""
        self.bench = started(self.disk, self.data, self.flush)

    def stop(self) -> None:
        self.bench.runtime.work()
        for leader in self.bench.broker.topics.leaders():
            leader.close()
        self.bench.catalog.close(clean=True)

    def commit(self) -> None:
        number = len(self.ends) + 1
        partitions = tuple(sorted(self.dice.sample(range(PARTITIONS), self.dice.randint(1, PARTITIONS))))
        self.disk.note(Begun(number, partitions))
        log = self.bench.leader(JOURNAL_TOPIC).log
        records = [OffsetRecord("g", JOURNAL_TOPIC, each, Committed(number, -1, METADATA, 0)) for each in partitions]

        def tell(error: LogError | None) -> None:
            assert error is None, error
            self.disk.note(Told(number))

        self.ends.append(log.log_end + len(records))
        self.bench.broker.coordinator.commit(records, tell)

    def note_synced(self) -> None:
        synced = self.bench.leader(JOURNAL_TOPIC).log.synced
        number = sum(end <= synced for end in self.ends)
        if number:
            self.disk.note(Synced(number))


def judge(trace: Iterable[Step], bench: BrokerBench, *, least: type[Told] | type[Synced]) -> str:
    """What is wrong with the offsets that a broker found: they are those of some commit, the last `least` or later."""
    states: list[State] = [{}]
    known = 0
    for note in trace:
        match note:
            case Note(what=Begun(number=number, partitions=partitions)):
                states.append(states[-1] | dict.fromkeys(partitions, number))
            case Note(what=Told() | Synced() as what) if isinstance(what, least):
                known = max(known, what.number)
    found = kept(bench)
    if found in states[known:]:
        return ""
    return (
        f"lost: {found} is of none of the commits {known} to {len(states) - 1}, the first of which is {states[known]}"
    )
