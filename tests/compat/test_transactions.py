"""Transactions by three clients: several partitions and a group's offsets together or not at all, and who is fenced."""

from collections.abc import Callable, Iterator
from contextlib import closing

import aiokafka
import kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError as KafkaPythonError
from kafka.structs import OffsetAndMetadata

from tests.compat.running import RunningBroker, eventually

CONFLUENT = pytest.mark.client("confluent-kafka")
AIOKAFKA = pytest.mark.client("aiokafka")
KAFKA_PYTHON = pytest.mark.client("kafka-python")
PATIENCE_S = 20
PARTITIONS = 3


@pytest.fixture
def topic(broker: RunningBroker, topic: str) -> str:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(PATIENCE_S)
    return topic


def producer_of(broker: RunningBroker, name: str, **settings: object) -> Producer:
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap, "transactional.id": name, "linger.ms": 1, "log_level": 2, **settings}
    )
    producer.init_transactions(PATIENCE_S)
    return producer


def send(producer: Producer, topic: str, value: bytes) -> None:
    """To each partition."""
    for partition in range(PARTITIONS):
        producer.produce(topic, value, partition=partition)
    assert producer.flush(PATIENCE_S) == 0


def read(broker: RunningBroker, topic: str, *, isolation: str = "read_committed") -> list[list[bytes]]:
    """The values in each partition, up to where each ends for a reader like this."""
    settings = {
        "bootstrap.servers": broker.bootstrap,
        "group.id": "nobody",
        "isolation.level": isolation,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.queue.backoff.ms": 1,
        "fetch.wait.max.ms": 10,
    }
    found: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    with closing(Consumer(settings)) as consumer:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        ended: set[int] = set()
        while len(ended) < PARTITIONS:
            message = consumer.poll(PATIENCE_S)
            assert message is not None
            if message.error() is None:
                found[message.partition()].append(message.value())
            else:
                assert KafkaError._PARTITION_EOF == message.error().code(), message.error()
                ended.add(message.partition())
    return found


def all_of(*values: bytes) -> list[list[bytes]]:
    return [list(values)] * PARTITIONS


# ---------------------------------------------------------------- librdkafka


@CONFLUENT
def test_committed_and_aborted(broker: RunningBroker, topic: str, new_name: Callable[[], str]) -> None:
    producer = producer_of(broker, new_name())
    for value, commit in ((b"one", True), (b"two", False), (b"three", True), (b"four", False)):
        producer.begin_transaction()
        send(producer, topic, value)
        producer.commit_transaction(PATIENCE_S) if commit else producer.abort_transaction(PATIENCE_S)

    assert all_of(b"one", b"three") == read(broker, topic)
    assert all_of(b"one", b"two", b"three", b"four") == read(broker, topic, isolation="read_uncommitted")


@CONFLUENT
def test_open_transaction_holds_back_what_is_behind_it(
    broker: RunningBroker, topic: str, new_name: Callable[[], str]
) -> None:
    slow, quick = producer_of(broker, new_name()), producer_of(broker, new_name())
    slow.begin_transaction()
    send(slow, topic, b"slow")
    quick.begin_transaction()
    send(quick, topic, b"quick")
    quick.commit_transaction(PATIENCE_S)

    assert all_of() == read(broker, topic)
    assert all_of(b"slow", b"quick") == read(broker, topic, isolation="read_uncommitted")
    slow.abort_transaction(PATIENCE_S)
    assert all_of(b"quick") == read(broker, topic)


