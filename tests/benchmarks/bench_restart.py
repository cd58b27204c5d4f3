"""How soon a broker is back after kill -9: `python -m tests.benchmarks.bench_restart [--mib N] [--rounds N]`.

A log of 1 GiB in six partitions. In each round a producer is at work when the broker is killed, so that every start
finds batches that were never synced, and reads what lies behind the last checkpoints. From the fork of the process to
the line that says that clients can connect, Python's own start included.
"""

import argparse
import sys
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from confluent_kafka import Producer
from confluent_kafka import admin as kafka_admin

from tests.benchmarks import machine
from tests.benchmarks.kafka_load import cpu_seconds, resident_mib
from tests.compat.running import RunningBroker

BAR_S = 2.0
PARTITIONS = 6
VALUE = bytes(range(256)) * 4
BURST = 500


def fill(bootstrap: str, mib: int) -> None:
    """Produce so much, evenly over the partitions."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.size": 500_000, "log_level": 2})
    for number in range(mib << 10):
        producer.produce("much", VALUE, partition=number % PARTITIONS)
        if number % BURST == 0:
            producer.poll(0)
            while len(producer) > 50_000:
                producer.poll(0.05)
    assert producer.flush(120) == 0


def killed_at_work(broker: RunningBroker) -> None:
    """kill -9 with records on their way."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 1, "log_level": 2})
    for number in range(20 * BURST):
        producer.produce("much", VALUE, partition=number % PARTITIONS)
        producer.poll(0)
    broker.kill()
    producer.purge()


def restarts(folder: Path, mib: int, rounds: int) -> tuple[list[float], list[float]]:
    """Of each start after a kill the seconds, and those of them that its processor worked."""
    broker = RunningBroker(folder / "data")
    broker.start()
    admin = kafka_admin.AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    made: Any = kafka_admin  # it has no types for this
    admin.create_topics([made.NewTopic("much", num_partitions=PARTITIONS, replication_factor=1)])["much"].result(30)
    fill(broker.bootstrap, mib)
    seconds, worked = [], []
    for _ in range(rounds):
        killed_at_work(broker)
        began = perf_counter()
        broker.start()
        seconds.append(perf_counter() - began)
        worked.append(cpu_seconds(broker.pid))
    size = sum(path.stat().st_size for path in (folder / "data").glob("much-*/*.log")) / 2**30
    print(f"log: {size:.2f} GiB; memory after the last start: {resident_mib(broker.pid):.1f} MiB resident")
    broker.stop()
    return seconds, worked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1_024)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the broker keeps its data; default: a temporary one")
    given = parser.parse_args()
    print(machine.told(), flush=True)
    with TemporaryDirectory(dir=given.folder) as folder:
        seconds, worked = restarts(Path(folder), given.mib, given.rounds)
    slow = quantiles(seconds, n=20, method="inclusive")[-1]
    holds = slow <= BAR_S
    print(
        f"start to ready after kill -9: p50 {median(seconds):.2f} s, p95 {slow:.2f} s, longest {max(seconds):.2f} s, "
        f"bar {BAR_S} s {'ok' if holds else 'MISSED'}; "
        f"processor time p50 {median(worked):.2f} s, longest {max(worked):.2f} s"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
