"""A disk that is full at any write on the way to a transaction's end: with space again it ends; mutants are caught."""

import errno
import logging
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, Sent, open_broker
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer
from tivo.broker.transaction_coordinator import TransactionCoordinator
from tivo.broker.transactions import State, Transaction
from tivo.broker.upkeep import Upkeep
from tivo.model.errors import LogError

ENDED = {State.COMPLETE_COMMIT, State.COMPLETE_ABORT}
JOURNALS = ("__transaction_state", "__consumer_offsets")
SECONDS_FULL, SECONDS_WITH_SPACE = 3, 70
"""With space, a transaction whose end was refused has time to time out."""

WAYS: dict[str, Callable[[TransactionalProducer], Sent | None]] = {
    "commit": lambda producer: producer.bench.send(producer.end_request(commit=True)),
    "abort": lambda producer: producer.bench.send(producer.end_request(commit=False)),
    "successor": lambda producer: producer.bench.send(producer.init_request()),
    "time-out": lambda producer: producer.bench.runtime.forward(60_000_000),
}
CASES = list(product(WAYS, (".log", "synced"), range(7)))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def begun(data: Path) -> TransactionalProducer:
    """A record and an offset in an open transaction."""
    bench = open_broker(data)
    bench.make("t")
    producer = TransactionalProducer(bench)
    producer.init()
    producer.add(("t", 0))
    producer.add_offsets()
    producer.write("t", b"a")
    producer.commit_offset(5)
    return producer


def wait(bench: BrokerBench, seconds: int) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    for _ in range(seconds):
        bench.runtime.work()
        upkeep.tick()
        bench.runtime.work()
        bench.runtime.forward(1_000_000)
    bench.runtime.work()


def wrong_after(data: Path, way: str, name: str, skip: int) -> list[str]:
    """What is wrong where the disk was full from the write after `skip` on, for a while."""
    producer = begun(data)
    bench = producer.bench
    bench.disk.faults.append(Fault(operation="pwrite", name=name, error=errno.ENOSPC, skip=skip))
    sent = WAYS[way](producer)
    wait(bench, SECONDS_FULL)
    wrong = [] if is_outcome_safe(bench) else ["a marker stands before its outcome is safe"]
    bench.disk.faults.clear()
    wait(bench, SECONDS_WITH_SPACE)
    return [*wrong, *wrong_at_the_end(bench, is_committed=way == "commit" and told(sent) == 0)]


def told(sent: Sent | None) -> int | None:
    return None if sent is None or sent.response is None else int(sent.response.error_code)


def is_outcome_safe(bench: BrokerBench) -> bool:
    """Whether the outcome is safe, where a partition has its marker."""
    journal = bench.leader("__transaction_state")
    found = bench.broker.transactions.get("x")
    is_prepared = found is not None and found.is_prepared
    has_marker = not bench.leader("t").log.open_transactions
    return not (is_prepared and has_marker) or journal.high_watermark == journal.log.log_end


def wrong_at_the_end(bench: BrokerBench, *, is_committed: bool) -> list[str]:
    found = bench.broker.transactions.get("x")
    wrong = []
    if found is None or found.state not in ENDED | {State.EMPTY}:
        wrong.append(f"not ended, but {found}")
    if is_committed and (found is None or found.state is not State.COMPLETE_COMMIT):
        wrong.append(f"told to be committed, but {found}")
    offset = bench.broker.coordinator.offsets.of("g", "t", 0)
    if found is not None and (found.state is State.COMPLETE_COMMIT) != (offset is not None):
        wrong.append(f"its offset is {offset}, but {found}")
    for topic in ("t", *JOURNALS):
        leader = bench.leader(topic)
        if not leader.stable_offset == leader.high_watermark == leader.log.log_end:
            wrong.append(f"{topic} can be read up to {leader.stable_offset} of {leader.log.log_end}")
    if error := TransactionalProducer(bench).init():
        wrong.append(f"the next producer gets error {error}")
    return wrong


@pytest.mark.parametrize(("way", "name", "skip"), CASES)
def test_transaction_ends_when_there_is_space_again(tmp_path: Path, way: str, name: str, skip: int) -> None:
    assert [] == wrong_after(tmp_path / "data", way, name, skip)


def nobody_tries_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransactionCoordinator, "_try_again", lambda self, transaction: None)


def a_note_is_written_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransactionCoordinator, "_noted", lambda self, prepared, error: None)


def unsafe_outcomes_count(patch: pytest.MonkeyPatch) -> None:
    def resume(self: TransactionCoordinator, prepared: Transaction, error: LogError | None) -> None:
        self._finish(prepared, lambda is_done: None)

    patch.setattr(TransactionCoordinator, "_resume", resume)


MUTANTS = {
    "nobody tries again": (nobody_tries_again, "not ended"),
    "a note is written once": (a_note_is_written_once, "not ended"),
    "unsafe outcomes count": (unsafe_outcomes_count, "before its outcome is safe"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    mutate, expected = MUTANTS[name]
    mutate(monkeypatch)

    found = [wrong for at, case in enumerate(CASES) for wrong in wrong_after(tmp_path / str(at), *case)]

    assert any(expected in wrong for wrong in found)
