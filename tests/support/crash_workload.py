"""A life of a data directory: topics come and go, records are appended and synced, processes stop and start again.

Everything a client would have been told is noted in the disk's trace, at its moment.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.batches import batch, values_of
from tests.support.crash_disk import MemoryDisk, Note, Step
from tests.support.history import Entry, Findings, check
from tivo.log.catalog import Catalog
from tivo.log.disk import Disk
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings

ROOT = Path("/data")
SETTINGS = LogSettings(segment_bytes=6_000, checkpoint_bytes=2_500, index_bytes=500)
TOPICS = ("quakes", "ships")


class Sent(NamedTuple):
    """A record is about to be appended, or was: with an offset it is acknowledged."""

    topic: str
    id: str
    offset: int | None = None


class Moved(NamedTuple):
    """The start of a log is about to move, or has."""

    topic: str
    log_start: int
    done: bool


class Topics(NamedTuple):
    """A topic is about to be made or deleted, or was."""

    topic: str
    exists: bool
    done: bool


@dataclass(slots=True)
class Server:
    """As a broker holds a data directory."""

    disk: Disk
    catalog: Catalog = field(init=False)
    partitions: dict[str, Partition] = field(init=False)

    def start(self) -> None:
        self.catalog = Catalog.open(ROOT, disk=self.disk)
        self.partitions = {topic.name: self.open(topic.name) for topic in self.catalog.topics()}

    def open(self, name: str) -> Partition:
        topic = self.catalog.get(name)
        return Partition.open(
            self.catalog.directory(topic, 0),
            topic=name,
            partition=0,
            settings=SETTINGS,
            clean=self.catalog.was_clean,
            disk=self.disk,
        )

    def stop(self) -> None:
        for partition in self.partitions.values():
            partition.close()
        self.catalog.close(clean=True)


@dataclass(slots=True)
class Workload:
    """`early`: acknowledges before it writes, as a broken broker would."""

    disk: MemoryDisk
    dice: random.Random
    early: bool = False
    server: Server = field(init=False)
    unsynced: dict[str, list[Sent]] = field(default_factory=dict)
    sent: int = 0

    def run(self, steps: int) -> None:
        self.server = Server(self.disk)
        self.server.start()
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        name = self.dice.choice(TOPICS)
        match self.dice.choices(("append", "sync", "trim", "drop", "stop", "kill"), (60, 25, 3, 0.3, 0.7, 1.5))[0]:
            case "append":
                self.append(name)
            case "sync":
                self.sync(name)
            case "trim":
                self.trim(name)
            case "drop":
                self.drop(name)
            case "stop":
                for topic in TOPICS:
                    self.sync(topic)
                self.server.stop()
                self.server.start()
            case "kill":
                self.unsynced = {}
                self.server.start()

    def partition(self, name: str) -> Partition:
        if name not in self.server.partitions:
            self.disk.note(Topics(name, exists=True, done=False))
            self.server.catalog.create(name, 1)
            self.disk.note(Topics(name, exists=True, done=True))
            self.server.partitions[name] = self.server.open(name)
        return self.server.partitions[name]

    def append(self, name: str) -> None:
        partition = self.partition(name)
        ids = [f"{self.sent + n:06d}" for n in range(self.dice.randint(1, 3))]
        self.sent += len(ids)
        for at, identifier in enumerate(ids):
            self.disk.note(Sent(name, identifier, partition.log_end + at if self.early else None))
        filling = b"." * self.dice.choice((0, 50, 1_500))
        appended = partition.append(batch(*(identifier.encode() + filling for identifier in ids)), now_us=1)
        acknowledged = [Sent(name, identifier, appended.base_offset + at) for at, identifier in enumerate(ids)]
        self.unsynced.setdefault(name, []).extend(acknowledged)

    def sync(self, name: str) -> None:
        if name in self.server.partitions:
            self.server.partitions[name].sync()
            for acknowledged in self.unsynced.pop(name, []):
                self.disk.note(acknowledged)

    def trim(self, name: str) -> None:
        partition = self.partition(name)
        start = min(partition.log_start + self.dice.randrange(20), partition.log_end)
        self.disk.note(Moved(name, start, done=False))
        partition.truncate_before(start)
        self.disk.note(Moved(name, partition.log_start, done=True))

    def drop(self, name: str) -> None:
        if name in self.server.partitions:
            self.unsynced.pop(name, None)
            self.disk.note(Topics(name, exists=False, done=False))
            self.server.partitions.pop(name).delete()
            self.server.catalog.delete(name)
            self.disk.note(Topics(name, exists=False, done=True))


@dataclass(slots=True)
class Known:
    """What clients had been told when the power went."""

    exists: bool | None = False  # None: it was being made or deleted
    sends: dict[str, Sent] = field(default_factory=dict)
    least_start: int = 0
    most_start: int = 0


def known(trace: list[Step]) -> dict[str, Known]:
    topics = {name: Known() for name in TOPICS}
    for note in trace:
        match note:
            case Note(what=Sent(topic=name) as sent):
                topics[name].sends[sent.id] = sent
            case Note(what=Moved(topic=name, log_start=start, done=done)):
                topics[name].most_start = max(topics[name].most_start, start)
                topics[name].least_start = start if done else topics[name].least_start
            case Note(what=Topics(topic=name, exists=exists, done=True)):
                topics[name] = topics[name] if exists else Known()
                topics[name].exists = exists
            case Note(what=Topics(topic=name)):
                topics[name].exists = None
    return topics


def judge(trace: list[Step], disk: Disk) -> Findings:
    """Start a server on what is left of a disk, read everything back and compare it with what clients were told."""
    server = Server(disk)
    server.start()
    found = {topic.name for topic in server.catalog.topics()}
    findings = Findings()
    for name, told in known(trace).items():
        if told.exists is not None and told.exists != (name in found):
            findings.lost.append(f"topic {name} should{'' if told.exists else ' not'} exist")
        if name in found and told.exists is not None:
            _judge_partition(name, told, server.partitions[name], findings)
    return findings


def _judge_partition(name: str, told: Known, partition: Partition, findings: Findings) -> None:
    if not told.least_start <= partition.log_start <= told.most_start:
        findings.moved.append(f"{name} starts at {partition.log_start}, not {told.least_start} to {told.most_start}")
    partition.append(batch(b"after"), now_us=2)
    entries = [
        Entry(number, "producer", "send", sent.id, name, sent.offset, "unknown" if sent.offset is None else "ok")
        for number, sent in enumerate(told.sends.values())
    ]
    reads = [Entry(0, "reader", "read", value, name, offset) for offset, value in read_all(partition)]
    if not reads or reads[-1].id != "after":
        findings.lost.append(f"{name}: what was appended after the start")
    found = check([*entries, *reads[:-1]], log_starts={name: partition.log_start})
    for kind in found.kinds:
        getattr(findings, kind).extend(getattr(found, kind))


def read_all(partition: Partition) -> Iterator[tuple[int, str]]:
    """Offset and id of every record from the start of the log on."""
    offset = partition.log_start
    while offset < partition.log_end:
        data = partition.read(offset, max_bytes=4_000, upto=partition.log_end)
        if not data:
            return
        values = values_of(data)
        yield from ((at, value[:6].decode("ascii", "replace")) for at, value in values.items() if at >= offset)
        offset = max(values) + 1
