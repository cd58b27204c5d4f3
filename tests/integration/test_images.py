"""The agent builds images while it persists, and goes on with them after kills."""

from pathlib import Path

from tests.conformance.store.test_images import brute_force
from tests.integration.agent import AgentProcess, Load, Stored, eventually, running
from tests.integration.history import Verdict
from tivo.client.cluster import Cluster
from tivo.store.open import open_store
from tivo.store.state import Place, before, state


async def test_killed_agents_leave_images_that_tell_the_state(
    bootstrap: str, data: Path, cluster: Cluster, load: Load, stored: Stored, topic: str, kills: int
) -> None:
    await cluster.create_topic(topic, partitions=2)
    topic_id = (await cluster.topic_ids((topic,)))[topic]
    agent = AgentProcess(bootstrap, data, variables={"TIVO_AGENT_IMAGE_BYTES": "2000"})

    async with open_store(f"sqlite:///{data / 'events.db'}", read_only=True) as store:

        async def images() -> int:
            return sum([len((await store.imaged(topic_id, partition)).heads) for partition in (0, 1)])

        with load.flowing(rate=1_000):
            for _ in range(kills):
                known = await images()

                async def there_are_more(than: int = known) -> bool:
                    return than < await images()

                with running(agent):
                    await eventually(there_are_more, "the agent builds images")

        with running(agent):
            assert Verdict() == await stored.verdict(load, cluster)
        events = await stored.events(topic_id)
        frontier = await store.frontier(topic_id)
        for at_us in (events[0].time_us, events[len(events) // 2].time_us, events[-1].time_us + 1):
            place = Place(topic_id=topic_id, until=before(topic, at_us), upto=frontier)
            found = [event async for page in state(store, place) for event in page]
            assert brute_force(events, place) == found