@CONFLUENT
def test_reader_that_waits_is_woken_by_a_commit(broker: RunningBroker, topic: str, new_name: Callable[[], str]) -> None:
    producer = producer_of(broker, new_name())
    with closing(
        Consumer({"bootstrap.servers": broker.bootstrap, "group.id": new_name(), "fetch.wait.max.ms": 30_000})
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        producer.begin_transaction()
        send(producer, topic, b"now")
        assert consumer.poll(0.3) is None
        producer.commit_transaction(PATIENCE_S)

        message = consumer.poll(PATIENCE_S / 2)

    assert message is not None
    assert b"now" == message.value()


@CONFLUENT
def test_zombie_is_fenced(broker: RunningBroker, topic: str, new_name: Callable[[], str]) -> None:
    name = new_name()
    zombie = producer_of(broker, name)
    zombie.begin_transaction()
    send(zombie, topic, b"zombie")

    successor = producer_of(broker, name)
    with pytest.raises(KafkaException) as fenced:
        zombie.commit_transaction(PATIENCE_S)

    assert fenced.value.args[0].fatal()
    assert KafkaError._FENCED == fenced.value.args[0].code()
    successor.begin_transaction()
    send(successor, topic, b"successor")
    successor.commit_transaction(PATIENCE_S)
    assert all_of(b"successor") == read(broker, topic)


@CONFLUENT
def test_transaction_that_nobody_ends_is_aborted(
    broker: RunningBroker, topic: str, new_name: Callable[[], str]
) -> None:
    producer = producer_of(broker, new_name(), **{"transaction.timeout.ms": 1_000, "socket.timeout.ms": 900})
    producer.begin_transaction()
    send(producer, topic, b"forgotten")
    plain = Producer({"bootstrap.servers": broker.bootstrap})
    for partition in range(PARTITIONS):
        plain.produce(topic, b"behind", partition=partition)
    assert plain.flush(PATIENCE_S) == 0

    assert all_of() == read(broker, topic)
    assert eventually(lambda: read(broker, topic) == all_of(b"behind"))
    with pytest.raises(KafkaException):
        producer.commit_transaction(PATIENCE_S)


@CONFLUENT
def test_timeout_above_the_bound_is_refused(broker: RunningBroker, new_name: Callable[[], str]) -> None:
    with pytest.raises(KafkaException) as refused:
        producer_of(broker, new_name(), **{"transaction.timeout.ms": 15 * 60_000 + 1})

    assert KafkaError.INVALID_TRANSACTION_TIMEOUT == refused.value.args[0].code()


def inputs(broker: RunningBroker, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(count):
        producer.produce(topic, b"%d" % number, partition=0)
    assert producer.flush(PATIENCE_S) == 0


@CONFLUENT
def test_what_is_consumed_transformed_and_produced_counts_once(
    broker: RunningBroker, topic: str, new_name: Callable[[], str]
) -> None:
    """Every third round is aborted, and its records are read again from the committed offsets."""
    source, group = new_name(), new_name()
    inputs(broker, source, 50)
    settings = {
        "bootstrap.servers": broker.bootstrap,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }
    producer = producer_of(broker, new_name())
    with closing(Consumer(settings)) as consumer:
        consumer.subscribe([source])
        rounds = done = 0
        while done < 50:
            messages = consumer.consume(min(7, 50 - done), timeout=PATIENCE_S)  # it waits for all that it asks for
            assert messages
            rounds += 1
            producer.begin_transaction()
            for message in messages:
                producer.produce(topic, b"out " + (message.value() or b""), partition=0)
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), PATIENCE_S)
            if rounds % 3 == 0:
                producer.abort_transaction(PATIENCE_S)
                for place in consumer.committed(consumer.assignment(), PATIENCE_S):
                    consumer.seek(place)
            else:
                producer.commit_transaction(PATIENCE_S)
                done += len(messages)
        committed = consumer.committed([TopicPartition(source, 0)], PATIENCE_S)

    assert [b"out %d" % number for number in range(50)] == read(broker, topic)[0]
    assert [50] == [place.offset for place in committed]


# ---------------------------------------------------------------- aiokafka


@AIOKAFKA
async def test_aiokafka_commits_and_aborts(broker: RunningBroker, topic: str, new_name: Callable[[], str]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=new_name())
    await producer.start()
    try:
        for value in (b"one", b"two", b"three"):
            await producer.begin_transaction()
            for partition in range(PARTITIONS):
                await producer.send_and_wait(topic, value, partition=partition)
            await (producer.abort_transaction() if value == b"two" else producer.commit_transaction())
    finally:
        await producer.stop()

    assert all_of(b"one", b"three") == read(broker, topic)
    assert all_of(b"one", b"two", b"three") == read(broker, topic, isolation="read_uncommitted")
    assert [b"one", b"three"] == await aiokafka_reads(broker, topic, 2)


