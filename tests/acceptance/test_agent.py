"""How soon the agent does what it does, with room for a busy machine; and what keeps tivo from starting no longer."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent import REPOSITORY, AgentProcess, Load, Stored, eventually, ready, running
from tests.integration.history import Verdict
from tests.support.kafka import free_ports
from tests.support.tivo import Tivo, tivo_up, until
from tests.support.undecodable import append, undecodable
from tivo.client.cluster import Cluster
from tivo.model.event import Page
from tivo.store.open import open_store

NEW_TOPIC_S = 10.0
STOP_S = 5.0


@pytest.fixture
def bootstrap(tmp_path: Path) -> Iterator[str]:
    """Bootstrap address of an embedded broker."""
    command = [sys.executable, "-m", "tests.compat.broker_process", str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.terminate()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def stop_and_time(agent: AgentProcess) -> float:
    began = time.perf_counter()
    assert 0 == agent.stop()
    return time.perf_counter() - began


async def test_topic_made_while_the_agent_runs_is_stored_soon(bootstrap: str, data: Path, topic: str) -> None:
    agent, stored = AgentProcess(bootstrap, data), Stored(data)
    async with Cluster(bootstrap) as cluster:
        with running(agent):
            await ready(agent)

            await cluster.create_topic(topic, partitions=1)
            began = time.perf_counter()

            assert Verdict() == await stored.verdict(Load(bootstrap, topic).send(1), cluster)
            assert NEW_TOPIC_S > time.perf_counter() - began
    await stored.close()


async def test_agent_at_work_stops_soon(bootstrap: str, data: Path, topic: str) -> None:
    agent, stored = AgentProcess(bootstrap, data), Stored(data)
    async with Cluster(bootstrap) as cluster:
        with running(agent):
            await stored.verdict(Load(bootstrap, topic).send(100), cluster)

            assert STOP_S > stop_and_time(agent)
    await stored.close()


async def test_agent_whose_store_is_away_stops_soon(bootstrap: str, data: Path, topic: str) -> None:
    away = data / "away"
    away.touch()
    faults = {"away_file": str(away)}
    agent = AgentProcess(bootstrap, data, script="tests.integration.faulty_agent", faults=faults)
    Load(bootstrap, topic).send(10)
    with running(agent):

        async def it_has_tried() -> bool:
            return 1 <= agent.metric("tivo_agent_store_retries_total")

        await eventually(it_has_tried, "the agent has tried the store")

        assert STOP_S > stop_and_time(agent)


async def test_agent_without_kafka_stops_soon(data: Path) -> None:
    (port,) = free_ports(1)
    agent = AgentProcess(f"127.0.0.1:{port}", data)
    with running(agent):

        async def it_listens() -> bool:
            return agent.ask("/readyz") != ""

        await eventually(it_listens, "the agent listens on its private port")

        assert STOP_S > stop_and_time(agent)


# ---------------------------------------------------------------- tivo up


def get(up: Tivo, path: str) -> Any:
    with urllib.request.urlopen(up.http + path, timeout=10) as answer:
        return json.load(answer)


def events_of(up: Tivo, topic: str) -> int:
    held: dict[str, int] = {each["name"]: each["events"] - each["pending"] for each in get(up, "/v1/topics")["topics"]}
    return held.get(topic, 0)


def test_record_that_cannot_be_decoded_keeps_tivo_neither_from_going_on_nor_from_starting(
    tmp_path: Path, topic: str
) -> None:
    with tivo_up(tmp_path) as up:
        Load(up.kafka, topic).send(1)
        asyncio.run(append(up.kafka, topic, 0, undecodable()))

        until(lambda: 3 == events_of(up, topic), "all but one of the records to be stored")

    with tivo_up(tmp_path) as up:
        Load(up.kafka, topic).send(1)

        until(lambda: 4 == events_of(up, topic), "what came later to be stored")


def test_partition_whose_log_went_back_does_not_keep_tivo_from_starting(tmp_path: Path, topic: str) -> None:
    with tivo_up(tmp_path) as up:
        Load(up.kafka, topic).send(1)
        until(lambda: 1 == events_of(up, topic), "the record to be stored")
    asyncio.run(pretend_to_hold_more(tmp_path / "data", topic))

    with tivo_up(tmp_path) as up:
        Load(up.kafka, f"{topic}-too").send(1)

        until(lambda: 1 == events_of(up, f"{topic}-too"), "the other topic to be stored")
        assert "is stopped" in up.messages.read_text()


async def pretend_to_hold_more(data: Path, topic: str) -> None:
    """Move the frontier of a topic beyond the end of its log."""
    async with open_store(f"sqlite:///{data / 'events.db'}") as store:
        (topic_id,) = [each.topic_id for each in await store.topics() if each.topic == topic]
        await store.write(Page(topic=topic, topic_id=topic_id, partition=0, base=1, next=50, events=()))
