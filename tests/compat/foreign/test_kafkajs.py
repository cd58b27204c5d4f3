"""kafkajs (JavaScript, no librdkafka) against our broker: what a program does with it, and sees."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.running import RunningBroker
from tests.support.cache import cached, fetch

HERE = Path(__file__).parent / "javascript"
VERSION = json.loads((HERE / "package.json").read_text())["dependencies"]["kafkajs"]
pytestmark = pytest.mark.client(f"kafkajs {VERSION}")

Do = Callable[[str], Any]


def values(count: int) -> list[str]:
    return [f"value {number}" for number in range(count)]


@pytest.fixture(scope="session")
def packages(npm: str) -> Path:
    """Folder with the packages of npm that package.json pins."""

    def fill(folder: Path) -> None:
        (folder / "package.json").write_bytes((HERE / "package.json").read_bytes())
        fetch(npm, "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=folder)

    return cached(f"kafkajs-{VERSION}", fill)


@pytest.fixture
def do(node: str, packages: Path, broker: RunningBroker, topic: str) -> Do:
    """Runs one deed of kafkajs.js, on a topic of its own; gives what it saw."""

    def run(deed: str) -> Any:
        told = subprocess.run(
            [node, HERE / "kafkajs.js", broker.bootstrap, deed, topic],
            env={**os.environ, "TIVO_NODE_MODULES": str(packages), "KAFKAJS_NO_PARTITIONER_WARNING": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 0, told.stderr + told.stdout
        return json.loads(told.stdout)

    return run


def test_what_is_produced_is_consumed(do: Do) -> None:
    assert values(200) == do("codec")


def test_everything_of_a_record_comes_back(do: Do) -> None:
    assert {
        "key": "key",
        "value": "value",
        "colour": "red",
        "timestamp": "1234567890123",
        "tombstone": None,
    } == do("record")


def test_idempotent_producer(do: Do) -> None:
    assert {"errors": [0], "values": values(50)} == do("idempotent")


def test_group_goes_on_where_it_committed(do: Do) -> None:
    assert {"first": values(10)[:4], "second": values(10)[4:]} == do("group")


def test_members_share_partitions_and_take_over(do: Do) -> None:
    assert {"state": "Stable", "protocol": "RoundRobinAssigner", "members": ["one", "two"], "left": 4} == do(
        "rebalance"
    )


def test_topics_are_made_described_grown_and_deleted(do: Do, broker: RunningBroker) -> None:
    assert {
        "made": True,
        "again": False,
        "partitions": 3,
        "retention": "60000",
        "brokers": [broker.bootstrap],
        "listed": False,
    } == do("topics")


def test_offsets_are_told_set_and_reset(do: Do) -> None:
    assert {
        "low": "0",
        "high": "3",
        "timed": "1",
        "before": "3",
        "set": "1",
        "reset": "-2",  # the start, as kafkajs names it
        "listed": True,
    } == do("offsets")


def test_transaction_commits_records_and_offsets_or_nothing(do: Do) -> None:
    assert ["input", *values(3), "last"] == do("transaction")
