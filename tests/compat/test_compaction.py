"""Compacted topics, as each client meets them: what is left is read, and what has no key is refused."""

import asyncio
from contextlib import closing

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import InvalidRecordError

from tests.compat.running import RunningBroker, eventually

KEYS = 10
RECORDS = 400
VALUE_BYTES = 300


@pytest.fixture
async def compacted(own_broker: RunningBroker) -> RunningBroker:
    """A broker with a topic `state` that has been cleaned."""
    admin = AIOKafkaAdminClient(bootstrap_servers=own_broker.bootstrap)
    await admin.start()
    configs = {"cleanup.policy": "compact", "segment.bytes": "16384", "min.cleanable.dirty.ratio": "0.01"}
    await admin.create_topics([NewTopic("state", 1, 1, topic_configs=configs)])
    await admin.close()
    await asyncio.to_thread(fill, own_broker)
    directory = own_broker.data / "state-0"

    def size() -> int:
        return sum(path.stat().st_size for path in directory.glob("*.log"))

    assert await asyncio.to_thread(eventually, lambda: size() < RECORDS * VALUE_BYTES / 5, seconds=40)
    return own_broker


def fill(broker: RunningBroker) -> None:
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=0)) as producer:
        for number in range(RECORDS):
            producer.send("state", key=b"key %d" % (number % KEYS), value=b"%d" % number + b"." * VALUE_BYTES).get(20)


def check(found: list[tuple[int, bytes]]) -> None:
    """Offsets as they were, the newest of each key, and far fewer records than were sent."""
    assert sorted(offset for offset, _ in found) == [offset for offset, _ in found]
    assert len(found) < RECORDS / 4
    assert all(value.startswith(b"%d." % offset) for offset, value in found)
    assert set(range(RECORDS - KEYS, RECORDS)) <= {offset for offset, _ in found}


async def test_clients_read_what_is_left(compacted: RunningBroker) -> None:
    check(await asyncio.to_thread(read_by_librdkafka, compacted))
    check(await asyncio.to_thread(read_by_kafka_python, compacted))
    check(await read_by_aiokafka(compacted))


def read_by_librdkafka(broker: RunningBroker) -> list[tuple[int, bytes]]:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "reads", "enable.auto.commit": False}
    )
    consumer.assign([confluent_kafka.TopicPartition("state", 0, 0)])
    found: list[tuple[int, bytes]] = []
    while not found or found[-1][0] < RECORDS - 1:
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None
        found.append((message.offset(), message.value()))
    consumer.close()
    return found


def read_by_kafka_python(broker: RunningBroker) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    with closing(
        KafkaConsumer(
            "state", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
        )
    ) as consumer:
        while not found or found[-1][0] < RECORDS - 1:
            record = next(consumer)
            found.append((record.offset, record.value))
    return found


async def read_by_aiokafka(broker: RunningBroker) -> list[tuple[int, bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
    consumer.assign([place := TopicPartition("state", 0)])
    await consumer.start()
    found: list[tuple[int, bytes]] = []
    async with asyncio.timeout(20):
        await consumer.seek_to_beginning(place)
        while not found or found[-1][0] < RECORDS - 1:
            record = await consumer.getone()
            found.append((record.offset, record.value))
    await consumer.stop()
    return found


async def test_records_without_a_key_are_refused(own_broker: RunningBroker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=own_broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("state", 1, 1, topic_configs={"cleanup.policy": "compact"})])
    await admin.close()

    def refused() -> None:
        with closing(KafkaProducer(bootstrap_servers=own_broker.bootstrap, enable_idempotence=False)) as producer:
            with pytest.raises(InvalidRecordError):
                producer.send("state", b"value").get(20)
            producer.send("state", b"value", key=b"key").get(20)

    await asyncio.to_thread(refused)
