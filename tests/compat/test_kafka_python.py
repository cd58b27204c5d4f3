"""kafka-python (pure Python, newest versions of the APIs) against our broker."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

from tests.compat.running import RunningBroker, eventually

pytestmark = pytest.mark.client("kafka-python")

VALUES = [b"%d" % number for number in range(100)]


def produce(broker: RunningBroker, topic: str, values: list[bytes], **settings: object) -> list[int]:
    """Produce values, in order; gives their offsets."""
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5, **settings)) as producer:
        sent = [producer.send(topic, value) for value in values]
        return [each.get(20).offset for each in sent]


def consumer_of(broker: RunningBroker, *topics: str, **settings: object) -> KafkaConsumer:
    return KafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        heartbeat_interval_ms=200,
        consumer_timeout_ms=20_000,
        **settings,
    )


def read(consumer: KafkaConsumer, count: int) -> list[bytes]:
    return [next(consumer).value for _ in range(count)]


@pytest.mark.parametrize("codec", [None, "gzip", "zstd"])  # it brings no snappy and no lz4
def test_what_is_produced_is_consumed(broker: RunningBroker, topic: str, codec: str | None) -> None:
    offsets = produce(broker, topic, VALUES, compression_type=codec)

    with closing(consumer_of(broker, topic)) as consumer:
        assert VALUES == read(consumer, len(VALUES))
    assert list(range(len(VALUES))) == offsets


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_any_acknowledgement(broker: RunningBroker, topic: str, acks: int | str) -> None:
    produce(broker, topic, VALUES[:10], acks=acks, enable_idempotence=False)

    with closing(consumer_of(broker, topic)) as consumer:
        assert VALUES[:10] == read(consumer, 10)


def test_everything_of_a_record_comes_back(broker: RunningBroker, topic: str) -> None:
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap)) as producer:
        producer.send(topic, None, b"key", [("one", b"1")], timestamp_ms=1_234_567_890_123).get(20)

    with closing(consumer_of(broker, topic)) as consumer:
        record = next(consumer)
    assert (b"key", None, 1_234_567_890_123) == (record.key, record.value, record.timestamp)
    assert [("one", b"1")] == list(record.headers)


def test_offsets_by_time_and_by_end(broker: RunningBroker, topic: str) -> None:
    place = TopicPartition(topic, 0)
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap)) as producer:
        for time_ms in (1000, 2000, 3000):
            producer.send(topic, b"at", timestamp_ms=time_ms).get(20)

    with closing(consumer_of(broker, topic)) as consumer:
        assert (1, 2000) == consumer.offsets_for_times({place: 1500})[place][:2]
        assert {place: 0} == consumer.beginning_offsets([place])
        assert {place: 3} == consumer.end_offsets([place])


def test_consumer_begins_at_an_offset(broker: RunningBroker, topic: str) -> None:
    produce(broker, topic, VALUES[:10])

    with closing(consumer_of(broker)) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 7)
        assert VALUES[7:10] == read(consumer, 3)


def test_group_goes_on_where_it_committed(broker: RunningBroker, topic: str, group: str) -> None:
    place = TopicPartition(topic, 0)
    produce(broker, topic, VALUES[:10])
    with closing(consumer_of(broker, topic, group_id=group)) as consumer:
        read(consumer, 4)
        consumer.commit({place: OffsetAndMetadata(4, "verbatim", 0)})

    with closing(consumer_of(broker, topic, group_id=group)) as consumer:
        assert VALUES[4:10] == read(consumer, 6)
        committed = consumer.committed(place, metadata=True)
    assert OffsetAndMetadata(4, "verbatim", 0) == committed


class Member:
    """A member of a group in a thread of its own, which polls without a break.

    kafka-python 3.0 forgets a join that is answered while nobody polls, and joins again. Members that take turns in
    one thread are answered in each other's turn, and may so rebalance for ever, with Apache Kafka as with us.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self.owned: set[int] = set()
        self._leaves = threading.Event()
        self._thread = threading.Thread(target=self._poll, args=(consumer,))
        self._thread.start()

    def _poll(self, consumer: KafkaConsumer) -> None:
        with closing(consumer):
            while not self._leaves.is_set():
                consumer.poll(timeout_ms=200)
                self.owned = {place.partition for place in consumer.assignment()}

    def close(self) -> None:
        """Leave the group."""
        self._leaves.set()
        self._thread.join()


def test_two_members_share_four_partitions(
    broker: RunningBroker, admin: KafkaAdminClient, topic: str, group: str
) -> None:
    admin.create_topics([NewTopic(topic, 4, 1)])

    with closing(Member(consumer_of(broker, topic, group_id=group))) as first:
        assert eventually(lambda: len(first.owned) == 4)
        with closing(Member(consumer_of(broker, topic, group_id=group))) as second:
            assert eventually(lambda: [len(first.owned), len(second.owned)] == [2, 2])
            owned = first.owned | second.owned
        assert eventually(lambda: len(first.owned) == 4)

    assert {0, 1, 2, 3} == owned


@pytest.fixture
def admin(broker: RunningBroker) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as client:
        yield client


def test_topics_are_made_described_grown_and_deleted(admin: KafkaAdminClient, topic: str) -> None:
    admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"retention.ms": "3600000"})])
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, 2, 1)])
    admin.create_partitions({topic: NewPartitions(3)})
    (described,) = admin.describe_topics([topic])
    configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])

    assert 3 == len(described["partitions"])
    assert "3600000" in str(configs)
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()


def test_groups_are_listed_described_and_deleted(
    broker: RunningBroker, admin: KafkaAdminClient, topic: str, group: str
) -> None:
    produce(broker, topic, VALUES[:1])
    with closing(consumer_of(broker, topic, group_id=group)) as consumer:
        read(consumer, 1)
        consumer.commit()
        listed = str(admin.list_groups())
        described = str(admin.describe_groups([group]))
    offsets = str(admin.list_group_offsets([group]))
    admin.delete_groups([group])

    assert group in listed
    assert "Stable" in described
    assert topic in offsets
    assert group not in str(admin.list_groups())


def test_log_directories_are_described(broker: RunningBroker, admin: KafkaAdminClient, topic: str) -> None:
    produce(broker, topic, VALUES)

    assert topic in str(admin.describe_log_dirs())


def test_cluster_is_described(broker: RunningBroker, admin: KafkaAdminClient) -> None:
    assert str(broker.port) in str(admin.describe_cluster())


def test_records_are_deleted(broker: RunningBroker, topic: str) -> None:
    produce(broker, topic, VALUES[:10])
    place = TopicPartition(topic, 0)

    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as admin:
        assert 4 == admin.delete_records({place: 4})[place]["low_watermark"]
    with closing(consumer_of(broker, topic)) as consumer:
        assert {place: 4} == consumer.beginning_offsets([place])
        assert VALUES[4:10] == read(consumer, 6)
