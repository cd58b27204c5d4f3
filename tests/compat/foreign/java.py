"""Apache Kafka's own command-line tools, as its shell scripts start them."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.kafka import jars

TOOL_S = 90
FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF")

CLASSES = {
    "kafka-acls": "org.apache.kafka.tools.AclCommand",
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-dump-log": "kafka.tools.DumpLogSegments",
    "kafka-e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-transactions": "org.apache.kafka.tools.TransactionsCommand",
    "kafka-verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "kafka-verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
}
"""The class behind each script that Kafka ships."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a tool said, and its exit code."""

    out: str
    error: str
    code: int

    @property
    def lines(self) -> list[str]:
        return [line for line in self.out.splitlines() if line.strip()]

    @property
    def rows(self) -> list[list[str]]:
        """The lines, cut at white space."""
        return [line.split() for line in self.lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Kafka's tools, pointed at one broker."""

    java: str
    bootstrap: str

    def command(self, name: str, *arguments: str) -> Sequence[str]:
        server = () if name == "kafka-dump-log" else ("--bootstrap-server", self.bootstrap)
        sub = arguments[:1] if name == "kafka-cluster" else ()  # its sub-command comes first
        rest = arguments[len(sub) :]
        return [self.java, *FLAGS, "-cp", f"{jars()}/*", CLASSES[name], *sub, *server, *rest]

    def run(self, name: str, *arguments: str, given: str = "", code: int | None = 0) -> Told:
        """Run a tool to its end; fails where its exit code is another than `code` (None: any is fine)."""
        done = subprocess.run(
            self.command(name, *arguments),
            input=given,
            capture_output=True,
            text=True,
            timeout=TOOL_S,
            check=False,
            env={**os.environ, "TZ": "UTC"},
        )
        assert code is None or done.returncode == code, (
            f"{name} ended with {done.returncode}: {done.stdout}{done.stderr}"
        )
        return Told(out=done.stdout, error=done.stderr, code=done.returncode)

    def notices(self, name: str, *arguments: str) -> list[dict[str, Any]]:
        """What a verifiable client tells, one JSON object a line."""
        return [json.loads(line) for line in self.run(name, *arguments).lines]


def segments(data: Path, topic: str, partition: int = 0) -> str:
    """The segment files of a partition, as kafka-dump-log wants them."""
    folders = [path for path in data.rglob("*.log") if path.parent.name == f"{topic}-{partition}"]
    return ",".join(str(path) for path in sorted(folders))
