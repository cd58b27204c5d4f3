"""Transactional producers that outlive the broker's deaths, and a reader of committed records."""

import random
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.support.transaction_history import Ended

PATIENCE_S = 60
AGAIN: dict[str, Any] = {
    "retry.backoff.ms": 20,
    "retry.backoff.max.ms": 100,
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 100,
    "log_level": 2,
    # Else librdkafka 2.16, when its one broker goes, forgets it and waits in vain for what it had sent there.
    "metadata.recovery.strategy": "none",
}


@dataclass(slots=True)
class Transactor:
    """Writes one record to each partition and commits an offset, transaction by transaction, on a thread of its own.

    Every third one it aborts. What it cannot end it gives up, and goes on as a new producer of the same id.
    """

    name: str
    bootstrap: str
    topic: str
    partitions: int
    ended: list[Ended] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _producer: Producer | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end of the transaction in hand."""
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def close(self) -> None:
        """End what may have been left open, as the next producer of the id does."""
        self._producer = None
        self._ready()

    @property
    def committed(self) -> int:
        return sum(each.outcome == "committed" for each in self.ended)

    def _run(self) -> None:
        dice = random.Random(self.name)
        number = 0
        while not self._stopped.is_set():
            number += 1
            self._transact(f"{self.name}-{number}", number, commit=number % 3 != 0)
            self._stopped.wait(dice.uniform(0, 0.01))

    def _transact(self, name: str, number: int, *, commit: bool) -> None:
        """An error before the end, or one that lets it be aborted, is no outcome but that."""
        try:
            producer = self._ready()
            producer.begin_transaction()
            self._write(producer, name, number)
        except KafkaException as error:
            self._give_up(name, error, is_ending=False)
            return
        try:
            if commit:
                producer.commit_transaction(PATIENCE_S)
            else:
                producer.abort_transaction(PATIENCE_S)
        except KafkaException as error:
            self._give_up(name, error, is_ending=commit)
        else:
            self.ended.append(Ended(name, "committed" if commit else "aborted"))

    def _write(self, producer: Producer, name: str, number: int) -> None:
        for partition in range(self.partitions):
            producer.produce(self.topic, name.encode(), partition=partition)
        group = {"bootstrap.servers": self.bootstrap, "group.id": self.name, "log_level": 2}
        with closing(Consumer(group)) as consumer:
            metadata = consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction([TopicPartition(self.topic, 0, number)], metadata, PATIENCE_S)
        assert producer.flush(PATIENCE_S) == 0, f"{name}: records without an outcome"

    def _give_up(self, name: str, error: KafkaException, *, is_ending: bool) -> None:
        """Its records count only where the commit was on its way; a new producer ends what was left open."""
        cause: KafkaError = error.args[0]
        is_aborted = not is_ending or cause.txn_requires_abort()
        self.ended.append(Ended(name, "aborted" if is_aborted else "unknown"))
        self._producer = None

    def _ready(self) -> Producer:
        if self._producer is None:
            settings = {"bootstrap.servers": self.bootstrap, "transactional.id": self.name, "linger.ms": 1, **AGAIN}
            producer = Producer(settings)
            producer.init_transactions(PATIENCE_S)
            self._producer = producer
        return self._producer


def read_committed(bootstrap: str, topic: str, partitions: int) -> list[list[str]]:
    """The names in each partition, up to where it ends for a reader of committed records."""
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "reader",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "fetch.queue.backoff.ms": 1,
        **AGAIN,
    }
    found: list[list[str]] = [[] for _ in range(partitions)]
    with closing(Consumer(settings)) as consumer:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        ended: set[int | None] = set()
        while len(ended) < partitions:
            message = consumer.poll(PATIENCE_S)
            assert message is not None, f"partitions were not read to their ends: {ended} of {partitions} were"
            error, partition = message.error(), message.partition()
            if error is None and partition is not None:
                found[partition].append((message.value() or b"").decode())
            elif error is not None and error.code() == KafkaError._PARTITION_EOF:
                ended.add(partition)
    return found


def committed_offset(bootstrap: str, group: str, topic: str) -> int:
    """The offset that a group has committed for the first partition of a topic; -1 where there is none."""
    with closing(Consumer({"bootstrap.servers": bootstrap, "group.id": group, **AGAIN})) as consumer:
        (place,) = consumer.committed([TopicPartition(topic, 0)], PATIENCE_S)
    return place.offset if place.offset >= 0 else -1
