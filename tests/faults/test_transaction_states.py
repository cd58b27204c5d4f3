"""A broker killed in every state of a transaction, between any two pieces of its disk work; mutants are caught."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.transaction_workload import Life
from tivo.broker.coordinator import Coordinator
from tivo.broker.leader import Durable, Leader
from tivo.broker.offsets import OffsetRecord
from tivo.broker.transaction_coordinator import TransactionCoordinator
from tivo.broker.transactions import Producer, Transaction
from tivo.wire.control import Marker

TRANSACTIONS = 25
LIVES_PER_KILL = 4


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("flush", ["always", "os"])
def test_transactions_end_whole_whenever_the_broker_is_killed(
    tmp_path: Path, request: pytest.FixtureRequest, flush: str
) -> None:
    ended = []
    for seed in range(LIVES_PER_KILL * int(request.config.getoption("--kills"))):
        life = Life(tmp_path / str(seed), random.Random(seed), flush=flush)
        assert "" == str(life.run(TRANSACTIONS)), f"seed {seed}"
        ended += [each.outcome for each in life.ended]

    assert {"committed", "aborted"} | ({"unknown"} if flush == "always" else set()) == set(ended)


def nothing_is_taken_up(patch: pytest.MonkeyPatch) -> None:
    """A start reads the journal, and leaves what a kill cut short as it is."""

    def load(self: TransactionCoordinator) -> int:
        for entry in self._journal.read():
            self.apply(entry)
        return 0

    patch.setattr(TransactionCoordinator, "load", load)


def one_marker_is_enough(patch: pytest.MonkeyPatch) -> None:
    def finish(self: TransactionCoordinator, transaction: Transaction, then: Callable[[bool], None]) -> None:
        (first, *_) = sorted(transaction.places)[1:] or sorted(transaction.places)
        self._mark(first, transaction.producer, transaction.marker, lambda error: None)
        self._finished(transaction, then, [])

    patch.setattr(TransactionCoordinator, "_finish", finish)


def commits_are_aborts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Transaction, "marker", property(lambda self: Marker.ABORT))


def aborts_are_commits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Transaction, "marker", property(lambda self: Marker.COMMIT))


def aborted_ones_are_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Leader, "aborted", lambda self, offset, records: [])


def offsets_count_at_once(patch: pytest.MonkeyPatch) -> None:
    def commit(self: Coordinator, producer: Producer, records: list[OffsetRecord], tell: Durable) -> None:
        self.commit(records, tell)

    patch.setattr(Coordinator, "commit_pending", commit)


def offsets_never_count(patch: pytest.MonkeyPatch) -> None:
    def end(self: Coordinator, producer: Producer, marker: Marker, tell: Durable) -> None:
        tell(None)

    patch.setattr(Coordinator, "end_transaction", end)


MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], set[str]]] = {
    "a start takes up nothing": (nothing_is_taken_up, {"torn", "lost"}),
    "one partition gets its marker": (one_marker_is_enough, {"torn", "lost"}),
    "commits are aborts": (commits_are_aborts, {"lost"}),
    "aborts are commits": (aborts_are_commits, {"risen"}),
    "aborted ones are not told": (aborted_ones_are_not_told, {"risen"}),
    "offsets count at once": (offsets_count_at_once, {"offsets"}),
    "offsets never count": (offsets_never_count, {"offsets"}),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    mutate, kinds = MUTANTS[name]
    mutate(monkeypatch)
    found: set[str] = set()
    for seed in range(10):
        found |= Life(tmp_path / str(seed), random.Random(seed)).run(TRANSACTIONS).kinds
        if found & kinds:
            break

    assert found & kinds
