"""`tivo broker` as a process of its own, to be killed; and clients that write down what they saw."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka import admin as kafka_admin

from tests.support.history import Entry, History

REPOSITORY = Path(__file__).parents[2]
IN_FLIGHT = 100
"""Records of one producer that wait for their acknowledgement at most: what a kill can make unknown."""

BURST, PAUSE_S = 10, 0.01
"""A sender pauses after so many records: the history of a thousand kills is to fit into memory."""

_TOLD = re.compile(rb"Kafka on [^ ]*:(\d+)")


class BrokerProcess:
    """Started on a data directory; the port stays the same from start to start. `under`: a command that runs it.

    `module` has the command line: that of a broker with a fault built in has the same.
    """

    def __init__(self, data: Path, *flags: str, under: Sequence[str] = (), module: str = "tivo") -> None:
        self.data = data
        self.port = 0
        self._under = under
        self._module = module
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self.told: list[bytes] = []

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the broker itself, whatever runs it."""
        assert self._process is not None
        started = self._process.pid
        children = Path(f"/proc/{started}/task/{started}/children").read_text().split()
        return int(children[0]) if self._under and children else started

    def start(self) -> None:
        """Start it and wait until it takes connections. Fails with what it told where it does not come up."""
        self._process = self._spawn()
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.told.append(line)
            if match := _TOLD.search(line):
                self.port = int(match[1])
                self._reader = threading.Thread(target=self._read_on, args=(self._process.stderr,))
                self._reader.start()
                return
        raise AssertionError(f"the broker ended: {b''.join(self.told[-20:]).decode()}")

    def start_and_kill(self, after_s: float) -> None:
        """Start it and kill it so soon that it may still be at its recovery."""
        with self._spawn() as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(after_s)
            process.kill()

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; gives its exit code."""
        return self._end(signal.SIGTERM)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = ["broker", "--data", str(self.data), "--kafka-port", str(self.port), *self._flags]
        whole = [*self._under, sys.executable, "-m", self._module, *command]
        return subprocess.Popen(whole, cwd=REPOSITORY, stderr=subprocess.PIPE)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        os.kill(self.pid, number)
        code = self._process.wait(30)
        if self._reader is not None:
            self._reader.join()
        return code

    def _read_on(self, stderr: IO[bytes]) -> None:
        with stderr:
            self.told.extend(stderr)


@contextmanager
def running_broker(data: Path, *flags: str, under: Sequence[str] = (), module: str = "tivo") -> Iterator[BrokerProcess]:
    broker = BrokerProcess(data, *flags, under=under, module=module)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def create_topic(bootstrap: str, name: str, partitions: int) -> None:
    admin = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})
    topic = kafka_admin.NewTopic(name, num_partitions=partitions, replication_factor=1)  # type: ignore[attr-defined]  # untyped
    admin.create_topics([topic])[name].result(30)


@dataclass(slots=True)
class Sender:
    """A producer with acks=all on a thread of its own, writing to one partition until it is stopped.

    One that is not `idempotent` gives up what a kill made unknown; a broker that loses records stops the other kind.
    """

    name: str
    bootstrap: str
    topic: str
    partition: int
    history: History
    idempotent: bool = True
    acknowledged: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(IN_FLIGHT))
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name)
        self._thread.start()

    def stop(self) -> None:
        """Stop sending, and wait until every record has its outcome."""
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self) -> None:
        settings: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "acks": "all",
            "enable.idempotence": self.idempotent,
            **({} if self.idempotent else {"retries": 0}),
            "linger.ms": 1,
            "retry.backoff.ms": 20,
            "retry.backoff.max.ms": 100,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100,
            "message.timeout.ms": 120_000,
            "log_level": 2,
        }
        producer = Producer(settings)
        number = 0
        while not self._stopped.is_set():
            while not self._room.acquire(blocking=False):
                producer.poll(0.01)
            number += 1
            self._send(producer, f"{self.name}-{number:07d}", number)
            producer.poll(0 if number % BURST else PAUSE_S)
        assert producer.flush(120) == 0, f"{self.name}: records without an outcome"

    def _send(self, producer: Producer, identifier: str, number: int) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            offset = message.offset() if error is None else None
            self.acknowledged += error is None
            self.history.add(
                Entry(number, self.name, "send", identifier, self._place, offset, "ok" if error is None else "unknown")
            )
            self._room.release()

        value = payload(identifier, number)
        producer.produce(self.topic, value, partition=self.partition, on_delivery=delivered)

    @property
    def _place(self) -> str:
        return f"{self.topic}-{self.partition}"


def read_all(
    bootstrap: str, topic: str, partitions: int, history: History, name: str, *, gives_up_s: float | None = None
) -> int:
    """One pass over all partitions, from their start to what is their end now, written down under this name.

    Gives how many records there were. With `gives_up_s` a broker that cannot give them all is left after so long: what
    it did not give counts as not read.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": name,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.queue.backoff.ms": 5,
            "enable.partition.eof": True,
            "log_level": 2,
        }
    )
    places = [TopicPartition(topic, partition, 0) for partition in range(partitions)]
    count = 0
    deadline = time.monotonic() + (gives_up_s or 300)
    try:
        ends: dict[int | None, int] = {
            place.partition: consumer.get_watermark_offsets(place, timeout=30)[1] for place in places
        }
        consumer.assign(places)
        while ends:
            if time.monotonic() >= deadline:
                assert gives_up_s is not None, f"partitions were not read to their ends {ends}"
                break
            for message in consumer.consume(1_000, timeout=0.2):
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if error is None:
                    count += 1
                    history.add(_read_entry(message, name, count))
                offset = message.offset() or 0
                if error is not None or offset + 1 >= ends.get(message.partition(), 1 << 62):
                    ends.pop(message.partition(), None)
    finally:
        consumer.close()
    return count


def payload(identifier: str, number: int) -> bytes:
    """A record's value: who it is, a digest, and bytes that it is the digest of."""
    body = random.Random(number).randbytes(number * 37 % 400)
    return f"{identifier} {_digest(identifier, body)} ".encode() + body


def identify(value: bytes) -> str:
    """Whose value this is; nobody's where a byte of it is another one."""
    try:
        identifier, digest, body = value.split(b" ", 2)
        whole = digest.decode() == _digest(identifier.decode(), body)
    except ValueError:
        return f"altered: {value[:40]!r}"
    return identifier.decode() if whole else f"altered: {value[:40]!r}"


def _digest(identifier: str, body: bytes) -> str:
    return blake2b(identifier.encode() + body, digest_size=8).hexdigest()


def _read_entry(message: Message, name: str, number: int) -> Entry:
    identifier = identify(message.value() or b"")
    return Entry(number, name, "read", identifier, f"{message.topic()}-{message.partition()}", message.offset())
