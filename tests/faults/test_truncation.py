"""Loss of power in the modes that do not wait for the disk: the log loses its end, and the store follows it.

Log and store crash together: the log as the simulated disk has it, the store with every page that it had taken, since
its own commits wait for the disk in every mode. Then records come, perhaps more than were lost, before the agent does.
The agent is the real one but for Faust: placing, fetching, cutting, storing.
"""

import asyncio
import logging
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from faust.types import TP

from streams.agents.persist import Keeper, Patience
from streams.driver import Fetched
from streams.intake import Intake
from streams.places import Most, Places
from tests.conformance.store.stores import everything
from tests.support.batches import batch
from tests.support.crash_disk import MemoryDisk, Name, Step, Sync, SyncNames, Write, after_power_loss
from tivo.client.cluster import Cluster, Led
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.model.timeline import Now
from tivo.store.base import Store
from tivo.store.memory import MemoryStore
from tivo.wire.record_batch import batches, records

ROOT = Path("/data")
TOPIC_ID = b"topic id quakes."
PLACE = TP("quakes", 0)
SETTINGS = LogSettings(segment_bytes=3_000, checkpoint_bytes=1_000, index_bytes=300)
NOW = Now(1_700_000_000_000_000, 5_000_000)


@dataclass(frozen=True)
class Fetch:
    """A record as the driver hands it over."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[()] = ()
    serialized_key_size: int = 0
    serialized_value_size: int = 10


@dataclass
class World:
    """A log that is read up to its end, whatever of it is synced, and an agent on it."""

    log: Partition
    store: Store
    tells_epochs: bool = True
    position: int = 0
    places: Places = field(default_factory=Places)

    def __post_init__(self) -> None:
        patience = Patience(lambda: NOW.steady_us)
        self.keeper = Keeper(self.store, self.places, patience, lambda: NOW)
        self.intake = Intake(
            places=self.places,
            cluster=cast("Cluster", self),
            store=self.store,
            until_there=patience.until_there,
            salvage=self._salvage,
            set_aside=self.keeper.set_aside,
            now=lambda: NOW,
            most=Most(5, 10_000),
            fetch_records=20,
            linger_s=0,
        )
        self.places.assign([PLACE])

    async def turn(self) -> None:
        """Take what there is, and store it."""
        self.places.epochs_seen("quakes", {0: self.log.leader_epoch if self.tells_epochs else 0})
        for pages in (await self.intake.take(self, [PLACE], 0.1)).values():
            await self.keeper.keep(pages)

    # ------------------------------------------------------------ the cluster

    async def leaders(self, topics: Collection[str]) -> dict[str, Led]:
        return {"quakes": Led(TOPIC_ID, {0: 1}, {0: self.log.leader_epoch})}

    async def epoch_ends(self, topic: str, epochs: Mapping[int, int]) -> dict[int, int]:
        return {number: self.log.epoch_end(epoch)[1] for number, epoch in epochs.items()} if self.tells_epochs else {}

    async def log_starts(self, topic: str) -> dict[int, int]:
        return {0: self.log.log_start}

    async def log_ends(self, topic: str) -> dict[int, int]:
        return {0: self.log.log_end}

    # ------------------------------------------------------------ the driver

    async def fetch(self, partitions: set[TP], within_s: float, most: int) -> Fetched:
        if self.position > self.log.log_end:
            self.position = self.log.log_start  # out of range: the driver begins anew at the earliest
        found = [one for one in read(self.log, self.position) if one.offset >= self.position][:most]
        self.position = found[-1].offset + 1 if found else self.position
        return Fetched(cast("Any", {PLACE: found} if found else {}), {})

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.position = partitions[PLACE]

    async def sleep(self, n: float) -> None:
        """No time passes."""

    async def _salvage(self, *asked: Any) -> Any:
        raise AssertionError(asked)


def read(log: Partition, offset: int) -> list[Fetch]:
    found: list[Fetch] = []
    while offset < log.log_end and (data := log.read(offset, max_bytes=10_000, upto=log.log_end)):
        for at, header in batches(data):
            found += [Fetch(one.offset, one.timestamp_ms, one.key, one.value) for one in records(data, at, header)]
            offset = header.last_offset + 1
    return found


def opened(disk: MemoryDisk, *, clean: bool) -> Partition:
    return Partition.open(ROOT / "quakes-0", topic="quakes", partition=0, settings=SETTINGS, clean=clean, disk=disk)


async def wrong_after(seed: int, *, tells_epochs: bool = True) -> str | None:
    """What is wrong with the store after a life with several losses of power; None where it is as the log is."""
    dice = random.Random(seed)
    disk, store = MemoryDisk(ROOT), MemoryStore()
    world = World(opened(disk, clean=True), store, tells_epochs)
    disk.fsync_dir(ROOT)
    number = 0
    for _ in range(dice.randint(1, 4)):
        for _ in range(dice.randint(1, 40)):
            match dice.choices(("append", "store", "sync"), (5, 4, 1))[0]:
                case "append":
                    number += 1
                    values = (b"%05d-%d" % (number, at) for at in range(dice.randint(1, 3)))
                    world.log.append(batch(*values, time_ms=1_000 + number), now_us=1)
                case "store":
                    await world.turn()
                case "sync":
                    world.log.sync()
        crashed = after_power_loss(disk.trace, ROOT, dice)
        disk = MemoryDisk(ROOT, crashed.files, crashed.directories)
        disk.trace = list(_as_written(crashed))
        log = opened(disk, clean=False)
        for _ in range(dice.choice((0, 2, 40))):
            number += 1
            log.append(batch(b"%05d-new" % number, time_ms=1_000 + number), now_us=1)
        if dice.random() < 0.5:
            world.log = log  # the agent lives on and notices nothing by itself
        else:
            world = World(log, store, tells_epochs)
    for _ in range(100):
        await world.turn()
    return await _compared(world)


def _as_written(disk: MemoryDisk) -> Iterator[Step]:
    """The steps that lead to a disk as it is, all of it on stable storage."""
    for directory, names in disk.directories.items():
        yield from (Name(directory, name, inode) for name, inode in names.items())
        yield SyncNames(directory)
    for inode, content in disk.files.items():
        yield Write(inode, 0, bytes(content))
        yield Sync(inode)


async def _compared(world: World) -> str | None:
    there = {one.offset: one.value for one in read(world.log, world.log.log_start)}
    held = {event.offset: event.value for event in await everything(world.store, topic_id=TOPIC_ID)}
    for offset in sorted(there.keys() | held.keys()):
        if there.get(offset) != held.get(offset):
            return f"at offset {offset} the log has {there.get(offset)!r}, the store {held.get(offset)!r}"
    return None


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.timeout(7_200)
def test_the_store_follows_a_log_that_loses_its_end(request: pytest.FixtureRequest) -> None:
    states = int(request.config.getoption("--crash-states"))

    found = {seed: wrong for seed in range(states // 5) if (wrong := asyncio.run(wrong_after(seed))) is not None}

    assert {} == found


def test_an_agent_that_knows_no_leader_epochs_is_caught() -> None:
    found = [asyncio.run(wrong_after(seed, tells_epochs=False)) for seed in range(60)]

    assert any(wrong is not None for wrong in found)
