"""What the agent takes: `python -m tests.benchmarks.bench_agent [--events N] [--kafka]`.

A worker in its own process reads from the embedded broker in another (`--kafka`: a real Kafka in
their place) and writes into SQLite, every commit on stable storage. Catch-up is timed from the
first event stored to the last; latency from the call that produces a record to the moment at which
another process reads a frontier behind it.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from confluent_kafka import KafkaError, Message, Producer

from tests.benchmarks import machine
from tests.integration.agent import REPOSITORY, AgentProcess, Stored, eventually, running
from tests.support.kafka import find_kafka
from tests.support.kafka import running as running_kafka
from tivo.client.cluster import Cluster

Row = tuple[str, str, str, bool]

WARM_UP_S, MEASURED_S = 2.0, 10.0
POLL_S = 0.001
RATES = (100, 1_000)


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.compat.broker_process", str(folder / "log")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.terminate()


def fill(bootstrap: str, topic: str, events: int) -> None:
    """Events of 100 bytes with a key of one of 1,000 sources."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 50, "batch.size": 2**19, "queue.buffering.max.messages": 10**7}
    )
    filler = b"x" * 66
    for number in range(events):
        producer.produce(topic, b'{"value":%010d,"more":"%b"}' % (number, filler), b"source-%03d" % (number % 1_000))
        if number % 1_000 == 0:
            producer.poll(0)
    assert not producer.flush(120)


async def catch_up(bootstrap: str, data: Path, events: int) -> list[Row]:
    topic = "catch-up"
    stored = Stored(data)
    async with Cluster(bootstrap) as cluster:
        await cluster.create_topic(topic, partitions=1)
        fill(bootstrap, topic, events)
        topic_id = (await cluster.topic_ids((topic,)))[topic]
    agent = AgentProcess(bootstrap, data)
    with running(agent):

        async def held() -> int:
            return (await stored.frontier(topic_id)).get(0, 0)

        async def some() -> bool:
            return await held() > 0

        async def all_of_it() -> bool:
            return await held() == events

        await eventually(some, "the first page is stored")
        before, began, cpu_before = await held(), time.perf_counter(), agent.cpu_seconds()
        await eventually(all_of_it, f"{events} events are stored", within_s=300)
        seconds, cpu_seconds = time.perf_counter() - began, agent.cpu_seconds() - cpu_before
    await stored.close()
    caught = events - before
    per_core = caught / cpu_seconds
    return [
        (f"catch-up of {caught:,} events, wall time", f"{caught / seconds / 1e3:,.0f} k events/s", "", True),
        ("CPU time of the worker", f"{cpu_seconds:.1f} s, {cpu_seconds / caught * 1e6:.2f} µs an event", "", True),
        ("events a second of one core", f"{per_core / 1e3:,.0f} k events/s", "≥ 150 k", per_core >= 150e3),
    ]


async def latency(bootstrap: str, data: Path, rate: int) -> Row:
    topic = f"latency-{rate}"
    sent: dict[int, float] = {}
    stored = Stored(data)
    async with Cluster(bootstrap) as cluster:
        await cluster.create_topic(topic, partitions=1)
        topic_id = (await cluster.topic_ids((topic,)))[topic]
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0})
    took: list[float] = []
    with running(AgentProcess(bootstrap, data)):
        due, known = time.perf_counter(), 0
        begin, end = float("inf"), float("inf")  # set when the agent has stored its first
        while known < len(sent) or time.perf_counter() < end:
            now = time.perf_counter()
            while due <= min(now, end):
                producer.produce(topic, b'{"at":%.6f,"more":"%b"}' % (now, b"x" * 70), on_delivery=_noted(sent, now))
                due += 1 / rate
            producer.poll(0)
            frontier = (await stored.frontier(topic_id)).get(0, 0)
            now = time.perf_counter()
            if frontier and begin > now + WARM_UP_S:
                begin, end = now + WARM_UP_S, now + WARM_UP_S + MEASURED_S
            while known < frontier and known in sent:
                if sent[known] > begin:
                    took.append(now - sent[known])
                known += 1
            await asyncio.sleep(POLL_S)
    await stored.close()
    took.sort()
    p50, p99 = (took[int(len(took) * share)] * 1e3 for share in (0.5, 0.99))
    return (
        f"produced to stored at {rate:,} events/s, p50 / p99",
        f"{p50:.0f} / {p99:.0f} ms",
        "p99 ≤ 500 ms",
        p99 <= 500,
    )


def _noted(sent: dict[int, float], at: float):  # type: ignore[no-untyped-def]
    def note(error: KafkaError | None, message: Message) -> None:
        offset = message.offset()
        assert error is None and offset is not None
        sent[offset] = at

    return note


async def measure(bootstrap: str, folder: Path, events: int) -> list[Row]:
    for name in ("catch-up", *RATES):
        (folder / str(name)).mkdir()
    rows = [await latency(bootstrap, folder / str(rate), rate) for rate in RATES]
    return rows + await catch_up(bootstrap, folder / "catch-up", events)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--kafka", action="store_true", help="a real Kafka in place of the embedded broker")
    given = parser.parse_args()
    print(machine.told(), flush=True)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running_kafka(find_kafka(), folder) if given.kafka else embedded(folder) as bootstrap:
            rows = asyncio.run(measure(bootstrap, folder, given.events))
    for what, found, bar, good in rows:
        print(f"{'ok    ' if good else 'MISSED'} {what:<52} {found:<32} {bar}")
    return 0 if all(good for *_, good in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
