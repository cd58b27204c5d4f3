"""A broker under an even load for a while: `python -m tests.benchmarks.soak_broker [--minutes N]`.

So many records a second with acks=all; the members of a consumer group come and go, and groups are
made and deleted beside it. The broker's own page tells its memory, descriptors and tasks. What grows
after the warm-up, which is not counted, grows for ever: the slope of the memory is a line fitted through
all that was seen.
"""

import argparse
import re
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time_ns
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from tests.benchmarks import machine
from tests.benchmarks.kafka_load import make_topic
from tests.support.broker_process import running_broker

RATE, PARTITIONS, MEMBERS = 2_000, 4, 3
TOPIC = "soak"
MEMBER_LIVES_S, GROUP_LIVES_S, LOOK_S = 3.0, 5.0, 2.0
WARM_UP_RATE, WARM_UP_S = 8_000, 180
"""A faster load before what counts: memory stands still after about a million records (measured)."""

KEPT = {"segment.bytes": str(1 << 20), "retention.bytes": str(4 << 20)}
"""Small, so that the log soon holds as much as it ever will: an active segment's index is in memory, 20 B for 4 KiB."""

SLOPE_BAR = 1.0
"""MiB an hour that the memory may grow."""


class Look(NamedTuple):
    """What the broker told of itself, and when, in seconds since the load began."""

    at_s: float
    memory_mib: float
    descriptors: float
    tasks: float


class Load:
    """Clients on threads of their own, until it is over. What goes wrong on one of them is kept."""

    def __init__(self, bootstrap: str) -> None:
        self.late_ms: list[float] = []
        self.read = self.sent = self.groups = self.joined = 0
        self.wrong: list[str] = []
        self._bootstrap = bootstrap
        self._over = threading.Event()
        self.rate = WARM_UP_RATE
        self._threads = [threading.Thread(target=self._kept, args=(run,)) for run in (self._produce, self._visit)]
        self._threads += [threading.Thread(target=self._kept, args=(self._follow, turn)) for turn in range(MEMBERS)]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def _kept(self, run: Any, *arguments: object) -> None:
        try:
            run(*arguments)
        except Exception as error:  # noqa: BLE001  whatever it is, the soak has failed
            self.wrong.append(repr(error))

    def _produce(self) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "acks": "all", "linger.ms": 5})
        owed, before = 0.0, monotonic()
        while not self._over.is_set():
            owed, before = owed + (monotonic() - before) * self.rate, monotonic()
            while self.sent < owed:
                producer.produce(TOPIC, b"%d" % time_ns(), key=b"%d" % (self.sent % 1_000), on_delivery=self._delivered)
                self.sent += 1
            producer.poll(0.005)
        assert producer.flush(30) == 0, "records without an outcome"

    def _delivered(self, error: object, _: object) -> None:
        if error is not None:
            self.wrong.append(f"produce: {error}")

    def _follow(self, turn: int) -> None:
        """One place in the group: a member that leaves after a while, and another in its place."""
        while not self._over.is_set():
            consumer = self._member("soak")
            self.joined += 1
            until = monotonic() + MEMBER_LIVES_S * (MEMBERS + turn)
            while monotonic() < until and not self._over.is_set():
                self._take(consumer)
            consumer.close()

    def _take(self, consumer: Consumer) -> None:
        message = consumer.poll(0.1)
        if message is None:
            return
        if message.error() is not None:
            self.wrong.append(f"consume: {message.error()}")
        elif value := message.value():
            self.read += 1
            if self.read % 100 == 0:
                self.late_ms.append((time_ns() - int(value)) / 1e6)

    def _visit(self) -> None:
        """Groups that are there for a few seconds."""
        admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 4})
        while not self._over.wait(GROUP_LIVES_S):
            group = f"visitor-{self.groups}"
            consumer = self._member(group)
            if consumer.consume(100, 10):
                consumer.commit(asynchronous=False)
            consumer.close()
            admin.delete_consumer_groups([group])[group].result(30)
            self.groups += 1

    def _member(self, group: str) -> Consumer:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": group,
                "auto.offset.reset": "latest",
                "partition.assignment.strategy": "cooperative-sticky",
                "log_level": 3,
            }
        )
        consumer.subscribe([TOPIC])
        return consumer


def look(port: int, at_s: float) -> Look:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        page = answer.read().decode()

    def told(name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
        assert found, f"the broker's page has no {name}"
        return float(found[1])

    return Look(
        at_s,
        told("process_resident_memory_bytes") / (1 << 20),
        told("process_open_fds"),
        told("tivo_process_tasks"),
    )


def soak(folder: Path, minutes: float) -> bool:
    """Print what was seen; whether nothing grew."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen: list[Look] = []
    with running_broker(folder, "--private-port", str(port)) as broker:
        make_topic(broker.bootstrap, TOPIC, PARTITIONS, KEPT)
        load = Load(broker.bootstrap)
        with load.running():
            sleep(WARM_UP_S)
            load.rate = RATE
            load.late_ms.clear()
            began = monotonic()
            while (at_s := monotonic() - began) < minutes * 60 and not load.wrong:
                seen.append(look(port, at_s))
                sleep(LOOK_S)
    print(f"{load.sent:,} records sent, {load.read:,} read, {load.joined} members, {load.groups} groups came and went")
    for wrong in load.wrong[:5]:
        print(f"wrong: {wrong}")
    return _verdict(seen, load) and not load.wrong


def _verdict(seen: list[Look], load: Load) -> bool:
    slope = linear_regression([each.at_s for each in seen], [each.memory_mib for each in seen]).slope * 3_600
    print(f"memory {seen[0].memory_mib:.1f} to {seen[-1].memory_mib:.1f} MiB, {slope:+.2f} MiB/h (≤ {SLOPE_BAR})")
    flat = True
    third = max(len(seen) // 3, 1)
    for name in ("descriptors", "tasks"):  # segments come, and go once a minute
        first, last = (max(getattr(each, name) for each in part) for part in (seen[:third], seen[-third:]))
        flat &= last <= first + 2
        print(f"{name} {first:.0f} at most in the first third, {last:.0f} in the last")
    half = len(load.late_ms) // 2
    for name, part in (("first", load.late_ms[:half]), ("second", load.late_ms[half:])):
        late = sorted(part)
        print(f"end to end, {name} half: p50 {late[len(late) // 2]:.1f} ms, p99 {late[len(late) * 99 // 100]:.1f} ms")
    return slope <= SLOPE_BAR and flat


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    print(machine.told(), flush=True)
    with TemporaryDirectory(prefix="tivo-soak-") as folder:
        return 0 if soak(Path(folder), given.minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
