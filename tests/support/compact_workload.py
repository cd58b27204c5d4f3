"""A life of a compacted partition: records, tombstones and transactions of few keys, syncs, cleanings, stops, kills.

Everything a client would have been told is noted in the disk's trace, at its moment.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.batches import keyed, pairs_of
from tests.support.crash_disk import MemoryDisk, Note, Step
from tivo.log.compactor import compact
from tivo.log.disk import Disk
from tivo.log.partition import Partition
from tivo.log.settings import Compaction, LogSettings
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import TRANSACTIONAL, batches

ROOT = Path("/data")
TOMBSTONE_MS = 100
SETTINGS = LogSettings(
    segment_bytes=1_500,
    checkpoint_bytes=700,
    index_bytes=200,
    compaction=Compaction(dirty_ratio=0.2, tombstone_us=TOMBSTONE_MS * 1_000),
)
CHANCES = (50, 6, 14, 20, 8, 1, 1.5)
KEYS = [b"key %d" % number for number in range(20)]
"""The first come often, the last hardly ever."""


class Sent(NamedTuple):
    """A record at its offset; `done`: it is acknowledged. `producer_id`: of the transaction it belongs to, or -1."""

    offset: int
    key: bytes
    value: bytes | None
    at_ms: int
    done: bool
    producer_id: int = -1


class Ended(NamedTuple):
    """A transaction is about to be ended, or is; each has a producer of its own."""

    producer_id: int
    marker: Marker
    done: bool


class Cleaned(NamedTuple):
    """A cleaning is about to begin."""

    at_ms: int


def opened(disk: Disk, settings: LogSettings = SETTINGS) -> Partition:
    return Partition.open(ROOT / "state-0", topic="state", partition=0, settings=settings, clean=False, disk=disk)


@dataclass(slots=True)
class Workload:
    disk: MemoryDisk
    dice: random.Random
    settings: LogSettings = SETTINGS
    partition: Partition = field(init=False)
    unsynced: list[Sent | Ended] = field(default_factory=list)
    transactions: int = 0
    now_ms: int = 1_000
    sent: int = 0

    def run(self, steps: int) -> None:
        self.partition = opened(self.disk, self.settings)
        for _ in range(steps):
            self.now_ms += 1
            match self.dice.choices(("append", "begin", "end", "sync", "clean", "stop", "kill"), CHANCES)[0]:
                case "append":
                    self.append(-1)
                case "begin":
                    self.transactions += 1
                    self.append(self.transactions)
                case "end":
                    self.end()
                case "sync":
                    self.sync()
                case "clean":
                    self.clean()
                case "stop":
                    self.sync()
                    self.partition.close()
                    self.partition = opened(self.disk, self.settings)
                case "kill":
                    self.unsynced = []
                    self.partition = opened(self.disk, self.settings)

    def append(self, producer_id: int) -> None:
        pairs = [(self.key(), self.value()) for _ in range(self.dice.randint(1, 3))]
        at = self.partition.log_end
        sent = [Sent(at + n, key, value, self.now_ms, False, producer_id) for n, (key, value) in enumerate(pairs)]
        for each in sent:
            self.disk.note(each)
        how = {"attributes": TRANSACTIONAL, "base_sequence": 0} if producer_id > 0 else {}
        self.partition.append(keyed(*pairs, producer_id=producer_id, **how), now_us=self.now_ms * 1_000)
        self.unsynced += sent

    def end(self) -> None:
        """End the oldest transaction that is open, one way or the other."""
        for opened_here in self.partition.open_transactions[:1]:
            ended = Ended(opened_here.producer_id, self.dice.choice(list(Marker)), done=False)
            self.disk.note(ended)
            marker = build_marker(
                ended.marker, producer_id=ended.producer_id, producer_epoch=0, timestamp_ms=self.now_ms
            )
            self.partition.append(marker, now_us=self.now_ms * 1_000)
            self.unsynced.append(ended)

    def key(self) -> bytes:
        return KEYS[int(len(KEYS) * self.dice.random() ** 3)]

    def value(self) -> bytes | None:
        self.sent += 1
        filling = b"." * self.dice.choice((0, 50, 300))
        return None if self.dice.random() < 0.15 else b"%06d" % self.sent + filling

    def sync(self) -> None:
        self.partition.sync()
        for each in self.unsynced:
            self.disk.note(each._replace(done=True))
        self.unsynced = []

    def clean(self) -> None:
        now_us = self.now_ms * 1_000
        upto = self.partition.stable_offset(self.partition.synced)
        plan = self.partition.cleaning_plan(upto=upto, now_us=now_us)
        if plan is not None:
            self.disk.note(Cleaned(self.now_ms))
            compact(self.partition, plan, last_batches=(), now_us=now_us, rest_seconds=0)


def judge(trace: list[Step], disk: Disk) -> list[str]:
    """What is wrong with what is left of a disk, by what clients were told."""
    partition = opened(disk)
    found = dict(_read_all(partition))
    wrong = [f"damaged: {damage}" for damage in partition.damage]
    wrong += _judge_records(_sent(trace), found, _last_cleaning_ms(trace), _Transactions(trace))
    partition.append(keyed((b"after", b"after")), now_us=1)
    if (b"after", b"after") != dict(_read_all(partition)).get(partition.log_end - 1):
        wrong.append("lost: what was appended after the start")
    return wrong


def _judge_records(
    sent: dict[int, list[Sent]],
    found: dict[int, tuple[bytes, bytes | None]],
    cleaned_ms: int,
    transactions: "_Transactions",
) -> Iterator[str]:
    for offset, pair in found.items():
        if pair not in [(each.key, each.value) for each in sent.get(offset, [])]:
            yield f"moved: offset {offset} has {pair[0]!r}"
    for key in KEYS:
        mine = [each for some in sent.values() for each in some if each.key == key]
        told = [each for each in mine if each.done and transactions.count(each)]
        newest = max(told, key=lambda each: each.offset, default=None)
        may_count = {(each.offset, each.value) for each in mine if transactions.may_count(each)}
        kept = [offset for offset, pair in found.items() if pair[0] == key and (offset, pair[1]) in may_count]
        if newest is None or any(offset >= newest.offset for offset in kept):
            continue
        if newest.value is not None and not _may_have_been_deleted(newest, mine, cleaned_ms, transactions):
            yield f"lost: the newest of {key!r}, offset {newest.offset}"
        elif newest.value is None and newest.at_ms + TOMBSTONE_MS > cleaned_ms:
            yield f"too early: the tombstone of {key!r}, offset {newest.offset}"
        elif kept:
            yield f"risen: {key!r} at {kept}, its newest was at {newest.offset}"


def _may_have_been_deleted(newest: Sent, sent: Iterable[Sent], cleaned_ms: int, transactions: "_Transactions") -> bool:
    """Whether a tombstone that nobody was told of, for the process was killed, may have come after, and gone again."""
    return any(
        each.value is None
        and each.offset > newest.offset
        and each.at_ms + TOMBSTONE_MS <= cleaned_ms
        and transactions.may_count(each)
        for each in sent
    )


class _Transactions:
    """Which records count: those of no transaction, and of those that were committed."""

    def __init__(self, trace: Iterable[Step]) -> None:
        notes = [note.what for note in trace if isinstance(note, Note) and isinstance(note.what, Ended)]
        self._committed = {each.producer_id for each in notes if each.done and each.marker is Marker.COMMIT}
        self._may_be = {each.producer_id for each in notes if each.marker is Marker.COMMIT}

    def count(self, sent: Sent) -> bool:
        return sent.producer_id < 0 or sent.producer_id in self._committed

    def may_count(self, sent: Sent) -> bool:
        return sent.producer_id < 0 or sent.producer_id in self._may_be


def _sent(trace: Iterable[Step]) -> dict[int, list[Sent]]:
    """By offset. What was never acknowledged may have been lost, and its offset given again."""
    sent: dict[int, list[Sent]] = {}
    for note in trace:
        if isinstance(note, Note) and isinstance(note.what, Sent):
            sent.setdefault(note.what.offset, []).append(note.what)
    return sent


def _last_cleaning_ms(trace: Iterable[Step]) -> int:
    return max(
        (note.what.at_ms for note in trace if isinstance(note, Note) and isinstance(note.what, Cleaned)), default=0
    )


def _read_all(partition: Partition) -> Iterator[tuple[int, tuple[bytes, bytes | None]]]:
    offset = partition.log_start
    while offset < partition.log_end:
        data = partition.read(offset, max_bytes=2_000, upto=partition.log_end)
        if not data:
            return
        controls = {header.base_offset for _, header in batches(data) if header.is_control}
        for at, (key, value) in pairs_of(data).items():
            if at not in controls:
                yield at, (key or b"", value)
        offset = max(header.last_offset for _, header in batches(data)) + 1
