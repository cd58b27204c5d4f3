"""Loss of power while a full disk gets space by letting logs start later: nothing else is lost."""

import errno
import logging
import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.test_power_loss import STATES_PER_TRACE, STEPS, wrong_after_power_loss
from tests.support.crash_disk import MemoryDisk, MemoryFile, Step, WrappedFile
from tests.support.crash_workload import ROOT, Workload
from tivo.log.disk import Buffer
from tivo.log.partition import Partition
from tivo.model.errors import LogError


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class FullDisk(MemoryDisk):
    """Has no room for so many more writes of where a log starts."""

    refusals = 0

    def open(self, path: Path, *, create: bool = False) -> MemoryFile:
        file = super().open(path, create=create)
        return StateFile(self, file) if path.name == "state.new" else file


class StateFile(WrappedFile):
    def pwrite(self, buffer: Buffer, position: int) -> int:
        assert isinstance(self._disk, FullDisk)
        if self._disk.refusals:
            self._disk.refusals -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().pwrite(buffer, position)


class FullWorkload(Workload):
    """Its logs start later by some segments, while the disk is full until one has gone, or for longer."""

    most_trimmed: int = 60

    def trim(self, name: str) -> None:
        assert isinstance(self.disk, FullDisk)
        self.disk.refusals = self.dice.choice((0, 1, 1, 2))
        with suppress(LogError):
            super().trim(name)
        self.disk.refusals = 0
        self.server.partitions[name].resume()


def lived_on_a_full_disk(seed: int) -> list[Step]:
    disk = FullDisk(ROOT)
    FullWorkload(disk, random.Random(seed)).run(STEPS)
    return disk.trace


@pytest.mark.timeout(7_200)
def test_a_loss_of_power_while_a_full_disk_gets_space_loses_nothing_else(request: pytest.FixtureRequest) -> None:
    states = int(request.config.getoption("--crash-states")) // 5
    for seed in range(max(states // STATES_PER_TRACE, 1)):
        assert [] == wrong_after_power_loss(lived_on_a_full_disk(seed), seed, min(states, STATES_PER_TRACE))


def test_segments_that_go_from_a_full_disk_in_no_order_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    drop_before = Partition._drop_before
    monkeypatch.setattr(
        Partition, "_drop_before", lambda log, offset, *, one_by_one=False: drop_before(log, offset, one_by_one=False)
    )

    wrong = (found for seed in range(8) for found in wrong_after_power_loss(lived_on_a_full_disk(seed), seed, 50))

    assert any("lost" in finding for finding in wrong)
