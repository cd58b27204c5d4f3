"""kill -9 of a real broker under load: nothing acknowledged is lost, doubled, moved, altered or out of order.

In every flush mode: what was written lies with the operating system, which lives on.
"""

import random
import threading
from pathlib import Path
from typing import get_args

import pytest

from tests.support.broker_process import (
    BrokerProcess,
    Sender,
    create_topic,
    identify,
    payload,
    read_all,
    running_broker,
)
from tests.support.history import Findings, History, check, read_history
from tivo.log.flusher import FlushMode

MODES: tuple[FlushMode, ...] = get_args(FlushMode)
PARTITIONS = 4
SENDERS = 8
EVERY = 25
"""After so many kills the log is read as a whole in between: what was read once must stay as it was."""


@pytest.mark.parametrize("flush", MODES)
@pytest.mark.timeout(7_200)
def test_kills_lose_double_and_move_nothing(tmp_path: Path, flush: FlushMode, request: pytest.FixtureRequest) -> None:
    kills = share(int(request.config.getoption("--kills")), flush)

    findings, acknowledged = killed(tmp_path, kills, flush=flush)

    assert "" == str(findings)
    assert acknowledged >= 100 * kills
    print(f"log.flush = {flush}: {kills} kills, {acknowledged} acknowledged records, nothing lost")


def share(kills: int, flush: FlushMode) -> int:
    """The modes have the kills between them, the default one the most; each has one at least."""
    return max(len(range(MODES.index(flush), kills, len(MODES))), 1)


@pytest.mark.parametrize("mutant", ["early", "short"])
def test_a_broker_that_loses_records_is_caught(tmp_path: Path, mutant: str) -> None:
    findings, _ = killed(tmp_path, 3, module=f"tests.faults.mutants.{mutant}")

    assert "lost" in findings.kinds, f"it lost nothing: {findings}"


def test_an_altered_payload_is_noticed() -> None:
    value = payload("p1-0000001", 9)
    altered = value[:-1] + bytes((value[-1] ^ 1,))

    assert "p1-0000001" == identify(value)
    assert identify(altered).startswith("altered: ")
    assert identify(b"rubbish").startswith("altered: ")


def killed(folder: Path, kills: int, *, flush: FlushMode = "always", module: str = "tivo") -> tuple[Findings, int]:
    """What was wrong after so many kills, and how many records were acknowledged."""
    history = History(folder / "history.jsonl")
    with running_broker(folder / "data", "--flush", flush, module=module) as broker:
        create_topic(broker.bootstrap, "quakes", PARTITIONS)
        senders = [
            Sender(f"p{number}", broker.bootstrap, "quakes", number % PARTITIONS, history, idempotent=module == "tivo")
            for number in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        try:
            _kill_again_and_again(broker, kills, senders, history)
        finally:
            for sender in senders:
                sender.stop()
        gives_up_s = None if module == "tivo" else 5.0  # a broker that loses records may have no end to come to
        read_all(broker.bootstrap, "quakes", PARTITIONS, history, "last pass", gives_up_s=gives_up_s)
    history.close()
    entries = list(read_history(folder / "history.jsonl"))
    acknowledged = sum(entry.operation == "send" and entry.outcome == "ok" for entry in entries)
    return check(entries), acknowledged


def _kill_again_and_again(broker: BrokerProcess, kills: int, senders: list[Sender], history: History) -> None:
    dice = random.Random(3)
    for number in range(1, kills + 1):
        _wait_for_progress(senders)
        threading.Event().wait(dice.uniform(0.02, 0.25))
        broker.kill()
        if number % 4 == 0:
            broker.start_and_kill(after_s=dice.uniform(0.1, 1.0))
        broker.start()
        if number % EVERY == 0:
            read_all(broker.bootstrap, "quakes", PARTITIONS, history, f"pass {number}")


def _wait_for_progress(senders: list[Sender]) -> None:
    """Until every sender has had something acknowledged since now."""
    before = [sender.acknowledged for sender in senders]
    for _ in range(6_000):
        if all(sender.acknowledged > count for sender, count in zip(senders, before, strict=True)):
            return
        threading.Event().wait(0.01)
    raise AssertionError("a sender had nothing acknowledged for a minute")
