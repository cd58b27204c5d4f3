"""Loss of power, or a kill, at any moment of a compacted partition's life: nothing is lost, nothing old rises."""

import logging
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.test_power_loss import NoSyncFile
from tests.support.compact_workload import KEYS, ROOT, SETTINGS, Cleaned, Sent, Workload, judge
from tests.support.crash_disk import MemoryDisk, MemoryFile, Name, Note, Step, after_kill, after_power_loss
from tivo.log import recovery, swap
from tivo.log.disk import Disk
from tivo.log.offset_map import OffsetMap
from tivo.log.settings import Compaction, LogSettings
from tivo.model.errors import TivoError

STEPS = 500
STATES_PER_TRACE = 50
SWAP_STEPS = 12


def lived(seed: int, disk: MemoryDisk | None = None, settings: LogSettings = SETTINGS) -> list[Step]:
    """The trace of one life."""
    disk = disk or MemoryDisk(ROOT)
    Workload(disk, random.Random(seed), settings).run(STEPS)
    return disk.trace


def wrong_after_power_loss(trace: list[Step], seed: int, states: int) -> list[str]:
    """What was found wrong in so many random crash states of a trace, half of them while segments take their places."""
    dice = random.Random(seed)
    swaps = [at for at, step in enumerate(trace) if isinstance(step, Name) and step.name.endswith(".swap")]
    wrong = []
    for number in range(states):
        moment = dice.randrange(len(trace) + 1)
        if swaps and number % 2:
            moment = min(dice.choice(swaps) + 1 + int(SWAP_STEPS * dice.random() ** 2), len(trace))
        try:
            findings = judge(trace[:moment], after_power_loss(trace[:moment], ROOT, dice))
        except TivoError as error:
            findings = [f"lost, for it does not start: {error}"]
        wrong += [f"seed {seed}, step {moment}: {finding}" for finding in findings]
    return wrong


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.timeout(7_200)
def test_nothing_is_lost_and_nothing_rises_by_a_loss_of_power(request: pytest.FixtureRequest) -> None:
    states = int(request.config.getoption("--crash-states"))
    for seed in range(max(states // STATES_PER_TRACE, 1)):
        assert [] == wrong_after_power_loss(lived(seed), seed, min(states, STATES_PER_TRACE))


def test_a_kill_at_any_step_of_a_swap_leaves_the_old_or_the_new() -> None:
    trace = lived(3)
    ends = [at for at, step in enumerate(trace) if isinstance(step, Name) and (step.old or "").endswith(".swap")]

    for end in ends[:: len(ends) // 8]:
        for moment in range(end - 20, end + 3):
            assert [] == judge(trace[:moment], after_kill(trace[:moment], ROOT)), f"step {moment}"


@pytest.mark.parametrize(("cleaned_ms", "findings"), [(1_101, 0), (1_100, 1)], ids=["its time is over", "it is not"])
def test_a_tombstone_that_was_never_acknowledged_may_delete(cleaned_ms: int, findings: int) -> None:
    key, value = KEYS[0], b"000001"
    told = (Sent(0, key, value, 1_000, True), Sent(1, key, None, 1_001, False), Cleaned(cleaned_ms))

    assert findings == len(judge([Note(each) for each in told], MemoryDisk(ROOT)))


# ---------------------------------------------------------------- each of these would lose data, and is caught


def told(wrong: list[str], *words: str) -> bool:
    return any(word in finding for finding in wrong for word in words)


class CleanedNotSynced(MemoryDisk):
    """Lets a cleaned segment take its place before its content is on stable storage."""

    def open(self, path: Path, *, create: bool = False) -> MemoryFile:
        file = super().open(path, create=create)
        return NoSyncFile(self, file) if path.name.endswith(".log.cleaned") else file


def test_a_swap_before_the_sync_is_caught() -> None:
    assert told(wrong_after_power_loss(lived(1, CleanedNotSynced(ROOT)), 1, 100), "lost", "damaged")


def test_a_swap_whose_name_is_not_synced_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(disk: Disk, directory: Path, base: int, next_offset: int) -> None:
        disk.rename(swap._path(directory, base, ".meta.cleaned"), swap._swap(directory, base, next_offset))

    monkeypatch.setattr(swap, "commit", commit)

    assert told(wrong_after_power_loss(lived(1), 1, 200), "lost", "damaged")


def test_a_swap_before_the_names_are_synced_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(disk: Disk, directory: Path, base: int, next_offset: int) -> None:
        disk.rename(swap._path(directory, base, ".meta.cleaned"), swap._swap(directory, base, next_offset))
        disk.fsync_dir(directory)

    monkeypatch.setattr(swap, "commit", commit)

    assert told(wrong_after_power_loss(lived(1), 1, 200), "lost", "damaged")


def test_a_swap_that_nobody_finishes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = lived(1)
    monkeypatch.setattr(recovery, "settle", lambda disk, directory: None)

    assert told(wrong_after_power_loss(trace, 1, 300), "lost", "damaged")


def test_a_tombstone_that_goes_too_early_is_caught() -> None:
    hasty = replace(SETTINGS, compaction=Compaction(dirty_ratio=0.2, tombstone_us=0))

    assert told(wrong_after_power_loss(lived(1, settings=hasty), 1, 100), "too early")


def test_an_aborted_record_that_supersedes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tivo.log.sieve.AbortedRecords.holds", lambda self, header: False)

    assert told(wrong_after_power_loss(lived(1), 1, 100), "lost")


def test_an_old_record_that_stays_for_the_newest_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    put = OffsetMap.put
    monkeypatch.setattr(OffsetMap, "put", lambda self, key, offset: self.get(key) >= 0 or put(self, key, offset))
    monkeypatch.setattr(
        "tivo.log.sieve.Sieve._stays", lambda self, part, is_over: self.newest.get(part.key) == part.offset
    )

    assert told(wrong_after_power_loss(lived(1), 1, 100), "lost")
