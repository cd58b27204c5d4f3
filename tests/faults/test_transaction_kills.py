"""kill -9 of a real broker under transactions: each ends whole, everywhere or nowhere, and stays so."""

import random
import threading
from pathlib import Path

import pytest

from tests.support.broker_process import create_topic, running_broker
from tests.support.transaction_history import check
from tests.support.transaction_process import Transactor, committed_offset, read_committed

PARTITIONS = 3
TRANSACTORS = 3
EVERY = 5
"""After so many kills all is read in between: what was read once must stay."""


@pytest.mark.timeout(7_200)
def test_transactions_are_whole_over_kills(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    kills = int(request.config.getoption("--kills"))
    dice = random.Random(5)
    earlier: set[str] = set()
    with running_broker(tmp_path / "data") as broker:
        create_topic(broker.bootstrap, "quakes", PARTITIONS)
        transactors = [
            Transactor(f"p{number}", broker.bootstrap, "quakes", PARTITIONS) for number in range(TRANSACTORS)
        ]
        for transactor in transactors:
            transactor.start()
        try:
            for number in range(1, kills + 1):
                _wait_for_progress(transactors)
                threading.Event().wait(dice.uniform(0, 0.05))  # a moment within a transaction, at random
                broker.kill()
                broker.start()
                if number % EVERY == 0:
                    earlier.update(
                        name for names in read_committed(broker.bootstrap, "quakes", PARTITIONS) for name in names
                    )
        finally:
            for transactor in transactors:
                transactor.stop()
        for transactor in transactors:
            transactor.close()
        seen = read_committed(broker.bootstrap, "quakes", PARTITIONS)
        offsets = {each.name: committed_offset(broker.bootstrap, each.name, "quakes") for each in transactors}

    ended = [each for transactor in transactors for each in transactor.ended]

    assert "" == str(check(ended, seen, offsets, earlier=earlier))
    committed = sum(each.outcome == "committed" for each in ended)
    assert committed >= 2 * kills
    unknown = sum(each.outcome == "unknown" for each in ended)
    print(f"{kills} kills, {committed} transactions committed, {unknown} cut off at their end, all of them whole")


def _wait_for_progress(transactors: list[Transactor]) -> None:
    """Until every transactor has committed something since now."""
    before = [transactor.committed for transactor in transactors]
    for _ in range(6_000):
        if all(each.committed > count for each, count in zip(transactors, before, strict=True)):
            return
        threading.Event().wait(0.01)
    raise AssertionError("a transactor has committed nothing for a minute")
