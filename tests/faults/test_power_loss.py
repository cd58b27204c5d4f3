"""Loss of power at any moment: nothing acknowledged is lost, moved, doubled or out of order."""

import logging
import random
from pathlib import Path

import pytest

from tests.support.crash_disk import MemoryDisk, MemoryFile, Step, Sync, WrappedFile, after_power_loss
from tests.support.crash_workload import ROOT, Workload, judge
from tivo.log.segment import Segment
from tivo.model.errors import TivoError

STEPS = 400
STATES_PER_TRACE = 50


def lived(seed: int, disk: MemoryDisk | None = None, *, early: bool = False) -> list[Step]:
    """The trace of one life of a data directory."""
    disk = disk or MemoryDisk(ROOT)
    Workload(disk, random.Random(seed), early=early).run(STEPS)
    return disk.trace


def wrong_after_power_loss(trace: list[Step], seed: int, states: int, disk: type[MemoryDisk] = MemoryDisk) -> list[str]:
    """What was found wrong in so many random crash states of a trace."""
    dice = random.Random(seed)
    wrong = []
    for _ in range(states):
        moment = dice.randrange(len(trace) + 1)
        crashed = after_power_loss(trace[:moment], ROOT, dice)
        try:
            findings = str(judge(trace[:moment], disk(ROOT, crashed.files, crashed.directories)))
        except TivoError as error:
            findings = f"lost, for it does not start: {error}"
        if findings:
            wrong.append(f"seed {seed}, step {moment}: {findings}")
    return wrong


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.timeout(7_200)
def test_nothing_acknowledged_is_lost_by_a_loss_of_power(request: pytest.FixtureRequest) -> None:
    states = int(request.config.getoption("--crash-states"))
    for seed in range(max(states // STATES_PER_TRACE, 1)):
        assert [] == wrong_after_power_loss(lived(seed), seed, min(states, STATES_PER_TRACE))


# ---------------------------------------------------------------- each of these would lose data, and is caught


class NoSync(MemoryDisk):
    """Its fdatasync comes back at once and has done nothing."""

    def open(self, path: Path, *, create: bool = False) -> MemoryFile:
        return NoSyncFile(self, super().open(path, create=create))


class NoSyncFile(WrappedFile):
    def fdatasync(self) -> None:
        """Forgotten."""


class NoNameSync(MemoryDisk):
    """Its directory fsync comes back at once and has done nothing."""

    def fsync_dir(self, path: Path) -> None:
        """Forgotten."""


class ShortTruncate(MemoryDisk):
    """Cuts the last byte that matters: a record without headers ends with a zero, which a hole would give back."""

    def open(self, path: Path, *, create: bool = False) -> MemoryFile:
        return ShortTruncateFile(self, super().open(path, create=create))


class ShortTruncateFile(NoSyncFile):
    def fdatasync(self) -> None:
        self._disk.trace.append(Sync(self._inode))

    def truncate(self, size: int) -> None:
        super().truncate(max(size - 2, 0))


def test_an_acknowledgement_before_the_write_is_caught() -> None:
    wrong = wrong_after_power_loss(lived(1, early=True), 1, 100)

    assert any("lost" in findings for findings in wrong)


@pytest.mark.parametrize("disk", [NoSync, NoNameSync])
def test_a_forgotten_sync_is_caught(disk: type[MemoryDisk]) -> None:
    wrong = wrong_after_power_loss(lived(1, disk(ROOT)), 1, 100)

    assert any("lost" in findings for findings in wrong)


def test_a_recovery_that_cuts_a_byte_too_many_is_caught() -> None:
    wrong = wrong_after_power_loss(lived(1), 1, 100, disk=ShortTruncate)

    assert any("lost" in findings for findings in wrong)


def test_a_recovery_that_forgets_open_transactions_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Segment, "follow", lambda segment, opened: None)

    wrong = wrong_after_power_loss(lived(1), 1, 100)

    assert any("are open" in findings or "aborted" in findings for findings in wrong)
