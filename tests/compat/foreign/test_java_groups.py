"""Consumer groups of Kafka's own tools (the Java client) on our broker: members, lag, resets, and verified reads."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.compat.foreign.java import Tools
from tests.compat.running import RunningBroker, eventually
from tests.support.kafka import KAFKA_VERSION

pytestmark = [
    pytest.mark.client(f"Apache Kafka's tools {KAFKA_VERSION} (Java client)"),
    pytest.mark.needs("maven"),
    pytest.mark.whole,
]

RECORDS = 200
ASSIGNORS = ["RangeAssignor", "CooperativeStickyAssignor"]


@pytest.fixture
def tools(java: str, broker: RunningBroker) -> Tools:
    return Tools(java=java, bootstrap=broker.bootstrap)


def fill(tools: Tools, topic: str, partitions: int = 1) -> set[tuple[int, int]]:
    """Makes the topic with RECORDS records; gives the place of each, as the producer was told it."""
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", str(partitions))
    told = tools.notices("kafka-verifiable-producer", "--topic", topic, "--max-messages", str(RECORDS), "--acks", "-1")
    sent = [each for each in told if each["name"] == "producer_send_success"]
    assert [str(number) for number in range(RECORDS)] == sorted((each["value"] for each in sent), key=int)
    assert {"sent": RECORDS, "acked": RECORDS} == {key: told[-1][key] for key in ("sent", "acked")}
    return {(each["partition"], each["offset"]) for each in sent}


def consume(tools: Tools, topic: str, group: str, *flags: str) -> list[dict[str, Any]]:
    """What a verifiable consumer tells, until it has read RECORDS."""
    return tools.notices(
        "kafka-verifiable-consumer",
        *("--topic", topic, "--group-id", group, "--reset-policy", "earliest"),
        *("--max-messages", str(RECORDS), "--verbose", *flags),
    )


def places(told: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(each["partition"], each["offset"]) for each in told if each["name"] == "record_data"]


@dataclass(slots=True)
class Member:
    """A consumer that stays in its group, and the partitions that it says it has."""

    process: "subprocess.Popen[str]"
    held: set[int] = field(default_factory=set)

    def until_it_has(self, count: int) -> None:
        """Read on until the member has that many partitions."""
        assert self.process.stdout is not None
        while len(self.held) != count:
            line = self.process.stdout.readline()
            assert line, "the consumer ended"
            told = json.loads(line)
            partitions = {each["partition"] for each in told.get("partitions", ())}
            if told["name"] == "partitions_assigned":
                self.held |= partitions
            elif told["name"] == "partitions_revoked":
                self.held -= partitions


@contextmanager
def member(tools: Tools, topic: str, group: str, *flags: str) -> Iterator[Member]:
    """A member until the end of the block; it then leaves."""
    command = tools.command("kafka-verifiable-consumer", "--topic", topic, "--group-id", group, *flags)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield Member(process)
        finally:
            process.terminate()


@pytest.mark.parametrize("assignor", ASSIGNORS)
def test_everything_acknowledged_is_consumed_once(tools: Tools, topic: str, group: str, assignor: str) -> None:
    sent = fill(tools, topic, partitions=3)

    told = consume(tools, topic, group, "--assignment-strategy", f"org.apache.kafka.clients.consumer.{assignor}")

    assert sorted(sent) == sorted(places(told))
    commits = [each for each in told if each["name"] == "offsets_committed"]
    assert commits
    assert all(each["success"] for each in commits)


@pytest.mark.parametrize("assignor", ASSIGNORS)
def test_members_share_partitions_and_take_over(tools: Tools, topic: str, group: str, assignor: str) -> None:
    fill(tools, topic, partitions=4)
    flags = ("--assignment-strategy", f"org.apache.kafka.clients.consumer.{assignor}", "--session-timeout", "6000")
    with member(tools, topic, group, *flags) as one:
        one.until_it_has(4)
        with member(tools, topic, group, *flags) as two:
            one.until_it_has(2)
            two.until_it_has(2)
        one.until_it_has(4)


def test_static_member_is_told_with_its_host(tools: Tools, topic: str, group: str) -> None:
    fill(tools, topic)
    with member(tools, topic, group, "--group-instance-id", "static-one") as one:
        one.until_it_has(1)
        rows = tools.run("kafka-consumer-groups", "--describe", "--group", group, "--members", "--verbose").rows
        state = tools.run("kafka-consumer-groups", "--describe", "--group", group, "--state").rows[-1]

    head, row = rows[-2], rows[-1]
    assert "static-one" == row[head.index("GROUP-INSTANCE-ID") if "GROUP-INSTANCE-ID" in head else 2]
    assert "/127.0.0.1" in row
    assert {"range", "Stable", "1"} <= set(state)


def test_lag_is_told_offsets_are_reset_and_the_group_is_deleted(tools: Tools, topic: str, group: str) -> None:
    fill(tools, topic)
    consume(tools, topic, group)

    def place() -> list[str]:
        """Current offset, end, lag."""
        row = tools.run("kafka-consumer-groups", "--describe", "--group", group).rows[-1]
        return row[3:6] if row[0] == group else []

    def reset(*how: str) -> None:
        tools.run("kafka-consumer-groups", "--reset-offsets", "--group", group, "--topic", topic, *how, "--execute")

    assert [str(RECORDS), str(RECORDS), "0"] == place()
    reset("--to-earliest")
    assert ["0", str(RECORDS), str(RECORDS)] == place()
    reset("--shift-by", "7")
    assert ["7", str(RECORDS), str(RECORDS - 7)] == place()
    assert group in tools.run("kafka-consumer-groups", "--list").lines
    deleted = tools.run("kafka-consumer-groups", "--delete", "--group", group).out
    assert f"('{group}') was successful" in deleted
    assert group not in tools.run("kafka-consumer-groups", "--list").lines


def test_group_with_members_is_not_deleted_and_not_reset(tools: Tools, topic: str, group: str) -> None:
    fill(tools, topic)
    with member(tools, topic, group) as one:
        one.until_it_has(1)
        deleted = tools.run("kafka-consumer-groups", "--delete", "--group", group, code=None)
        reset = ("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute")
        told = tools.run("kafka-consumer-groups", *reset, code=None)

    assert "The group is not empty" in deleted.out + deleted.error
    assert "current state is Stable" in told.out + told.error


def test_offsets_of_one_topic_are_deleted(tools: Tools, topic: str, group: str) -> None:
    fill(tools, topic)
    consume(tools, topic, group)

    told = tools.run("kafka-consumer-groups", "--delete-offsets", "--group", group, "--topic", topic)

    assert [topic, "0", "Successful"] == told.rows[-1]
    assert eventually(lambda: topic not in tools.run("kafka-consumer-groups", "--describe", "--group", group).out)
