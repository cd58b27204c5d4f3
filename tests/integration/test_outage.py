"""Kafka is away: before the agent starts, and in the middle of its work."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.agent import REPOSITORY, AgentProcess, Load, Stored, eventually, running
from tests.integration.history import Verdict
from tests.support.kafka import Kafka, free_ports
from tivo.client.cluster import Cluster


class Embedded:
    """An embedded broker that may be killed and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        self.bootstrap = f"127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "tests.compat.broker_process", str(folder / "log"), "--port", str(port)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()


@pytest.fixture(params=[pytest.param(Kafka, marks=pytest.mark.needs("java")), Embedded])
def broker(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    made = request.param(tmp_path)
    yield made
    made.kill()


async def test_agent_waits_for_kafka_and_goes_on_after_it_was_killed(
    broker: Kafka | Embedded, data: Path, stored: Stored, topic: str
) -> None:
    agent = AgentProcess(broker.bootstrap, data)
    with running(agent):

        async def it_listens() -> bool:
            return "no place yet" in agent.ask("/readyz")

        await eventually(it_listens, "the agent tells that it waits")

        broker.start()
        load = Load(broker.bootstrap, topic).send(200)
        async with Cluster(broker.bootstrap) as cluster:
            assert Verdict() == await stored.verdict(load, cluster)

        broker.kill()
        broker.start()
        load.send(200)
        async with Cluster(broker.bootstrap) as cluster:
            assert Verdict() == await stored.verdict(load, cluster)


async def test_agent_without_kafka_stops(data: Path) -> None:
    (port,) = free_ports(1)
    agent = AgentProcess(f"127.0.0.1:{port}", data)
    with running(agent):

        async def it_listens() -> bool:
            return agent.ask("/readyz") != ""

        await eventually(it_listens, "the agent listens on its private port")

        assert 0 == agent.stop()
