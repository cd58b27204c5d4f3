"""kill -9 of a real broker under load: nothing acknowledged is lost, doubled, moved or out of order."""

import random
import threading
from pathlib import Path

import pytest

from tests.support.broker_process import Sender, create_topic, read_all, running_broker
from tests.support.history import History, check, read_history

PARTITIONS = 3
SENDERS = 6
EVERY = 25
"""After so many kills the log is read as a whole in between: what was read once must stay as it was."""


@pytest.mark.timeout(7_200)
def test_kills_lose_double_and_move_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    kills = int(request.config.getoption("--kills"))
    dice = random.Random(3)
    history = History(tmp_path / "history.jsonl")
    with running_broker(tmp_path / "data") as broker:
        create_topic(broker.bootstrap, "quakes", PARTITIONS)
        senders = [
            Sender(f"p{number}", broker.bootstrap, "quakes", number % PARTITIONS, history) for number in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        try:
            for number in range(1, kills + 1):
                _wait_for_progress(senders)
                threading.Event().wait(dice.uniform(0.02, 0.25))
                broker.kill()
                if number % 4 == 0:
                    broker.start_and_kill(after_s=dice.uniform(0.1, 1.0))
                broker.start()
                if number % EVERY == 0:
                    read_all(broker.bootstrap, "quakes", PARTITIONS, history, f"pass {number}")
        finally:
            for sender in senders:
                sender.stop()
        read_all(broker.bootstrap, "quakes", PARTITIONS, history, "last pass")
    history.close()

    entries = list(read_history(tmp_path / "history.jsonl"))

    assert "" == str(check(entries))
    acknowledged = sum(entry.operation == "send" and entry.outcome == "ok" for entry in entries)
    assert acknowledged >= 100 * kills
    print(f"{kills} kills, {acknowledged} acknowledged records, nothing lost")


def _wait_for_progress(senders: list[Sender]) -> None:
    """Until every sender has had something acknowledged since now."""
    before = [sender.acknowledged for sender in senders]
    for _ in range(6_000):
        if all(sender.acknowledged > count for sender, count in zip(senders, before, strict=True)):
            return
        threading.Event().wait(0.01)
    raise AssertionError("a sender had nothing acknowledged for a minute")
