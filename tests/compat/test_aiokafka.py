"""aiokafka (pure Python, old versions of the APIs) against our broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.errors import OffsetOutOfRangeError

from tests.compat.running import RunningBroker

pytestmark = pytest.mark.client("aiokafka")

VALUES = [b"%d" % number for number in range(100)]
PATIENCE_S = 20


@asynccontextmanager
async def producing(broker: RunningBroker, **settings: object) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, **{"acks": "all", **settings})
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def consuming(broker: RunningBroker, *topics: str, **settings: object) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset=settings.pop("auto_offset_reset", "earliest"),
        enable_auto_commit=False,
        heartbeat_interval_ms=200,
        metadata_max_age_ms=1000,
        **settings,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: AIOKafkaConsumer, count: int) -> list[bytes]:
    async with asyncio.timeout(PATIENCE_S):
        return [(await consumer.getone()).value for _ in range(count)]


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_what_is_produced_is_consumed(broker: RunningBroker, topic: str, codec: str | None) -> None:
    async with producing(broker, compression_type=codec, linger_ms=5) as producer:
        for sent in [await producer.send(topic, value) for value in VALUES]:
            await sent

    async with consuming(broker, topic) as consumer:
        assert VALUES == await read(consumer, len(VALUES))


@pytest.mark.parametrize("acks", [0, 1, "all"])
async def test_any_acknowledgement(broker: RunningBroker, topic: str, acks: int | str) -> None:
    async with producing(broker, acks=acks) as producer:
        for value in VALUES[:10]:
            await producer.send_and_wait(topic, value)

    async with consuming(broker, topic) as consumer:
        assert VALUES[:10] == await read(consumer, 10)


async def test_idempotent_producer(broker: RunningBroker, topic: str) -> None:
    async with producing(broker, enable_idempotence=True) as producer:
        offsets = [(await producer.send_and_wait(topic, value)).offset for value in VALUES]

    assert list(range(len(VALUES))) == offsets


async def test_everything_of_a_record_comes_back(broker: RunningBroker, topic: str) -> None:
    async with producing(broker) as producer:
        await producer.send_and_wait(topic, None, key=b"key", headers=[("one", b"1")], timestamp_ms=1_234_567_890_123)

    async with consuming(broker, topic) as consumer:
        record = await asyncio.wait_for(consumer.getone(), PATIENCE_S)
    assert (b"key", None, 1_234_567_890_123) == (record.key, record.value, record.timestamp)
    assert (("one", b"1"),) == record.headers


async def test_offsets_by_time_and_by_end(broker: RunningBroker, topic: str) -> None:
    place = TopicPartition(topic, 0)
    async with producing(broker) as producer:
        for time_ms in (1000, 2000, 3000):
            await producer.send_and_wait(topic, b"at", timestamp_ms=time_ms)

    async with consuming(broker, topic) as consumer:
        found = await consumer.offsets_for_times({place: 1500})
        assert (1, 2000) == (found[place].offset, found[place].timestamp)
        assert {place: 0} == await consumer.beginning_offsets([place])
        assert {place: 3} == await consumer.end_offsets([place])


async def test_consumer_begins_at_an_offset(broker: RunningBroker, topic: str) -> None:
    async with producing(broker) as producer:
        for value in VALUES[:10]:
            await producer.send_and_wait(topic, value)

    async with consuming(broker) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 7)
        assert VALUES[7:10] == await read(consumer, 3)


async def test_offset_beyond_the_end_is_out_of_range(broker: RunningBroker, topic: str) -> None:
    async with producing(broker) as producer:
        await producer.send_and_wait(topic, b"only")

    async with consuming(broker, auto_offset_reset="none") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 99)
        with pytest.raises(OffsetOutOfRangeError):
            await asyncio.wait_for(consumer.getone(), PATIENCE_S)


async def test_group_goes_on_where_it_committed(broker: RunningBroker, topic: str, group: str) -> None:
    async with producing(broker) as producer:
        for value in VALUES[:10]:
            await producer.send_and_wait(topic, value)
    async with consuming(broker, topic, group_id=group) as consumer:
        await read(consumer, 4)
        await consumer.commit({TopicPartition(topic, 0): (4, "verbatim")})

    async with consuming(broker, topic, group_id=group) as consumer:
        assert VALUES[4:10] == await read(consumer, 6)
        assert 4 == await consumer.committed(TopicPartition(topic, 0))


async def test_two_members_share_four_partitions(broker: RunningBroker, topic: str, group: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 4, 1)])
    await admin.close()

    async with consuming(broker, topic, group_id=group) as first, asyncio.timeout(PATIENCE_S):
        while len(first.assignment()) != 4:
            await first.getmany(timeout_ms=50)
        async with consuming(broker, topic, group_id=group) as second:
            while (len(first.assignment()), len(second.assignment())) != (2, 2):
                await asyncio.gather(first.getmany(timeout_ms=50), second.getmany(timeout_ms=50))
            owned = first.assignment() | second.assignment()
        while len(first.assignment()) != 4:
            await first.getmany(timeout_ms=50)

    assert {0, 1, 2, 3} == {place.partition for place in owned}


async def test_topics_and_groups_are_administered(broker: RunningBroker, topic: str, group: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.create_partitions({topic: NewPartitions(3)})
    (described,) = await admin.describe_topics([topic])
    async with consuming(broker, topic, group_id=group):
        listed = await admin.list_consumer_groups()
    await admin.delete_topics([topic])
    left = await admin.list_topics()
    await admin.close()

    assert 3 == len(described["partitions"])
    assert (group, "consumer") in listed
    assert topic not in left


async def test_acknowledged_offset_can_be_read_at_once(broker: RunningBroker, topic: str) -> None:
    async with producing(broker, acks=1) as producer, consuming(broker, auto_offset_reset="none") as consumer:
        for number in range(50):
            place = TopicPartition(topic, 0)
            sent = await producer.send_and_wait(topic, b"%d" % number)
            consumer.assign([place])
            consumer.seek(place, sent.offset)
            assert [b"%d" % number] == await read(consumer, 1)


async def test_fetch_is_woken_by_a_record(broker: RunningBroker, topic: str) -> None:
    async with producing(broker) as producer:
        await producer.send_and_wait(topic, b"first")
        async with consuming(broker, topic, fetch_max_wait_ms=30_000, request_timeout_ms=40_000) as consumer:
            await read(consumer, 1)
            waiting = asyncio.ensure_future(consumer.getone())
            await producer.send_and_wait(topic, b"second")
            assert b"second" == (await asyncio.wait_for(waiting, 10)).value


async def test_records_are_deleted(broker: RunningBroker, topic: str) -> None:
    async with producing(broker) as producer:
        for value in VALUES[:10]:
            await producer.send_and_wait(topic, value)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        deleted = await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=4)})
    finally:
        await admin.close()

    assert {TopicPartition(topic, 0): 4} == deleted
    async with consuming(broker, topic) as consumer:
        assert VALUES[4:10] == await read(consumer, 6)
