"""A kernel that says no to a running broker: producers are told, reads go on, `/readyz` says why, until it is well."""

import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from tests.support.broker_process import BrokerProcess, create_topic, running_broker
from tests.support.services import free_port

SEGMENT = "00000000000000000000.log"
STORAGE_ERROR = 56
PATIENCE_S = 30


@contextmanager
def failing(data: Path, fault: str, *, files: Sequence[str]) -> Iterator[tuple[BrokerProcess, int]]:
    """A broker to which the kernel does this, when it works on these files; and its private port."""
    (data / "log").mkdir(parents=True, exist_ok=True)
    paths = [word for file in files for word in ("-P", str(data / "log" / file))]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", *paths, "-e", "trace=fdatasync,pwrite64,fsync", "-e", fault]
    port = free_port()
    with running_broker(data, "--private-port", str(port), under=strace) as broker:
        yield broker, port


def unready(port: int) -> dict[str, str]:
    """Why the broker is not ready; nothing where it is."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10):
            return {}
    except HTTPError as told:
        with told:
            reasons: dict[str, str] = json.load(told)["reasons"]
            return reasons


class Client:
    """Produces one record after the other, each on its own; notes what was acknowledged."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.acknowledged: dict[int, bytes] = {}
        self.errors: list[int] = []
        self.sent = 0

    def produce(self, count: int = 1, *, patience_s: float = 1) -> None:
        settings = {"bootstrap.servers": self.bootstrap, "acks": "all", "log_level": 2, "retries": 0}
        producer = Producer({**settings, "message.timeout.ms": int(patience_s * 1_000), "linger.ms": 0})
        for _ in range(count):
            value = b"%d" % self.sent
            self.sent += 1
            producer.produce("quakes", value, partition=0, on_delivery=self._delivered)
            producer.flush(PATIENCE_S)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        offset, value = message.offset(), message.value()
        if error is not None:
            self.errors.append(error.code())
        elif offset is not None and value is not None:
            self.acknowledged[offset] = bytes(value)

    def read(self) -> dict[int, bytes]:
        """What can be read now."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "g", "enable.partition.eof": True})
        consumer.assign([TopicPartition("quakes", 0, 0)])
        found: dict[int, bytes] = {}
        while (message := consumer.poll(PATIENCE_S)) is not None and message.error() is None:
            found[message.offset() or 0] = bytes(message.value() or b"")
        consumer.close()
        return found


def until(wanted: object, asked: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    assert callable(asked)
    while (found := asked()) != wanted:
        if time.monotonic() > deadline:
            print("still", found)
            return False
        time.sleep(0.05)
    return True


def prepared(data: Path) -> dict[int, bytes]:
    """A log with a topic and some records."""
    with running_broker(data) as broker:
        create_topic(broker.bootstrap, "quakes", 1)
        client = Client(broker.bootstrap)
        client.produce(3)
        broker.stop()
        broker.start()
        return client.acknowledged


@pytest.mark.needs("strace")
def test_a_sync_that_fails_needs_a_restart(tmp_path: Path) -> None:
    before = prepared(tmp_path)
    with failing(tmp_path, "inject=fdatasync:error=EIO:when=3+", files=[f"quakes-0/{SEGMENT}"]) as (broker, port):
        client = Client(broker.bootstrap)
        client.produce(6)

        assert STORAGE_ERROR in client.errors
        assert (before | client.acknowledged).items() <= client.read().items(), "reads go on"
        assert until(["quakes-0"], lambda: [*unready(port)])
        assert "EIO" in unready(port)["quakes-0"]
    with running_broker(tmp_path) as again:
        after = Client(again.bootstrap)
        after.produce(1)

        assert not after.errors
        assert (before | client.acknowledged | after.acknowledged).items() <= after.read().items()


@pytest.mark.needs("strace")
def test_a_full_disk_is_gone_on_with_by_itself(tmp_path: Path) -> None:
    before = prepared(tmp_path)
    with failing(tmp_path, "inject=pwrite64:error=ENOSPC:when=3", files=[f"quakes-0/{SEGMENT}"]) as (broker, port):
        client = Client(broker.bootstrap)
        client.produce(4)
        assert STORAGE_ERROR in client.errors
        assert before.items() <= client.read().items(), "reads go on"

        def refused() -> int:
            client.errors.clear()
            client.produce()
            return len(client.errors)

        assert until(0, refused), "there is space again, and it was not started anew"
        assert until({}, partial(unready, port))
        assert (before | client.acknowledged).items() <= client.read().items()


@pytest.mark.needs("strace")
def test_a_slow_disk_is_waited_for(tmp_path: Path) -> None:
    before = prepared(tmp_path)
    with failing(tmp_path, "inject=fdatasync:delay_enter=200000", files=[f"quakes-0/{SEGMENT}"]) as (broker, port):
        client = Client(broker.bootstrap)
        began = time.monotonic()

        client.produce(5, patience_s=20)

        assert time.monotonic() - began >= 5 * 0.2, "no acknowledgement came before its sync"
        assert ([], {}) == (client.errors, unready(port))
        assert (before | client.acknowledged).items() <= client.read().items()


def test_clients_cannot_take_the_descriptors_that_the_log_needs(tmp_path: Path) -> None:
    few = ["prlimit", "--nofile=64:64", "--"]
    with running_broker(tmp_path, "--private-port", str(free_port()), under=few) as broker:
        create_topic(broker.bootstrap, "quakes", 1)
        client = Client(broker.bootstrap)
        client.produce(3, patience_s=20)
        cpu_s = _cpu_s(broker.pid)
        with ExitStack() as crowd:
            for _ in range(500):
                crowd.enter_context(closing(socket.create_connection(("127.0.0.1", broker.port), timeout=20)))
            time.sleep(1)
            assert _cpu_s(broker.pid) - cpu_s < 0.5, "it does not turn round and round"

        client.produce(3, patience_s=20)

        assert [] == client.errors
        assert client.acknowledged == client.read()
        assert 0 == broker.stop()
        broker.start()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
