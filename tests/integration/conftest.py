"""Each test runs against a real Kafka and the embedded broker in turn, with a topic and a store of its own."""

import json
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.agent import REPOSITORY, AgentProcess, Load, Stored
from tivo.client.cluster import Cluster


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of an embedded broker, shared by the whole run: use topics of your own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.compat.broker_process", str(tmp_path_factory.mktemp("broker"))],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        yield f"127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.terminate()


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.needs("kafka")), "embedded"])
def bootstrap(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def cluster(bootstrap: str) -> AsyncIterator[Cluster]:
    async with Cluster(bootstrap) as asked:
        yield asked


@pytest.fixture
def topic() -> str:
    return f"topic-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / uuid.uuid4().hex[:8]
    folder.mkdir()
    return folder


@pytest.fixture
async def stored(data: Path) -> AsyncIterator[Stored]:
    held = Stored(data)
    yield held
    await held.close()


@pytest.fixture
def load(bootstrap: str, topic: str) -> Load:
    return Load(bootstrap, topic)


@pytest.fixture
def agent(bootstrap: str, data: Path) -> AgentProcess:
    return AgentProcess(bootstrap, data)
