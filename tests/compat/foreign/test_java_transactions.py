"""What Apache Kafka's own tools tell of transactions: those that are open, and what stands in the journals' files."""

import re
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.compat.foreign.java import Tools, segments
from tests.compat.running import RunningBroker
from tests.support.kafka import KAFKA_VERSION

ONGOING, PREPARE_COMMIT = 1, 2

pytestmark = [pytest.mark.client(f"Apache Kafka's tools {KAFKA_VERSION} (Java client)"), pytest.mark.needs("maven")]


@pytest.fixture
def tools(java: str, broker: RunningBroker) -> Tools:
    return Tools(java=java, bootstrap=broker.bootstrap)


@pytest.fixture
def producer(broker: RunningBroker, new_name: Callable[[], str]) -> Producer:
    made = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": new_name()})
    made.init_transactions(20)
    return made


def test_open_transaction_is_listed_described_and_aborted_by_the_tool(
    tools: Tools, producer: Producer, topic: str, new_name: Callable[[], str]
) -> None:
    producer.begin_transaction()
    producer.produce(topic, b"hanging", partition=0)
    assert producer.flush(20) == 0

    listed = tools.run("kafka-transactions", "list").rows
    (row,) = (row for row in listed if topic.rpartition(".")[0] in row[0])
    _, described = tools.run("kafka-transactions", "describe", "--transactional-id", row[0]).rows
    _, active = tools.run("kafka-transactions", "describe-producers", "--topic", topic, "--partition", "0").rows

    assert "Ongoing" == row[-1]
    assert [row[0], f"{topic}-0"] == [described[1], described[-1]]
    assert "Ongoing" in described
    assert "0" == active[-1], "where it begins in the partition"
    producer.abort_transaction(20)


def test_dump_tool_reads_the_journals(
    tools: Tools, broker: RunningBroker, producer: Producer, topic: str, group: str
) -> None:
    producer.begin_transaction()
    producer.produce(topic, b"one", partition=0)
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 5)], consumer.consumer_group_metadata(), 20)
    producer.commit_transaction(20)
    consumer.close()

    states = dump(tools, broker, "__transaction_state", "--transaction-log-decoder")
    offsets = dump(tools, broker, "__consumer_offsets", "--offsets-decoder")

    found = [line for line in states if topic in line]
    assert found
    status = [int(each) for line in found for each in re.findall(r'"transactionStatus":(\d)', line)]
    assert [ONGOING, PREPARE_COMMIT] == sorted(set(status))
    assert any(topic in line and "5" in line for line in offsets)
    assert any("endTxnMarker: COMMIT" in line for line in offsets)


def dump(tools: Tools, broker: RunningBroker, topic: str, decoder: str) -> list[str]:
    return tools.run("kafka-dump-log", decoder, "--files", segments(broker.data, topic)).lines
