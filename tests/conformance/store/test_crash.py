"""A writer that is killed at any step leaves its frontier and its events in step."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.store.stores import BUCKET_US, TOPIC_ID, everything, url
from tests.conformance.store.writing import event
from tivo.model.timeline import DAY_US, Window
from tivo.store.base import Store
from tivo.store.open import open_store

ROOT = Path(__file__).parents[3]


def write_and_kill(address: str, lines: int) -> tuple[int, int]:
    """Let a writer go on for so many acknowledged writes, and kill it; the last frontiers that it told."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.store.writing", address], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            told = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines(keepends=True)
    told = next((line for line in reversed(rest) if line.endswith("\n")), told)
    first, second = map(int, told.split())
    return first, second


async def check(store: Store, told: tuple[int, int]) -> None:
    frontier = await store.frontier(TOPIC_ID)
    events = await everything(store, limit=500)

    assert told[0] <= frontier[0] and told[1] <= frontier[1]
    assert sorted(event(partition, offset) for partition in (0, 1) for offset in range(frontier[partition])) == events
    for partition in (0, 1):
        rows = await store.ledger(TOPIC_ID, above={}, upto={partition: frontier[partition]})
        assert [0, *(row.next for row in rows)] == [*(row.base for row in rows), frontier[partition]]
        assert frontier[partition] == sum(row.events for row in rows)
    assert len(events) == sum((await store.overview(TOPIC_ID, Window(-DAY_US, DAY_US), 100)).counts)
    assert len(events) == sum(topic.events for topic in await store.topics())


async def test_killed_writer_leaves_frontier_and_events_in_step(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    address = url("sqlite", tmp_path)
    chance = random.Random(pytestconfig.getoption("--kills"))

    for _ in range(pytestconfig.getoption("--kills")):
        told = write_and_kill(address, chance.randrange(1, 120))

        async with open_store(address, read_only=True) as store:
            await check(store, told)
    async with open_store(address, bucket_us=BUCKET_US) as store:
        while await store.merge(before_us=DAY_US, limit=500):
            pass
        await check(store, told)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
