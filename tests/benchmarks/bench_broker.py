"""What the broker takes and gives: `python -m tests.benchmarks.bench_broker [--rounds N] [--seconds S]`.

One confluent-kafka client (librdkafka) produces to, and reads from, our broker and librdkafka's
mock cluster in turn, each a process of its own, so that whatever else the machine does meets both.
Medians over the rounds. The mock keeps 5 MiB of a partition, so reading is measured on ours alone.
"""

import argparse
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.benchmarks import machine
from tests.benchmarks.kafka_load import consume_rate, cpu_seconds, produce_rate, resident_mib
from tests.compat.running import RunningBroker

BAR = 0.7
"""What the produce rate may be of the mock's at 100 B, at least."""

START_BAR_S, MEMORY_BAR_MIB = 0.5, 60.0
SIZES = (100, 1024)
ACKS = ("1", "all")


@contextmanager
def mock() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.mock_cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@contextmanager
def ours(folder: Path, flush: str) -> Iterator[RunningBroker]:
    broker = RunningBroker(folder / flush, flush=flush)
    broker.start()
    yield broker
    broker.stop()


def start_times(folder: Path, rounds: int) -> list[float]:
    """Seconds from the fork of the process to the line that says that clients can connect."""
    seconds = []
    for _ in range(rounds):
        began = perf_counter()
        broker = RunningBroker(folder / "start")
        broker.start()
        seconds.append(perf_counter() - began)
        broker.stop()
    return seconds


def verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


def bench_rates(folder: Path, rounds: int, seconds: float) -> list[bool]:
    """Print what it takes and gives; whether each bar was met."""
    rates: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    reads: dict[int, list[float]] = defaultdict(list)
    cpu: dict[tuple[int, str], list[float]] = defaultdict(list)
    with ExitStack() as running:
        brokers = {flush: running.enter_context(ours(folder, flush)) for flush in ("always", "os")}
        addresses = {"mock": running.enter_context(mock())}
        addresses |= {flush: broker.bootstrap for flush, broker in brokers.items()}
        for turn in range(rounds):
            for size in SIZES:
                for acks in ACKS:
                    for name, bootstrap in addresses.items():
                        topic = f"bench-{name}-{size}-{acks}-{turn}"
                        spent = cpu_seconds(brokers[name].pid) if name in brokers else 0.0
                        rate, count = produce_rate(bootstrap, topic, size, acks, seconds)
                        rates[name, size, acks].append(rate)
                        if name == "always":
                            cpu[size, acks].append((cpu_seconds(brokers[name].pid) - spent) / (count / rate))
                        if name == "always" and acks == "all":
                            reads[size].append(consume_rate(bootstrap, topic, count))
        memory = resident_mib(brokers["always"].pid)
    held = []
    for size in SIZES:
        for acks in ACKS:
            middle = {name: median(rates[name, size, acks]) for name in addresses}
            for flush in ("always", "os"):
                ratio = middle[flush] / middle["mock"]
                bar = f", bar {BAR} {verdict(ratio >= BAR)}" if size == 100 else ""
                held.append(not bar or ratio >= BAR)
                used = f", {median(cpu[size, acks]):.0%} of a core" if flush == "always" else ""
                print(
                    f"produce {size:5d} B acks={acks:3} flush={flush:6}  {middle[flush]:11,.0f} events/s"
                    f" {middle[flush] * size / 1e6:7.1f} MB/s{used}   mock {middle['mock']:11,.0f}"
                    f"   ratio {ratio:.2f}{bar}"
                )
        rate = median(reads[size])
        print(f"consume {size:5d} B, from the start        {rate:11,.0f} events/s {rate * size / 1e6:7.1f} MB/s")
    print(f"memory after all that: {memory:.1f} MiB resident")
    return held


def bench_start(folder: Path, rounds: int) -> list[bool]:
    """Print how soon it is there and how large; whether each bar was met."""
    middle = median(start_times(folder, rounds))
    broker = RunningBroker(folder / "start")
    broker.start()
    memory = resident_mib(broker.pid)
    broker.stop()
    print(f"start to ready: {middle:.3f} s, bar {START_BAR_S} {verdict(middle <= START_BAR_S)}")
    print(
        f"memory after the start: {memory:.1f} MiB resident, bar {MEMORY_BAR_MIB} {verdict(memory <= MEMORY_BAR_MIB)}"
    )
    return [middle <= START_BAR_S, memory <= MEMORY_BAR_MIB]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="how long each produce run goes on")
    parser.add_argument("--folder", type=Path, help="where the brokers keep their data; default: a temporary one")
    given = parser.parse_args()
    print(machine.told(), flush=True)
    with TemporaryDirectory(dir=given.folder) as folder:
        held = bench_start(Path(folder), max(given.rounds, 5))
        held += bench_rates(Path(folder), given.rounds, given.seconds)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
