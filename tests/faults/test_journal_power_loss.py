"""Loss of power, or a kill, at any moment of the broker's journal of offsets, in every flush mode.

What was synced is there, and nothing is mixed: the offsets found are those of one moment, the last that was synced or
a later one. A kill takes nothing that was told.
"""

import logging
import random
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from tests.support.crash_disk import MemoryDisk, Step, after_kill, after_power_loss
from tests.support.journal_workload import ROOT, Synced, Told, Workload, judge, started
from tivo.broker.assembly import JOURNAL_TOPIC
from tivo.broker.journal import Journal
from tivo.log.flusher import FlushMode
from tivo.model.errors import LogError, TivoError

STEPS = 250
STATES_PER_TRACE = 25
MODES: tuple[FlushMode, ...] = get_args(FlushMode)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def lived(seed: int, data: Path, flush: FlushMode) -> list[Step]:
    """The trace of one life."""
    workload = Workload(MemoryDisk(ROOT), random.Random(seed), data, flush)
    workload.run(STEPS)
    assert workload.bench.leader(JOURNAL_TOPIC).log.log_start > 0, "it was never shortened"
    return workload.disk.trace


def wrong_after_power_loss(trace: list[Step], seed: int, states: int, data: Path, flush: FlushMode) -> list[str]:
    """What was found wrong in so many random crash states of a trace."""
    dice = random.Random(seed)
    wrong = []
    for _ in range(states):
        moment = dice.randrange(len(trace) + 1)
        crashed = after_power_loss(trace[:moment], ROOT, dice)
        least = (Told if flush == "always" else Synced,)
        wrong += [
            f"seed {seed}, step {moment}: {each}" for each in findings(trace[:moment], crashed, data, flush, least)
        ]
    return wrong


def findings(
    trace: list[Step], disk: MemoryDisk, data: Path, flush: FlushMode, least: tuple[type[Told] | type[Synced], ...]
) -> list[str]:
    try:
        bench = started(disk, data, flush)
    except TivoError as error:
        return [f"lost, for it does not start: {error}"]
    return [found for each in least if (found := judge(trace, bench, least=each))]


@pytest.mark.parametrize("flush", MODES)
@pytest.mark.timeout(7_200)
def test_offsets_are_those_of_one_moment_after_a_loss_of_power(
    tmp_path: Path, flush: FlushMode, request: pytest.FixtureRequest
) -> None:
    states = int(request.config.getoption("--crash-states")) // len(MODES)
    for seed in range(max(states // STATES_PER_TRACE, 1)):
        trace = lived(seed, tmp_path, flush)
        assert [] == wrong_after_power_loss(trace, seed, min(states, STATES_PER_TRACE), tmp_path, flush)


@pytest.mark.parametrize("flush", MODES)
def test_a_kill_takes_no_offset_that_was_told(tmp_path: Path, flush: FlushMode) -> None:
    trace, dice = lived(1, tmp_path, flush), random.Random(1)

    for moment in (dice.randrange(len(trace) + 1) for _ in range(20)):
        found = findings(trace[:moment], after_kill(trace[:moment], ROOT), tmp_path, flush, (Told, Synced))
        assert [] == found, f"step {moment}"


def the_start_moves_first(self: Journal[object, object], begin: int, error: LogError | None) -> None:
    """As though what was written anew were on stable storage once it is told."""
    if error is None:
        self._runtime.in_thread(partial(self._leader.log.truncate_before, begin), lambda dropped: None)


@pytest.mark.parametrize("flush", ["interval", "os"])
def test_a_start_that_moves_before_what_is_live_is_synced_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flush: FlushMode
) -> None:
    monkeypatch.setattr(Journal, "_drop_before", the_start_moves_first)

    wrong = wrong_after_power_loss(lived(1, tmp_path, flush), 1, 50, tmp_path, flush)

    assert any("lost" in finding for finding in wrong)
