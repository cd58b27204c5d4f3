"""From the past into the live stream, while the agent is killed at random: nothing missing, nothing twice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise

import aiokafka
import pytest

from tests.support.tivo import Tivo
from tests.support.watching import Place, Watching, watching
from tivo.client.cluster import Cluster
from tivo.model.timeline import SECOND_US
from tivo.service import now

RATE = 500
PARTITIONS = 2
VIEWERS = 5
HISTORY_S = 3.0
LIVE_EVENTS = 300

pytestmark = pytest.mark.timeout(600)


@asynccontextmanager
async def producing(bootstrap: str, topic: str) -> AsyncIterator[dict[Place, int]]:
    """500 events a second, a few dated a little before or after. Yields place → time of all acknowledged."""
    held: dict[Place, int] = {}
    draw = random.Random(topic)

    async def produce(producer: aiokafka.AIOKafkaProducer) -> None:
        due_us, number = now().steady_us, 0
        while True:
            due_us += SECOND_US // RATE
            await asyncio.sleep(max(0, due_us - now().steady_us) / 1e6)
            late_or_early_ms = draw.choice((-2_000, -300, 40, 700)) if draw.random() < 0.01 else 0
            time_ms = now().wall_us // 1_000 + late_or_early_ms
            number += 1
            sending = await producer.send(
                topic, value=b'{"n": %d}' % number, partition=number % PARTITIONS, timestamp_ms=time_ms
            )
            sending.add_done_callback(partial(keep, time_ms * 1_000))

    def keep(time_us: int, sent: asyncio.Future[aiokafka.structs.RecordMetadata]) -> None:
        if not sent.cancelled():  # its own timestamp is that of the first record in its batch
            at = sent.result()
            held[at.topic, at.partition, at.offset] = time_us

    async with (
        aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer,
        asyncio.TaskGroup() as tasks,
    ):
        task = tasks.create_task(produce(producer))
        yield held
        task.cancel()
        await producer.flush()


async def cut_over(up: Tivo, topic: str, speed: float) -> tuple[int, Watching]:
    """Play the last seconds, faster than they came, and stay on for some live events."""
    start_us = now().wall_us - int(HISTORY_S * SECOND_US)
    async with watching(f"{up.socket}/ws/{topic}") as viewer:
        await viewer.send(action="play", start=start_us, speed=speed)
        await viewer.until_type("caught_up")
        seen = len(viewer.events)
        await viewer.until(lambda _: len(viewer.events) >= seen + LIVE_EVENTS)
    return start_us, viewer


def check(start_us: int, viewer: Watching, held: dict[Place, int]) -> None:
    """Everything owed up to the last event of each partition came exactly once, and live events in offset order."""
    came = Counter(viewer.places())
    last = {partition: max(offset for _, p, offset in came if p == partition) for partition in range(PARTITIONS)}
    owed = {place for place, time_us in held.items() if time_us >= start_us and place[2] <= last[place[1]]}

    assert [] == [place for place, count in came.items() if count > 1], "twice"
    assert [] == sorted(owed - came.keys()), "missing"
    early = [
        (event["offset"], event["time_us"] - start_us, event["live"], event.get("late"))
        for event in viewer.events
        if event["time_us"] < start_us
    ]
    assert [] == early, "not asked for"
    assert [] == viewer.of_type("gap")
    for partition in range(PARTITIONS):
        live = [event["offset"] for event in viewer.events if event["live"] and event["partition"] == partition]
        assert all(earlier < later for earlier, later in pairwise(live)), "live events out of order"


async def kill_agents(up: Tivo, draw: random.Random) -> None:
    while True:
        await asyncio.sleep(draw.uniform(0.5, 3.0))
        pid = up.ready["pids"]["agent"]
        up.kill("agent")
        await asyncio.to_thread(up.wait_for_restart, "agent", pid)


async def test_cut_overs_under_random_kills_of_the_agent(up: Tivo, topic: str, request: pytest.FixtureRequest) -> None:
    cut_overs = request.config.getoption("kills") * VIEWERS
    draw = random.Random(cut_overs)
    async with Cluster(up.kafka) as cluster:
        await cluster.create_topic(topic, partitions=PARTITIONS)
    done: list[tuple[int, Watching]] = []

    async with producing(up.kafka, topic) as held, asyncio.TaskGroup() as tasks:
        killing = tasks.create_task(kill_agents(up, draw))
        await asyncio.sleep(HISTORY_S)
        while len(done) < cut_overs:
            speeds = [draw.choice((2.0, 5.0, 20.0)) for _ in range(VIEWERS)]
            done += await asyncio.gather(*(cut_over(up, topic, speed) for speed in speeds))
        killing.cancel()

    for start_us, viewer in done:
        check(start_us, viewer, held)
    events = sum(len(viewer.events) for _, viewer in done)
    print(f"{len(done)} cut-overs, {events} events seen, {len(held)} produced: 0 missing, 0 twice")
