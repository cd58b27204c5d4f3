"""What a broker is watched for while somebody sends it what it should not: its memory, its log, its other clients."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from tests.compat.running import RunningBroker, eventually

GROWTH_MIB = 32
PAUSE_S = 0.01


class Bystander:
    """A client that does nothing wrong: it produces and consumes, one record after the other, until it is stopped."""

    def __init__(self, broker: RunningBroker, topic: str) -> None:
        self.trips = 0
        self.troubles: list[str] = []
        self._topic = topic
        common = {"bootstrap.servers": broker.bootstrap, "error_cb": self._trouble, "log_level": 2}
        self._producer = Producer({**common, "linger.ms": 0, "acks": "all"})
        self._consumer = Consumer({**common, "group.id": topic, "enable.auto.commit": False, "fetch.wait.max.ms": 100})
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bystander")

    def __enter__(self) -> Self:
        self._producer.produce(self._topic, b"0")
        assert 0 == self._producer.flush(20)
        self._consumer.assign([TopicPartition(self._topic, 0, 0)])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._consumer.close()

    def goes_on(self) -> bool:
        """Whether a record that is produced from now on arrives."""
        now = self.trips
        return eventually(lambda: self.trips > now + 1 or bool(self.troubles))

    def _run(self) -> None:
        while not self._stopped.is_set() and not self.troubles:
            message = self._consumer.poll(20)
            expected = b"%d" % self.trips
            if message is None or message.error() is not None or message.value() != expected:
                self.troubles.append(f"{expected!r} did not come: {message and (message.error() or message.value())}")
                return
            self.trips += 1
            self._producer.produce(self._topic, b"%d" % self.trips, on_delivery=self._delivered)
            self._producer.poll(PAUSE_S)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._trouble(error)

    def _trouble(self, error: KafkaError) -> None:
        """A spare connection that the client loses and makes anew is no trouble: its records still come, in time."""
        if error.code() != KafkaError._TRANSPORT:
            self.troubles.append(str(error))


@dataclass(slots=True)
class Watch:
    """One test's look at a broker: what it logged, counted and grew by since `begin`."""

    broker: RunningBroker
    bystander: Bystander
    _lines: int = 0
    _resident_mib: float = 0
    _counts: dict[str, float] = field(default_factory=dict)

    def begin(self, *metrics: str) -> Self:
        """From here on; `metrics` are those that `counted` will be asked for."""
        self._lines = len(self.broker.log())
        self._counts = {name: self.broker.metric(name) for name in metrics}
        Path(f"/proc/{self.broker.pid}/clear_refs").write_text("5")  # the peak starts anew
        self._resident_mib = self._memory_mib("VmRSS")
        return self

    def lines(self) -> list[str]:
        """The lines of log since."""
        return self.broker.log()[self._lines :]

    def tells(self, count: int) -> bool:
        """Whether it logs so many lines, and no more until another client has been served."""
        return (
            eventually(lambda: len(self.lines()) >= count) and self.bystander.goes_on() and len(self.lines()) == count
        )

    def counted(self, name: str) -> float:
        return self.broker.metric(name) - self._counts[name]

    def is_unharmed(self) -> bool:
        """The broker lives and has stayed small, and the bystander noticed nothing."""
        grown_mib = self._memory_mib("VmHWM") - self._resident_mib
        assert grown_mib <= GROWTH_MIB, f"the broker grew by {grown_mib:.1f} MiB"
        assert self.bystander.goes_on(), "the other client hangs"
        assert not self.bystander.troubles, self.bystander.troubles
        return True

    def _memory_mib(self, name: str) -> float:
        status = Path(f"/proc/{self.broker.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in status if line.startswith(name))) / 1024
