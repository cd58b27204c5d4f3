"""A broker for each file of foreign tests, set up as these expect theirs to be; and the lists of justified misses."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.foreign.verdict import Misses
from tests.compat.running import RunningBroker
from tivo.model.timeline import SECOND_US


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """Topics have 4 partitions where nobody says, and sessions may be short, as in the brokers of these suites."""
    data = tmp_path_factory.mktemp("foreign") / "data"
    running = RunningBroker(data, default_partitions=4, shortest_session_us=SECOND_US)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def misses() -> Misses:
    """By suite, the tests that our broker does not pass, each with its reason."""
    return tomllib.loads((Path(__file__).parent / "misses.toml").read_text(encoding="utf-8"))
