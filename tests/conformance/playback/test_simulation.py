"""Seeded histories against the guarantees of the protocol, and faults on purpose that must be noticed.

A failing seed prints itself; play it alone with `--cutovers 1 --first-cutover SEED`, mend what it
found, and add it to REGRESSIONS, or to RICH_REGRESSIONS where it is odd.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.conformance.playback.checker import Broken
from tests.conformance.playback.mutants import MUTANTS
from tests.conformance.playback.simulation import Simulation

REGRESSIONS = {
    26: "the last frame of a turn was still in the outbox when the next turn began",
    29: "thinned events of a quiet topic were never counted",
    108: "an ended window was played again while its last frame was on its way",
    230: "going live again lost count of the last thinned event",
    259: "the log ends at the end of a window named a partition that the catalogue did not know yet",
    432: "an edge that was never told had to be looked for again after a reconnect",
    498: "a reconnect between the reset and the first state of a turn",
    557: "thinned events were not counted across a reconnect",
    697: "live was claimed after a pause, by log ends from before it",
    888: "tail, and a reconnect before the live edge was known",
    1084: "the time of a retry that was not needed any more kept waking the session",
    1253: "a topic made anew while live, with an event from before the epoch",
    2099: "a topic that joined while live was sent in the order of its page and called live",
    2662: "a partition that joined had been trimmed already; the store held the rest",
    3003: "events thinned before a reconnect kept waking the session before its first page",
    9694: "a partition was stored and trimmed between the looks at the store and at the log",
    11123: "a clock that follows live began ahead of what was read",
    12719: "a partition that only the store knew was sent twice when the catalogue told of it",
    13458: "the position passed events that waited behind a late one for a slow viewer",
    16014: "a reconnect between the reset of a seek and its state went back to a cursor of the old epoch",
}

RICH_REGRESSIONS = {
    7147: "a step right behind a new window in live, with events that were stored and not sent yet",
    19253: "an event that was read later than others of its instant, where a smallest gap is kept",
}
"""Of histories in which the viewer uses every control."""


@pytest.mark.timeout(3_600)
def test_random_histories_keep_every_guarantee(seeds: range) -> None:
    for seed in seeds:
        _play(seed, rich=seed % 2 == 1)


@pytest.mark.parametrize("seed", REGRESSIONS, ids=lambda seed: f"seed_{seed}")
def test_what_was_broken_once_stays_mended(seed: int) -> None:
    _play(seed)


@pytest.mark.parametrize("seed", RICH_REGRESSIONS, ids=lambda seed: f"seed_{seed}")
def test_what_a_rich_history_broke_once_stays_mended(seed: int) -> None:
    _play(seed, rich=True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_on_purpose_is_noticed(mutant: Callable[[], AbstractContextManager[None]]) -> None:
    with mutant():
        noticed = any(_breaks(seed) for seed in range(400))

    assert noticed


def _play(seed: int, *, rich: bool = False) -> None:
    try:
        Simulation(seed, rich=rich).run()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


def _breaks(seed: int) -> bool:
    try:
        Simulation(seed, rich=seed % 2 == 1).run()
    except Broken:
        return True
    return False
