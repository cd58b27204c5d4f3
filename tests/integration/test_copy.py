"""What `docs/how-to/move-to-a-kafka-cluster.md` says: a data directory's topics go to a real Kafka, all alike."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, NewTopic, ResourceType

from tests.compat.running import RunningBroker
from tests.integration.agent import REPOSITORY

Kept = tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]
FIRST_MS = 1_500_000_000_000
"""A summer day of 2017: by Kafka's own retention, long gone."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningBroker]:
    """tivo's own broker, on a data directory of its own."""
    running = RunningBroker(tmp_path / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def name() -> Callable[[str], str]:
    mark = uuid.uuid4().hex[:8]
    return lambda what: f"{what}-{mark}"


def make(bootstrap: str, topic: str, partitions: int = 1, **settings: str) -> None:
    config = {setting.replace("_", "."): value for setting, value in settings.items()}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(20)


def delete_before(bootstrap: str, place: TopicPartition) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_records([place])[place].result(20)


def settings_of(bootstrap: str, topic: str) -> dict[str, ConfigEntry]:
    admin, resource = AdminClient({"bootstrap.servers": bootstrap}), ConfigResource(ResourceType.TOPIC, topic)
    return dict(admin.describe_configs([resource])[resource].result(20))


def topics_of(bootstrap: str) -> set[str]:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    return set(admin.list_topics(timeout=20).topics)


def produce(bootstrap: str, topic: str, count: int, *, partitions: int = 1, **settings: object) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    for number in range(count):
        producer.produce(
            topic,
            None if number % 7 == 6 else b"value %d" % number,
            None if number % 3 else b"key %d" % number,
            partition=number % partitions,
            timestamp=FIRST_MS + 1000 * number - 500_000 * (number % 5),
            headers=[("one", b"%d" % number), ("one", b"again"), ("null", None)] if number % 2 else [],
        )
    assert 0 == producer.flush(30)


def held(bootstrap: str, topic: str) -> dict[int, list[Kept]]:
    """By another client than the one that copied: per partition offset, time, key, value and headers, in order."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "none", "enable.partition.eof": True}
    consumer = Consumer(settings | {"isolation.level": "read_committed"})
    partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found: dict[int, list[Kept]] = {number: [] for number in partitions}
    ended: set[int] = set()
    while ended != found.keys():
        message = consumer.poll(20)
        assert message is not None, f"no end of {topic}"
        if message.error() is not None:
            ended.add(message.partition())
            continue
        kept = (message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers() or [])
        found[message.partition()].append(kept)
    consumer.close()
    return found


def commit(bootstrap: str, group: str, *places: TopicPartition) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    consumer.commit(offsets=list(places), asynchronous=False)
    consumer.close()


def committed(bootstrap: str, group: str, *places: TopicPartition) -> list[int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    found = [place.offset for place in consumer.committed(list(places), timeout=20)]
    consumer.close()
    return found


def copy(source: str, target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tivo", "copy", "--from", source, "--to", target, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY, timeout=100)


@pytest.mark.needs("kafka")
def test_data_directory_is_moved(own: RunningBroker, kafka: str, name: Callable[[str], str]) -> None:
    topic, other, group = name("quakes"), name("ships"), name("billing")
    make(own.bootstrap, topic, 3, segment_bytes="1048576")
    produce(own.bootstrap, topic, 3_000, partitions=3, **{"compression.type": "lz4"})
    produce(own.bootstrap, other, 50)
    places = [TopicPartition(topic, 0, 400), TopicPartition(topic, 2, 1_000), TopicPartition(other, 0, 7)]
    commit(own.bootstrap, group, *places)

    done = copy(own.bootstrap, kafka)

    assert (0, "") == (done.returncode, done.stderr)
    assert {
        f"{topic}: 3,000 records in 3 partitions", f"{other}: 50 records in 1 partitions",
        f"group {group}: 3 committed offsets",
    } == set(done.stdout.splitlines())  # fmt: skip
    assert [1_000, 1_000, 1_000] == [len(records) for records in held(own.bootstrap, topic).values()]
    assert held(own.bootstrap, topic) == held(kafka, topic)
    assert held(own.bootstrap, other) == held(kafka, other)
    assert [400, 1_000, 7] == committed(kafka, group, *places)
    configs = settings_of(kafka, topic)
    assert ("1048576", "-1") == (configs["segment.bytes"].value, configs["retention.ms"].value)


@pytest.mark.needs("kafka")
def test_offsets_are_translated_where_the_log_has_holes(
    own: RunningBroker, kafka: str, name: Callable[[str], str]
) -> None:
    """Back from Kafka, where the start of the log is gone and markers of transactions take offsets."""
    topic, group = name("orders"), name("billing")
    make(kafka, topic)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic})
    producer.init_transactions()
    for number in range(6):
        producer.begin_transaction()
        for each in range(5):
            producer.produce(topic, b"%d/%d" % (number, each))
        assert 0 == producer.flush(20)
        producer.abort_transaction() if number == 2 else producer.commit_transaction()
    delete_before(kafka, TopicPartition(topic, 0, 2))
    commit(kafka, group, TopicPartition(topic, 0, 20))

    done = copy(kafka, own.bootstrap, topic)

    values = [b"%d/%d" % (number, each) for number in range(6) for each in range(5) if number != 2][2:]
    assert 0 == done.returncode, done.stderr
    assert [(offset, value) for offset, value in enumerate(values)] == [
        (kept[0], kept[3]) for kept in held(own.bootstrap, topic)[0]
    ]
    (at,) = committed(own.bootstrap, group, TopicPartition(topic, 0))
    assert b"3/2" == values[at]  # with three markers and an aborted transaction before it, 3/0 lies at 18 in Kafka


@pytest.mark.needs("kafka")
def test_topic_that_holds_records_is_not_copied_onto(
    own: RunningBroker, kafka: str, name: Callable[[str], str]
) -> None:
    first, second = name("a"), name("b")
    produce(own.bootstrap, first, 5)
    produce(own.bootstrap, second, 5)
    produce(kafka, second, 1)

    done = copy(own.bootstrap, kafka)

    assert (2, True) == (done.returncode, f"topic '{second}' holds records already" in done.stderr)
    assert first not in topics_of(kafka)


@pytest.mark.needs("kafka")
def test_topic_with_other_partitions_is_not_copied_onto(
    own: RunningBroker, kafka: str, name: Callable[[str], str]
) -> None:
    topic = name("a")
    make(own.bootstrap, topic, 2)
    make(kafka, topic, 3)

    done = copy(own.bootstrap, kafka, topic)

    assert (2, True) == (done.returncode, "has 2 partitions, 3 where it is to go" in done.stderr)


def test_cluster_is_named_by_its_settings(own: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that asks for a login has to be."""
    produce(own.bootstrap, "a", 5)
    other = RunningBroker(tmp_path / "other")
    other.start()
    settings = tmp_path / "other.toml"
    settings.write_text(f'[kafka]\nbootstrap = "{other.bootstrap}"\n')
    try:
        monkeypatch.setenv("TIVO_KAFKA_BOOTSTRAP", own.bootstrap)
        done = copy(own.bootstrap, str(settings))
        kept = held(other.bootstrap, "a")
    finally:
        other.stop()

    assert (0, 5) == (done.returncode, len(kept[0]))


def test_settings_that_lack_a_password_are_refused(own: RunningBroker, tmp_path: Path) -> None:
    settings = tmp_path / "other.toml"
    settings.write_text(f'[kafka]\nbootstrap = "{own.bootstrap}"\nsecurity = "SASL_SSL"\n')

    done = copy(own.bootstrap, str(settings))

    assert (78, True) == (done.returncode, "needs kafka.user" in done.stderr)


def test_topic_that_is_not_there_is_told(own: RunningBroker) -> None:
    done = copy(own.bootstrap, own.bootstrap, "boats")

    assert (2, "tivo: there is no topic named 'boats'\n") == (done.returncode, done.stderr)


def test_cluster_that_is_away_is_told(own: RunningBroker) -> None:
    done = copy(own.bootstrap, "127.0.0.1:1")

    assert (1, True) == (done.returncode, "no Kafka broker answers at 127.0.0.1:1" in done.stderr)
