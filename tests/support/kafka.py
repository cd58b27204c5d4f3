"""A real Apache Kafka to test against: one KRaft process, broker and controller at once, on loopback."""

import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.support.cache import cached, fetch
from tests.support.services import Found, Missing, docker, java, program

KAFKA_VERSION = "4.2.0"
START_S = 90

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tivo.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{version}</version>
    </dependency>
  </dependencies>
</project>
"""

_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
"""What one node needs that is everything at once; as in the file that Kafka ships."""

# Small internal topics, and no wait for further members of a new group.
# Kafka's retention goes by the records' own times: with its default of 7 days it deletes, a second after they came,
# events that a test dates in the past. So there is none, but where a topic's own retention.ms asks for it.
_EASED = """num.partitions=1
offsets.topic.num.partitions=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=500
file.delete.delay.ms=1000
"""

_DRAWN_PORTS = range(
    20_000, 32_768
)  # as `tivo up` draws them; to read it there would run rooms before they are watched
_DICE = random.SystemRandom()  # tests are seeded alike in processes that run side by side

_SMALL = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")

_SHIPPED = (
    *("-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"),
    *("-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"),
)
"""The flags with which Kafka's own start script runs it."""


def find_kafka() -> Found:
    """A Kafka of at least 4.0: a URL given, else Docker, else Java with the jars from Maven. Raises Missing.

    One that is given keeps records of any date: it runs with log.retention.ms=-1.
    """
    url = os.environ.get("TIVO_TEST_KAFKA_URL")
    if url:
        return Found(where="url", version="", place=url)
    try:
        docker()
    except Missing:
        java()
        return Found(where="local", version=KAFKA_VERSION, place=str(jars()))
    return Found(where="docker", version=KAFKA_VERSION, place=f"apache/kafka:{KAFKA_VERSION}")


def jars() -> Path:
    """Folder with the jars of Kafka and its tools, fetched through Maven once."""

    def fill(folder: Path) -> None:
        maven = program("mvn", install="install the package maven, or give TIVO_TEST_KAFKA_URL")
        pom = folder / "pom.xml"
        pom.write_text(_POM.format(version=KAFKA_VERSION))
        goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}")
        fetch(maven.place, "-q", "-B", "-f", str(pom), *goal)

    return cached(f"kafka-with-tools-{KAFKA_VERSION}", fill)


class Kafka:
    """One Kafka process and its data folder; it may be stopped, killed and started again at the same port.

    For tests it is kept small and quick to answer; `as_shipped` it runs with the settings that it comes with.
    """

    def __init__(self, folder: Path, *, as_shipped: bool = False) -> None:
        self.folder = folder
        self._flags = _SHIPPED if as_shipped else _SMALL
        self._java = java().place
        self._class_path = f"{jars()}/*"
        self._process: subprocess.Popen[bytes] | None = None
        self.port, controller = free_ports(2)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._properties = folder / "server.properties"
        needed = _PROPERTIES.format(port=self.port, controller=controller, data=folder / "data")
        self._properties.write_text(needed if as_shipped else needed + _EASED, encoding="utf-8")
        self._tool("kafka.tools.StorageTool", "format", "-t", "dGl2by10ZXN0LWNsdXN0ZQ", "-c", str(self._properties))

    @property
    def pid(self) -> int:
        """Number of the process that runs."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Start the process and return once it answers. Raises Missing with the end of its log where it does not."""
        assert self._process is None, "started twice"
        with (self.folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._java, *self._flags, "-cp", self._class_path, "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        try:
            wait_until_answers(self.bootstrap)
        except RetryError:
            self.kill()
            raise Missing(f"Kafka did not start: {(self.folder / 'kafka.log').read_text()[-2000:]}") from None

    def stop(self) -> None:
        """Stop in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process with no chance to tidy up."""
        self._end(signal.SIGKILL)

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(with_signal)
            process.wait(60)

    def _tool(self, *arguments: str) -> str:
        told = subprocess.run(
            [self._java, *_SMALL, "-cp", self._class_path, *arguments], capture_output=True, text=True, check=False
        )
        if told.returncode:
            raise Missing(f"{arguments[0]} failed: {(told.stdout + told.stderr).strip()[-400:]}")
        return told.stdout


@contextmanager
def running(found: Found, folder: Path) -> Iterator[str]:
    """The bootstrap address of a Kafka found; one that has to be started is stopped at the end."""
    if found.where == "url":
        wait_until_answers(found.place)
        yield found.place
    elif found.where == "docker":
        from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 - it looks for an engine when imported

        with KafkaContainer(found.place).with_env("KAFKA_LOG_RETENTION_MS", "-1") as container:
            yield container.get_bootstrap_server()
    else:
        kafka = Kafka(folder)
        kafka.start()
        try:
            yield kafka.bootstrap
        finally:
            kafka.kill()


def wait_until_answers(bootstrap: str) -> None:
    """Return once a broker answers Metadata. Raises RetryError after START_S."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.connection.setup.timeout.ms": 2000})
    for attempt in Retrying(
        stop=stop_after_delay(START_S), wait=wait_fixed(0.1), retry=retry_if_exception_type(KafkaException)
    ):
        with attempt:
            admin.list_topics(timeout=1)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    free: list[int] = []
    while len(free) < count:
        port = _DICE.choice(_DRAWN_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            free.append(port)
    return free