async def aiokafka_reads(broker: RunningBroker, topic: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        place = aiokafka.TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning()
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


@AIOKAFKA
async def test_aiokafka_consumes_transforms_and_produces(
    broker: RunningBroker, topic: str, new_name: Callable[[], str]
) -> None:
    source, group = new_name(), new_name()
    inputs(broker, source, 20)
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=new_name())
    await consumer.start()
    await producer.start()
    try:
        done = 0
        while done < 20:
            for place, records in (await consumer.getmany(timeout_ms=1_000, max_records=6)).items():
                async with producer.transaction():
                    for record in records:
                        await producer.send(topic, b"out " + (record.value or b""), partition=0)
                    await producer.send_offsets_to_transaction({place: records[-1].offset + 1}, group)
                done += len(records)
        committed = await consumer.committed(aiokafka.TopicPartition(source, 0))
    finally:
        await producer.stop()
        await consumer.stop()

    assert [b"out %d" % number for number in range(20)] == read(broker, topic)[0]
    assert 20 == committed


@AIOKAFKA
async def test_aiokafka_zombie_is_fenced(broker: RunningBroker, topic: str, new_name: Callable[[], str]) -> None:
    name = new_name()
    zombie = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
    await zombie.start()
    try:
        await zombie.begin_transaction()
        await zombie.send_and_wait(topic, b"zombie", partition=0)
        producer_of(broker, name)
        with pytest.raises(ProducerFenced):
            await zombie.commit_transaction()
    finally:
        await zombie.stop()

    assert all_of() == read(broker, topic)


# ---------------------------------------------------------------- kafka-python


@pytest.fixture
def kafka_python(broker: RunningBroker, new_name: Callable[[], str]) -> Iterator[KafkaProducer]:
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=new_name())) as producer:
        producer.init_transactions()
        yield producer


@KAFKA_PYTHON
def test_kafka_python_commits_and_aborts(broker: RunningBroker, topic: str, kafka_python: KafkaProducer) -> None:
    for value in (b"one", b"two", b"three"):
        kafka_python.begin_transaction()
        for partition in range(PARTITIONS):
            kafka_python.send(topic, value, partition=partition).get(PATIENCE_S)
        _ = kafka_python.abort_transaction() if value == b"two" else kafka_python.commit_transaction()

    assert all_of(b"one", b"three") == read(broker, topic)
    assert all_of(b"one", b"two", b"three") == read(broker, topic, isolation="read_uncommitted")
    with closing(
        KafkaConsumer(
            topic,
            bootstrap_servers=broker.bootstrap,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            consumer_timeout_ms=PATIENCE_S * 1_000,
        )
    ) as consumer:
        assert sorted([b"one", b"three"] * PARTITIONS) == sorted(next(consumer).value for _ in range(2 * PARTITIONS))


@KAFKA_PYTHON
def test_kafka_python_commits_offsets(
    broker: RunningBroker, topic: str, group: str, kafka_python: KafkaProducer
) -> None:
    for offset, commit in ((3, True), (5, False)):
        kafka_python.begin_transaction()
        kafka_python.send_offsets_to_transaction(
            {kafka.TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)}, group
        )
        _ = kafka_python.commit_transaction() if commit else kafka_python.abort_transaction()

    with closing(KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group)) as consumer:
        assert 3 == consumer.committed(kafka.TopicPartition(topic, 0))


@KAFKA_PYTHON
def test_kafka_python_zombie_is_fenced(broker: RunningBroker, topic: str, kafka_python: KafkaProducer) -> None:
    kafka_python.begin_transaction()
    kafka_python.send(topic, b"zombie", partition=0).get(PATIENCE_S)
    producer_of(broker, kafka_python.config["transactional_id"])

    with pytest.raises(KafkaPythonError):
        kafka_python.commit_transaction()

    assert all_of() == read(broker, topic)
