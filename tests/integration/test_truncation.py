"""A log that lost its end, as by a loss of power under `log.flush = os`: the store follows it, by the real agent."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.compat.running import RunningBroker
from tests.integration.agent import AgentProcess, Load, Stored, eventually, running
from tivo.client.cluster import Cluster


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    made = RunningBroker(tmp_path / "log", flush="os")
    made.start()
    yield made
    made.kill()


def lose_power(broker: RunningBroker, topic: str) -> None:
    """Kill the broker, and let its disk have lost what was never synced: the mark, and half of the log."""
    broker.kill()
    directory = broker.data / f"{topic}-0"
    (directory / "synced").write_bytes(b"")
    (segment,) = directory.glob("*.log")
    whole = segment.read_bytes()
    segment.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("more", [0, 300], ids=["shorter", "longer than before by the time"])
async def test_the_store_follows_a_log_that_lost_its_end(
    broker: RunningBroker, data: Path, stored: Stored, topic: str, more: int
) -> None:
    load = Load(broker.bootstrap, topic)
    async with Cluster(broker.bootstrap) as cluster:
        await cluster.create_topic(topic)
        topic_id = (await cluster.topic_ids((topic,)))[topic]
        for _ in range(20):  # each a batch of its own
            load.send(10)
    agent = AgentProcess(broker.bootstrap, data)
    with running(agent):

        async def it_ends_at(offset: int) -> bool:
            return {0: offset} == await stored.frontier(topic_id)

        await eventually(partial(it_ends_at, 200), "everything is stored")
        if more:
            agent.stop()
        lose_power(broker, topic)
        broker.start()
        async with Cluster(broker.bootstrap) as cluster:
            end = (await cluster.log_ends(topic))[0]
        assert 0 < end < 200
        load = Load(broker.bootstrap, topic)  # the other one would find that its sequence is broken
        if more:
            load.send(more)
            agent.start()

        await eventually(partial(it_ends_at, end + more), f"the store ends at {end + more}, as the log does")

        told = {(event.partition, event.offset): event.value for event in await stored.events(topic_id)}
        assert [(0, offset) for offset in range(end + more)] == sorted(told)
        assert load.acknowledged.items() <= told.items()
        assert 200 - end == agent.metric("tivo_agent_truncated_offsets_total", topic)
        assert "the log has lost its end" in agent.log_text()
