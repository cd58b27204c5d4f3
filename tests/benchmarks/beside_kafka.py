"""The broker beside Apache Kafka as it is shipped: `python -m tests.benchmarks.beside_kafka [--rounds N]`.

The same client (confluent-kafka) loads both in turn on the same machine; figures are medians of the
rounds, ratios are ours to Kafka's. With flush `os` we promise what Kafka does: it syncs nothing before
it answers. With `always` every answer waits for the disk; it stands beside, without a bar, so that the
price of that promise is seen. Needs Java 17 and Maven.
"""

import argparse
import sys
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from tests.benchmarks import machine
from tests.benchmarks.kafka_load import consume_rate, cpu_seconds, latency, make_topic, produce_rate, resident_mib
from tests.compat.running import RunningBroker
from tests.support.kafka import Kafka

OS, ALWAYS, KAFKA = "os", "always", "Kafka"
NAMES = (OS, ALWAYS, KAFKA)
PARTITIONS, SIZES, ACKS, RATES = (1, 6), (100, 1024), ("1", "all"), (100, 5_000)
MEMORY_BAR, START_BAR = 1 / 8, 1 / 4  # how soon it is ready in itself, `bench_broker` holds against its bar


class Figure(NamedTuple):
    """One thing that is measured of each broker; `bar` is what ours to Kafka's may be, at least or at most."""

    what: str
    unit: str
    bar: float
    at_least: bool


class Figures:
    """What was measured, round by round."""

    def __init__(self) -> None:
        self._seen: dict[Figure, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, figure: Figure, name: str, value: float) -> None:
        self._seen[figure][name].append(value)

    def report(self) -> bool:
        """Print each with its ratio; whether every bar was met."""
        held = True
        for figure, seen in self._seen.items():
            middle = {name: median(values) for name, values in seen.items()}
            ratio = middle[OS] / middle[KAFKA]
            holds = ratio >= figure.bar if figure.at_least else ratio <= figure.bar
            held &= holds
            told = "  ".join(f"{name} {middle[name]:12,.2f}" for name in NAMES if name in middle)
            sign = "≥" if figure.at_least else "≤"
            verdict = "ok" if holds else "MISSED"
            print(f"{figure.what:34} {told} {figure.unit:9} ratio {ratio:5.2f} {sign} {figure.bar:.3g} {verdict}")
        return held


def rates(addresses: dict[str, str], turn: int, seconds: float, figures: Figures) -> None:
    for partitions in PARTITIONS:
        for size in SIZES:
            for acks in ACKS:
                for name, bootstrap in addresses.items():
                    topic = f"rate-{partitions}-{size}-{acks}-{turn}"
                    make_topic(bootstrap, topic, partitions)
                    rate, count = produce_rate(bootstrap, topic, size, acks, seconds)
                    of = f"{size:5} B, {partitions} partition{'s' if partitions > 1 else ''}"
                    figures.add(Figure(f"produce {of}, acks={acks}", "events/s", 1.0, True), name, rate)
                    if acks == "all":
                        read = consume_rate(bootstrap, topic, count, partitions=partitions)
                        figures.add(Figure(f"consume {of}", "events/s", 1.0, True), name, read)


def latencies(addresses: dict[str, str], turn: int, seconds: float, figures: Figures) -> None:
    for rate in RATES:
        for name, bootstrap in addresses.items():
            topic = f"latency-{rate}-{turn}"
            make_topic(bootstrap, topic, 1)
            found = latency(bootstrap, topic, rate, seconds)
            figures.add(Figure(f"end to end at {rate}/s, p50", "ms", 1.0, False), name, found.p50)
            figures.add(Figure(f"end to end at {rate}/s, p99", "ms", 1.0, False), name, found.p99)


def starts(folder: Path, rounds: int, figures: Figures) -> None:
    """From the fork of the process until a client is answered; the storage of Kafka is formatted before."""
    both: tuple[tuple[str, RunningBroker | Kafka], ...] = (
        (OS, RunningBroker(folder / "start", flush=OS)),
        (KAFKA, kafka_in(folder / "start-kafka")),
    )
    for _ in range(rounds):
        for name, broker in both:
            began = perf_counter()
            broker.start()
            figures.add(Figure("start to ready", "s", START_BAR, False), name, perf_counter() - began)
            broker.stop()


def kafka_in(folder: Path) -> Kafka:
    folder.mkdir()
    return Kafka(folder, as_shipped=True)


def measure(folder: Path, rounds: int, seconds: float) -> bool:
    figures = Figures()
    starts(folder, rounds, figures)
    with ExitStack() as running:
        brokers: dict[str, RunningBroker | Kafka] = {}
        for flush in (OS, ALWAYS):
            brokers[flush] = RunningBroker(folder / flush, flush=flush)
        brokers[KAFKA] = kafka_in(folder / "kafka")
        for broker in brokers.values():
            broker.start()
            running.callback(broker.stop)
        addresses = {name: broker.bootstrap for name, broker in brokers.items()}
        pids = {name: broker.pid for name, broker in brokers.items()}
        for name, pid in pids.items():
            figures.add(Figure("resident after the start", "MiB", MEMORY_BAR, False), name, resident_mib(pid))
        rates(addresses, 0, seconds, Figures())  # a virtual machine that has done nothing yet compiles what it does
        latencies(addresses, 0, seconds, Figures())
        for turn in range(1, rounds + 1):
            rates(addresses, turn, seconds, figures)
            latencies(addresses, turn, 2 * seconds, figures)
        for name, pid in pids.items():
            figures.add(Figure("resident after all that", "MiB", MEMORY_BAR, False), name, resident_mib(pid))
            figures.add(Figure("CPU time of all that", "s", 1.0, False), name, cpu_seconds(pid))
    return figures.report()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each produce run goes on")
    parser.add_argument("--folder", type=Path, help="where the brokers keep their data; default: a temporary one")
    given = parser.parse_args()
    print(machine.told(), flush=True)
    with TemporaryDirectory(dir=given.folder, prefix="tivo-beside-kafka-") as folder:
        return 0 if measure(Path(folder), given.rounds, given.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
