"""A life of a data directory: topics come and go, records are appended and synced, processes stop and start again.

Everything a client would have been told is noted in the disk's trace, at its moment.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.batches import batch
from tests.support.crash_disk import MemoryDisk, Note, Step
from tests.support.history import Entry, Findings, check
from tivo.log.catalog import Catalog
from tivo.log.disk import Disk
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.log.transactions import Transactions
from tivo.wire.control import Marker, build_marker, read_marker
from tivo.wire.record_batch import TRANSACTIONAL, BatchHeader, Record, batches, build, records

ROOT = Path("/data")
SETTINGS = LogSettings(segment_bytes=6_000, checkpoint_bytes=2_500, index_bytes=500)
TOPICS = ("quakes", "ships")
PRODUCERS = (7, 8)
"""Of transactions; other records belong to none."""


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
    most_trimmed: int = 20

    def run(self, steps: int) -> None:
        self.server = Server(self.disk)
        self.server.start()
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        name = self.dice.choice(TOPICS)
        steps = ("append", "end", "sync", "trim", "drop", "stop", "kill")
        match self.dice.choices(steps, (60, 8, 25, 3, 0.3, 0.7, 1.5))[0]:
            case "append":
                self.append(name)
            case "end":
                self.end(name)
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
        producer_id = self.dice.choice((-1, -1, *PRODUCERS))
        records = [Record(at, 1_000, None, identifier.encode() + filling) for at, identifier in enumerate(ids)]
        attributes = TRANSACTIONAL if producer_id >= 0 else 0
        appended = partition.append(build(records, attributes=attributes, producer_id=producer_id), now_us=1)
        acknowledged = [Sent(name, identifier, appended.base_offset + at) for at, identifier in enumerate(ids)]
        self.unsynced.setdefault(name, []).extend(acknowledged)

    def end(self, name: str) -> None:
        """A transaction, if one is open."""
        marker, producer_id = self.dice.choice(tuple(Marker)), self.dice.choice(PRODUCERS)
        ended = build_marker(marker, producer_id=producer_id, producer_epoch=0, timestamp_ms=1_000)
        self.partition(name).append(ended, now_us=1)

    def sync(self, name: str) -> None:
        if name in self.server.partitions:
            self.server.partitions[name].sync()
            for acknowledged in self.unsynced.pop(name, []):
                self.disk.note(acknowledged)

    def trim(self, name: str) -> None:
        partition = self.partition(name)
        start = min(partition.log_start + self.dice.randrange(self.most_trimmed), partition.log_end)
        self.disk.note(Moved(name, start, done=False))
        partition.truncate_before(start)
        self.disk.note(Moved(name, partition.log_start, done=True))

    def drop(self, name: str) -> None:
        if name in self.server.partitions:
            self.unsynced.pop(name, None)
            self.disk.note(Topics(name, exists=False, done=False))
            self.server.catalog.delete(name)
            self.server.partitions.pop(name).delete()
            self.server.catalog.remove_deleted()
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
    _judge_transactions(name, partition, findings)


def _judge_transactions(name: str, partition: Partition, findings: Findings) -> None:
    """What is open, and what was aborted, is what the log itself tells, but for what has begun before its start.

    Behind damage the log cannot tell.
    """
    if partition.damage:
        return
    told, aborted = Transactions(), set()
    for header, data, position in batches_of(partition):
        if header.is_transactional:
            marker = read_marker(data, position, header) if header.is_control else None
            ended = told.note(header, header.base_offset, marker)
            if ended is not None and ended.aborted is not None:
                aborted.add((ended.aborted.producer_id, ended.last_offset))
    start = partition.log_start
    known = [each for each in partition.aborted(start, partition.log_end) if each.last_offset >= start]
    if not aborted <= {(each.producer_id, each.last_offset) for each in known}:
        findings.lost.append(f"{name}: {aborted} were aborted, {known} are known")
    if not {(each.producer_id, each.last_offset) for each in known if each.first_offset >= start} <= aborted:
        findings.phantom.append(f"{name}: {known} are said to be aborted, {aborted} were")
    is_open = {each.producer_id: max(each.first_offset, start) for each in partition.open_transactions}
    if not {each.producer_id: each.first_offset for each in told.all}.keys() <= is_open.keys():
        findings.lost.append(f"{name}: {told.all} are open, {is_open} are known")
    if any(is_open.get(each.producer_id, 0) > max(each.first_offset, start) for each in told.all):
        findings.moved.append(f"{name}: {told.all} are open, and said to begin at {is_open}")


def read_all(partition: Partition) -> Iterator[tuple[int, str]]:
    """Offset and id of every record from the start of the log on."""
    offset = partition.log_start
    while offset < partition.log_end:
        data = partition.read(offset, max_bytes=4_000, upto=partition.log_end)
        if not data:
            return
        for position, header in batches(data):
            if not header.is_control:
                values = ((each.offset, each.value or b"") for each in records(data, position, header))
                yield from ((at, value[:6].decode("ascii", "replace")) for at, value in values if at >= offset)
            offset = max(offset, header.last_offset + 1)


def batches_of(partition: Partition) -> Iterator[tuple[BatchHeader, memoryview, int]]:
    """Every batch from the start of the log on: its header, and the bytes and position where it stands."""
    offset = partition.log_start
    while offset < partition.log_end and (data := partition.read(offset, max_bytes=4_000, upto=partition.log_end)):
        for position, header in batches(data):
            yield header, data, position
            offset = header.last_offset + 1
