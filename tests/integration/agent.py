"""The agent as a process of its own, and what producers and the store tell while it runs."""

import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import not_
from pathlib import Path
from subprocess import Popen
from types import MappingProxyType
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from tests.integration.history import Place, Verdict, compare
from tests.support.kafka import free_ports
from tivo.client.cluster import Cluster
from tivo.model.event import Event
from tivo.model.timeline import Window
from tivo.store.base import Lost
from tivo.store.open import open_store

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 60

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class AgentProcess:
    """One worker. Workers with the same data directory share a store and a consumer group."""

    def __init__(
        self,
        bootstrap: str,
        data: Path,
        *,
        script: str = "streams",
        faults: Mapping[str, object] = _NOTHING,
        variables: Mapping[str, str] = _NOTHING,
    ) -> None:
        (self._port,) = free_ports(1)
        self._command = [sys.executable, "-m", script]
        self._log = data / f"agent-{self._port}.log"
        self._environment = os.environ | {
            "TIVO_DATA": str(data),
            "TIVO_KAFKA_BOOTSTRAP": bootstrap,
            "TIVO_PRIVATE_PORT": str(self._port),
            "TIVO_AGENT_GROUP": f"agent-{data.name}",
            "TIVO_TEST_FAULTS": json.dumps(dict(faults)),
            **variables,
        }
        self.process: Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = Popen(
                self._command, cwd=REPOSITORY, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop, and wait until it has; its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(20)

    def ask(self, path: str) -> str:
        """What its private port answers, good or bad; nothing where it does not listen yet."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except OSError:
            return ""

    def is_ready(self) -> bool:
        return '"ok": true' in self.ask("/readyz")

    def metric(self, name: str, topic: str = "") -> float:
        """Sum of a metric over its labels, or over those of one topic."""
        lines = [line for line in self.ask("/metrics").splitlines() if line.startswith((name + " ", name + "{"))]
        lines = [line for line in lines if not topic or f'topic="{topic}"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def cpu_seconds(self) -> float:
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_text(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@contextmanager
def running(*agents: AgentProcess) -> Iterator[None]:
    """Agents that run from here on and are killed at the end."""
    try:
        for agent in agents:
            agent.start()
        yield
    finally:
        for agent in agents:
            agent.kill()


class Load:
    """Records sent to one topic, idempotent and acknowledged by all, and what came back of them."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self.acknowledged: dict[Place, bytes] = {}
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        )
        self._sent = 0

    def send(self, count: int, *, partition: int = -1, value: Callable[[int], bytes] | None = None) -> "Load":
        """Send records and wait until they are acknowledged."""
        for _ in range(count):
            self._sent += 1
            told = value(self._sent) if value else b'{"n": %d}' % self._sent
            self._producer.produce(self.topic, told, b"key %d" % (self._sent % 7), partition, self._note)
            self._producer.poll(0)
        left = self._producer.flush(PATIENCE_S)
        assert not left, f"{left} records were not acknowledged"
        return self

    def _note(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            partition, offset, value = message.partition(), message.offset(), message.value()
            assert partition is not None and offset is not None and value is not None
            self.acknowledged[partition, offset] = bytes(value)

    @contextmanager
    def flowing(self, rate: int) -> Iterator[None]:
        """Send so many records a second in the background."""
        over = threading.Event()

        def flow() -> None:
            while not over.wait(0.02):
                self.send(max(rate // 50, 1))

        thread = threading.Thread(target=flow)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


async def ready(agent: AgentProcess) -> None:
    """Wait until an agent is ready."""

    async def is_ready() -> bool:
        return agent.is_ready()

    await eventually(is_ready, "the agent is ready")


async def eventually(told: Callable[[], Awaitable[bool]], what: str, *, within_s: float = PATIENCE_S) -> None:
    """Wait until something holds. Fails saying what did not."""
    asking = AsyncRetrying(
        retry=retry_if_result(not_),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(within_s),
        retry_error_callback=lambda _: False,
    )
    assert await asking(told), f"after {within_s} s still not: {what}"


class Stored:
    """The store of a data directory, as the gateway reads it."""

    def __init__(self, data: Path) -> None:
        self._store = open_store(f"sqlite:///{data / 'events.db'}", read_only=True)

    async def close(self) -> None:
        await self._store.close()

    async def events(self, topic_id: bytes) -> list[Event]:
        events: list[Event] = []
        while True:
            found = await self._store.read(
                topic_id, Window(), after=events[-1].cursor if events else None, limit=10_000
            )
            events += found.events
            if found.last:
                return events

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        return await self._store.frontier(topic_id)

    async def quarantined(self, topic_id: bytes) -> list[Place]:
        frontier = await self.frontier(topic_id)
        rows = await self._store.ledger(topic_id, above={}, upto=frontier)
        return [(row.partition, row.base) for row in rows if row.loss == "quarantine"]

    async def lost(self, topic_id: bytes) -> list[Lost]:
        return await self._store.lost(topic_id, Window(), above={}, upto=await self.frontier(topic_id))

    async def topic_ids(self, topic: str) -> set[bytes]:
        return {stats.topic_id for stats in await self._store.topics() if stats.topic == topic}

    async def holds(self, load: Load, topic_id: bytes) -> bool:
        """Whether the frontier has passed everything acknowledged so far."""
        frontier = await self.frontier(topic_id)
        return all(offset < frontier.get(partition, 0) for partition, offset in list(load.acknowledged))

    async def verdict(self, load: Load, cluster: Cluster) -> Verdict:
        """Wait until everything is stored, and compare."""
        topic_id = (await cluster.topic_ids((load.topic,)))[load.topic]

        async def all_held() -> bool:
            return await self.holds(load, topic_id)

        await eventually(all_held, f"the store holds all {len(load.acknowledged)} records of {load.topic}")
        return compare(load.acknowledged, await self.events(topic_id))
