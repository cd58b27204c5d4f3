"""A builder that is killed at any step leaves images that are right, and the next one goes on from them."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.store.stores import BUCKET_US, TOPIC_ID, everything, url
from tests.conformance.store.test_image_builder import builder, check_images, turn
from tests.conformance.store.test_images import brute_force, place_at, state_at
from tivo.store.open import open_store

ROOT = Path(__file__).parents[3]


def build_and_kill(address: str, chance: random.Random) -> None:
    """Let a builder go on for so many turns and a moment, and kill it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.store.building", address], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 12)):
            assert process.stdout.readline() == "0\n"
        process.send_signal(signal.SIGKILL)


async def test_killed_builder_leaves_images_that_are_right(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    address = url("sqlite", tmp_path)
    chance = random.Random(pytestconfig.getoption("--kills"))

    for _ in range(pytestconfig.getoption("--kills")):
        build_and_kill(address, chance)

        async with open_store(address, read_only=True) as store:
            await check_images(store, 0)
            events = await everything(store)
            place = await place_at(store, chance.randrange(events[0].time_us, events[-1].time_us + 2))
            assert brute_force(events, place) == await state_at(store, place)

    async with open_store(address, bucket_us=BUCKET_US) as store:
        before = len((await store.imaged(TOPIC_ID, 0)).heads)
        assert 0 == await turn(builder(store, every_bytes=2_000), store)
        assert 0 < before <= len((await store.imaged(TOPIC_ID, 0)).heads)
        await check_images(store, 0)
