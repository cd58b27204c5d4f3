"""A confluent-kafka client (librdkafka) that loads a broker, whichever it is, and what the broker's process takes."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, perf_counter, sleep, time_ns
from typing import NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # untyped

AT_ONCE = 1_000
WARM_UP_S = 1.0


def produce_rate(bootstrap: str, topic: str, size: int, acks: str, seconds: float) -> tuple[float, int]:
    """Events a second until the last is acknowledged, and their number. Measured for so long after a warm-up."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": acks,
            "linger.ms": 5,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 262_144,
        }
    )
    values = [{"value": os.urandom(size)} for _ in range(AT_ONCE)]
    producer.produce_batch(topic, values[:1])
    producer.flush(30)
    count = 0
    began = perf_counter()
    while perf_counter() - began < seconds:
        if len(producer) < 400_000:
            count += producer.produce_batch(topic, values)
        else:
            producer.poll(0.001)
    assert producer.flush(60) == 0, f"{bootstrap} did not acknowledge everything"
    return count / (perf_counter() - began), count + 1


def consume_rate(bootstrap: str, topic: str, count: int, *, partitions: int = 1) -> float:
    """Events a second, reading the topic from its start."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 2,
            "queued.min.messages": 1_000_000,
            "check.crcs": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    consumer.consume(1, 30)
    seen = 1
    began = perf_counter()
    while seen < count:
        messages = consumer.consume(min(10_000, count - seen), 30)
        assert messages, f"{seen} of {count} events came"
        seen += len(messages)
    rate = (seen - 1) / (perf_counter() - began)
    consumer.close()
    return rate


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_topic(bootstrap: str, topic: str, partitions: int, settings: Mapping[str, str] | None = None) -> None:
    """Make a topic and wait until it is there."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 4})
    admin.create_topics(
        [NewTopic(topic, num_partitions=partitions, replication_factor=1, config=dict(settings or {}))]
    )[topic].result(30)


class Latency(NamedTuple):
    """From just before a record is given to the producer until the consumer gives it, in ms."""

    p50: float
    p99: float


def latency(bootstrap: str, topic: str, rate: int, seconds: float) -> Latency:
    """Of records sent at an even rate without linger, by a producer and a consumer on two threads of one process."""
    late_ms: list[float] = []
    ready, over = threading.Event(), threading.Event()
    reading = threading.Thread(target=_note, args=(bootstrap, topic, late_ms, ready, over))
    reading.start()
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "all"})
    assert ready.wait(30), "the consumer never began"
    began, sent = monotonic(), 0
    while sent < rate * (WARM_UP_S + seconds):
        producer.produce(topic, b"%d" % time_ns())
        producer.poll(0)
        sent += 1
        sleep(max(0.0, began + sent / rate - monotonic()))
    assert producer.flush(30) == 0, f"{bootstrap} did not acknowledge everything"
    sleep(0.5)
    over.set()
    reading.join()
    assert len(late_ms) == sent, f"{sent} records were sent, {len(late_ms)} came"
    measured = sorted(late_ms[int(rate * WARM_UP_S) :])
    return Latency(measured[len(measured) // 2], measured[int(len(measured) * 0.99)])


def _note(bootstrap: str, topic: str, late_ms: list[float], ready: threading.Event, over: threading.Event) -> None:
    """Note how late each record comes, until it is over."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "latency", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    consumer.poll(0.5)
    ready.set()
    while not over.is_set():
        message = consumer.poll(0.05)
        value = None if message is None else message.value()
        if value is not None:
            late_ms.append((time_ns() - int(value)) / 1e6)
    consumer.close()
