"""The agent stores every record once: while it runs, across kills, and when the store fails it."""

import random
from pathlib import Path

import pytest

from tests.integration.agent import AgentProcess, Load, Stored, eventually, ready, running
from tests.integration.history import Verdict
from tivo.client.cluster import Cluster

FAULTY = "tests.integration.faulty_agent"


async def test_records_are_stored_once_with_their_values(
    agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=3)

    with running(agent):
        load.send(5_000)

        assert Verdict() == await stored.verdict(load, cluster)


async def test_topic_made_while_the_agent_runs_is_stored(
    agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    with running(agent):
        await ready(agent)

        await cluster.create_topic(topic, partitions=1)
        load.send(1)

        assert Verdict() == await stored.verdict(load, cluster)


async def test_stop_ends_with_zero(agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored) -> None:
    load.send(100)
    with running(agent):
        await stored.verdict(load, cluster)

        assert 0 == agent.stop()


def test_settings_that_cannot_be_are_refused(data: Path) -> None:
    agent = AgentProcess("127.0.0.1:1", data, variables={"TIVO_STORE_URL": "cassandra:///events"})
    with running(agent):
        assert agent.process is not None

        assert 78 == agent.process.wait(20)
        assert "cassandra" in agent.log_text()


async def test_killed_agents_lose_and_double_nothing(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str, kills: int
) -> None:
    await cluster.create_topic(topic, partitions=4)
    workers = [AgentProcess(bootstrap, data), AgentProcess(bootstrap, data)]

    with running(*workers), load.flowing(rate=1_000):
        for _ in range(kills):
            victim = random.choice(workers)
            held = len(load.acknowledged)

            async def more_is_stored(count: int = held) -> bool:
                ids = await cluster.topic_ids((topic,))
                return count < sum((await stored.frontier(ids[topic])).values())

            await eventually(more_is_stored, "the agents go on storing")
            victim.kill()
            victim.start()

    with running(*workers):
        assert Verdict() == await stored.verdict(load, cluster)


async def test_two_workers_share_the_partitions(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=4)
    workers = [AgentProcess(bootstrap, data), AgentProcess(bootstrap, data)]

    with running(*workers), load.flowing(rate=500):

        async def both_store() -> bool:
            return all(worker.metric("tivo_agent_events_stored_total") for worker in workers)

        await eventually(both_store, "both workers store events")

    with running(*workers):
        assert Verdict() == await stored.verdict(load, cluster)


async def test_agent_that_raises_loses_and_doubles_nothing(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=2)
    agent = AgentProcess(bootstrap, data, script=FAULTY, faults={"raise_share": 0.03})

    with running(agent):

        async def it_has_raised() -> bool:
            return 3 <= agent.log_text().count("an agent failed")

        with load.flowing(rate=1_000):
            await eventually(it_has_raised, "the agent has raised")

        assert Verdict() == await stored.verdict(load, cluster)


async def test_checker_turns_red_for_pages_that_skip_the_frontier_compare(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=1)
    agent = AgentProcess(bootstrap, data, script=FAULTY, faults={"mutant": topic})

    with running(agent):

        async def it_has_raised() -> bool:
            return "an agent failed" in agent.log_text()

        async def it_has_gone_on() -> bool:
            topic_id = (await cluster.topic_ids((topic,)))[topic]
            return (await stored.frontier(topic_id)).get(0, 0) > acknowledged

        with load.flowing(rate=200):
            await eventually(it_has_raised, "the agent has raised")
            acknowledged = len(load.acknowledged)
            await eventually(it_has_gone_on, "the agent has gone on")

        assert (await stored.verdict(load, cluster)).missing


async def test_store_that_is_away_is_waited_for(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=2)
    away = data / "away"
    away.touch()
    agent = AgentProcess(bootstrap, data, script=FAULTY, faults={"away_file": str(away)})

    with running(agent):

        async def it_has_tried() -> bool:
            return 5 <= agent.metric("tivo_agent_store_retries_total")

        load.send(3_000)
        await eventually(it_has_tried, "the agent has tried the store")
        away.unlink()
        assert Verdict() == await stored.verdict(load, cluster)

        away.touch()
        load.send(10)
        assert 0 == agent.stop()


async def test_poison_goes_into_quarantine_and_the_rest_is_stored(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=1)
    agent = AgentProcess(bootstrap, data, script=FAULTY, faults={"poison": "poison"})
    load.send(500).send(1, value=lambda _: b"poison").send(500)

    with running(agent):
        verdict = await stored.verdict(load, cluster)

        topic_id = (await cluster.topic_ids((topic,)))[topic]
        assert Verdict(missing=[(0, 500)]) == verdict
        assert [(0, 500)] == await stored.quarantined(topic_id)
        assert 1 == agent.metric("tivo_agent_quarantined_events_total", topic)


@pytest.mark.parametrize("kept", [0, 4])
async def test_topic_made_anew_is_stored_from_its_first_record(
    agent: AgentProcess, bootstrap: str, cluster: Cluster, load: Load, stored: Stored, topic: str, kept: int
) -> None:
    await cluster.create_topic(topic, partitions=1)
    load.send(3)
    with running(agent):
        assert Verdict() == await stored.verdict(load, cluster)
        old_id = (await cluster.topic_ids((topic,)))[topic]
        await cluster.delete_topic(topic)

        async def is_gone() -> bool:
            return topic not in await cluster.topics()

        await eventually(is_gone, "the topic is gone")
        await cluster.create_topic(topic, partitions=1)
        again = Load(bootstrap, topic).send(2 + kept)  # fewer and more than the old one had

        assert Verdict() == await stored.verdict(again, cluster)
        assert load.acknowledged == {(e.partition, e.offset): e.value for e in await stored.events(old_id)}
