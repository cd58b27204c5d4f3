"""Apache Kafka's own tools (the Java client) against our broker: topics, records, offsets, and what they print."""

import json
import re
from pathlib import Path

import pytest

from tests.compat.foreign.java import Tools, segments
from tests.compat.running import RunningBroker
from tests.support.kafka import KAFKA_VERSION

pytestmark = [pytest.mark.client(f"Apache Kafka's tools {KAFKA_VERSION} (Java client)"), pytest.mark.needs("maven")]

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


@pytest.fixture
def tools(java: str, broker: RunningBroker) -> Tools:
    return Tools(java=java, bootstrap=broker.bootstrap)


def test_topics_are_made_described_grown_listed_and_deleted(tools: Tools, topic: str) -> None:
    made = tools.run(
        "kafka-topics", "--create", "--topic", topic, "--partitions", "2", "--config", "retention.ms=60000"
    )
    tools.run("kafka-topics", "--alter", "--topic", topic, "--partitions", "3")
    head, *partitions = tools.run("kafka-topics", "--describe", "--topic", topic).lines
    listed = tools.run("kafka-topics", "--list").lines
    tools.run("kafka-topics", "--delete", "--topic", topic)

    assert f"Created topic {topic}." in made.lines
    assert re.search(r"PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: retention.ms=60000", head)
    assert [f"Partition: {number}\tLeader: 1\tReplicas: 1\tIsr: 1" for number in range(3)] == [
        re.sub(r".*(Partition: .*Isr: 1).*", r"\1", line) for line in partitions
    ]
    assert topic in listed
    assert topic not in tools.run("kafka-topics", "--list").lines


def test_topic_that_is_there_already_is_refused(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic)

    refused = tools.run("kafka-topics", "--create", "--topic", topic, code=1)

    assert f"topic {topic} exists already" in refused.out + refused.error


def test_console_clients_carry_keys_headers_and_tombstones(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    reads = ["parse.key=true", "parse.headers=true", "null.marker=NULL"]
    shows = ["print.key=true", "print.headers=true", "print.offset=true", "null.literal=NULL"]
    tools.run(
        "kafka-console-producer",
        *("--topic", topic),
        *(flag for each in reads for flag in ("--reader-property", each)),
        given="colour:red\tkey\tvalue\ncolour:blue\tgone\tNULL\n",
    )

    told = tools.run(
        "kafka-console-consumer",
        *("--topic", topic, "--from-beginning", "--max-messages", "2"),
        *(flag for each in shows for flag in ("--formatter-property", each)),
    )

    assert ["Offset:0\tcolour:red\tkey\tvalue", "Offset:1\tcolour:blue\tgone\tNULL"] == told.lines


def test_every_codec_is_kept_and_given_back(tools: Tools, broker: RunningBroker, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    for codec in CODECS:
        given = f"as {codec} " * 20
        tools.run("kafka-console-producer", "--topic", topic, f"--compression-codec={codec}", given=given)

    told = tools.run("kafka-console-consumer", "--topic", topic, "--from-beginning", "--max-messages", str(len(CODECS)))
    dumped = tools.run("kafka-dump-log", "--files", segments(broker.data, topic))

    assert [f"as {codec} " * 20 for codec in CODECS] == told.lines
    assert CODECS == re.findall(r"compresscodec: (\w+)", dumped.out)


def test_dump_tool_reads_the_log_as_it_is_written(tools: Tools, broker: RunningBroker, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    tools.run("kafka-verifiable-producer", "--topic", topic, "--max-messages", "20", "--acks", "-1")

    told = tools.run("kafka-dump-log", "--print-data-log", "--files", segments(broker.data, topic))

    assert "isvalid: false" not in told.out
    assert [str(number) for number in range(20)] == re.findall(r"^\| offset: (\d+)", told.out, re.MULTILINE)
    assert [str(number) for number in range(20)] == re.findall(r"payload: (\d+)$", told.out, re.MULTILINE)


def test_dump_tool_reads_committed_offsets(tools: Tools, broker: RunningBroker, topic: str, group: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    tools.run("kafka-verifiable-producer", "--topic", topic, "--max-messages", "5")
    reset = ("--reset-offsets", "--group", group, "--topic", topic, "--to-offset", "3", "--execute")
    tools.run("kafka-consumer-groups", *reset)

    journal = segments(broker.data, "__consumer_offsets")
    told = tools.run("kafka-dump-log", "--offsets-decoder", "--print-data-log", "--files", journal)

    keys = [line for line in told.lines if f'"group":"{group}"' in line and f'"topic":"{topic}"' in line]
    assert 1 == len(keys)
    assert '"offset":3' in keys[0]


@pytest.mark.whole
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_producer_performance_loses_nothing(tools: Tools, topic: str, acks: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "3")
    told = tools.run(
        "kafka-producer-perf-test",
        *("--topic", topic, "--num-records", "20000", "--record-size", "100", "--throughput", "-1"),
        *("--command-property", f"acks={acks}", f"enable.idempotence={'true' if acks == 'all' else 'false'}"),
    )
    ends = tools.run("kafka-get-offsets", "--topic", topic).lines

    assert told.lines[-1].startswith("20000 records sent")
    assert 20_000 == sum(int(line.rpartition(":")[2]) for line in ends)
    assert [f"{topic}:{number}" for number in range(3)] == [line.rpartition(":")[0] for line in ends]


@pytest.mark.whole
def test_consumer_performance_reads_everything(tools: Tools, topic: str) -> None:
    produce = ("--num-records", "20000", "--record-size", "100", "--throughput", "-1")
    tools.run("kafka-producer-perf-test", "--topic", topic, *produce)

    head, figures = tools.run("kafka-consumer-perf-test", "--topic", topic, "--num-records", "20000").lines[-2:]

    at = [name.strip() for name in head.split(",")].index("data.consumed.in.nMsg")
    assert 20_000 == int(figures.split(",")[at])


@pytest.mark.whole
def test_end_to_end_latency_sees_each_record(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    flags = ("--num-records", "100", "--producer-acks", "all", "--record-size", "20")

    told = tools.run("kafka-e2e-latency", "--topic", topic, *flags)

    assert re.search(r"Percentiles: 50th = \d+, 99th = \d+", told.out)
    assert f"{topic}:0:100" in tools.run("kafka-get-offsets", "--topic", topic).lines


@pytest.mark.whole
def test_offsets_by_kind(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    tools.run("kafka-verifiable-producer", "--topic", topic, "--max-messages", "3", "--message-create-time", "1000")

    def told(*time: str) -> list[str]:
        return tools.run("kafka-get-offsets", "--topic", topic, *time).lines

    assert [f"{topic}:0:3"] == told("--time", "latest")
    assert [f"{topic}:0:0"] == told("--time", "earliest")
    assert [f"{topic}:0:2"] == told("--time", "max-timestamp")
    assert [f"{topic}:0:0"] == told("--time", "1000")


@pytest.mark.whole
def test_the_cluster_is_told(tools: Tools, broker: RunningBroker, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "2")
    host, port = broker.bootstrap.split(":")

    identity = tools.run("kafka-cluster", "cluster-id").out
    endpoints = tools.run("kafka-cluster", "list-endpoints").rows
    directories = tools.run("kafka-log-dirs", "--describe", "--topic-list", topic).lines[-1]
    versions = tools.run("kafka-broker-api-versions").out

    assert re.fullmatch(r"Cluster ID: [\w-]{22}\s*", identity)
    assert ["1", host, port] == endpoints[1][:3]
    (told,) = json.loads(directories)["brokers"][0]["logDirs"]
    assert {f"{topic}-0", f"{topic}-1"} == {each["partition"] for each in told["partitions"]}
    assert "Produce(0): 0 to 12 [usable: 12]" in versions


def test_settings_of_a_topic_and_of_the_broker_are_told(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--config", "max.message.bytes=100000")

    changed = tools.run("kafka-configs", "--describe", "--entity-type", "topics", "--entity-name", topic)
    everything = tools.run("kafka-configs", "--describe", "--entity-type", "topics", "--entity-name", topic, "--all")
    mine = tools.run("kafka-configs", "--describe", "--entity-type", "brokers", "--entity-name", "1", "--all")

    assert ["max.message.bytes=100000"] == [row[0] for row in changed.rows[1:]]
    assert {"max.message.bytes=100000", "cleanup.policy=delete"} <= {row[0] for row in everything.rows}
    assert "num.partitions=4" in {row[0] for row in mine.rows}


@pytest.mark.whole
def test_settings_of_a_topic_are_changed_and_taken_back(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic)
    entity = ("--entity-type", "topics", "--entity-name", topic)

    tools.run("kafka-configs", "--alter", *entity, "--add-config", "retention.ms=70000,cleanup.policy=compact")
    tools.run("kafka-configs", "--alter", *entity, "--delete-config", "cleanup.policy")
    refused = tools.run("kafka-configs", "--alter", *entity, "--add-config", "retention.ms=soon", code=1)

    told = tools.run("kafka-configs", "--describe", *entity)
    (line,) = told.lines[1:]
    assert "DYNAMIC_TOPIC_CONFIG:retention.ms=70000, DEFAULT_CONFIG:log.retention.ms=604800000" in line
    assert "retention.ms" in refused.out + refused.error


@pytest.mark.whole
def test_records_are_deleted(tools: Tools, topic: str, tmp_path: Path) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    tools.run("kafka-verifiable-producer", "--topic", topic, "--max-messages", "10")
    wanted = tmp_path / "wanted.json"
    wanted.write_text(json.dumps({"partitions": [{"topic": topic, "partition": 0, "offset": 7}], "version": 1}))

    told = tools.run("kafka-delete-records", "--offset-json-file", str(wanted))

    assert f"partition: {topic}-0\tlow_watermark: 7" in told.lines
    assert [f"{topic}:0:7"] == tools.run("kafka-get-offsets", "--topic", topic, "--time", "earliest").lines


@pytest.mark.whole
def test_the_one_broker_is_elected_already(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")

    told = tools.run("kafka-leader-election", "--election-type", "preferred", "--topic", topic, "--partition", "0")

    assert f"Valid replica already elected for partitions {topic}-0" in told.out


@pytest.mark.whole
def test_transactions_are_written_read_and_told(tools: Tools, topic: str) -> None:
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    load = ("--num-records", "2000", "--record-size", "20", "--throughput", "-1")
    ours = ("--transactional-id", f"{topic}-id", "--transaction-duration-ms", "50")
    produced = tools.run("kafka-producer-perf-test", "--topic", topic, *load, *ours)

    read = tools.run(
        "kafka-console-consumer",
        *("--topic", topic, "--from-beginning", "--max-messages", "2000"),
        *("--isolation-level", "read_committed"),
    )
    listed = tools.run("kafka-transactions", "list").rows
    producers = tools.run("kafka-transactions", "describe-producers", "--topic", topic, "--partition", "0").rows
    hanging = tools.run("kafka-transactions", "find-hanging", "--broker-id", "1").lines

    assert produced.lines[-1].startswith("2000 records sent")
    assert 2_000 == len(read.lines)
    assert ["CompleteCommit"] == [row[3] for row in listed if row[0] == f"{topic}-id"]
    assert [("1999", "None")] == [(row[3], row[5]) for row in producers[1:]]
    assert 1 == len(hanging)
