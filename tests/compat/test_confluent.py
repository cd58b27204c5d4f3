"""confluent-kafka (librdkafka, Python) against our broker."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType

from tests.compat.running import RunningBroker, eventually

pytestmark = pytest.mark.client("confluent-kafka")


def produce(broker: RunningBroker, topic: str, values: list[bytes], **settings: object) -> list[Message]:
    """Produce values, in order; gives the reports."""
    reports: list[Message] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        reports.append(message)

    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 2, **settings})
    for value in values:
        producer.produce(topic, value, on_delivery=delivered)
    assert 0 == producer.flush(20)
    return reports


@contextmanager
def consuming(broker: RunningBroker, group: str, **settings: object) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 200,
            **settings,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def read(consumer: Consumer, count: int) -> list[Message]:
    """The next `count` messages."""
    messages: list[Message] = []
    while len(messages) < count:
        message = consumer.poll(20)
        assert message is not None, f"{len(messages)} of {count} messages came"
        assert message.error() is None, message.error()
        messages.append(message)
    return messages


def values_of(messages: list[Message]) -> list[bytes]:
    return [message.value() for message in messages]


VALUES = [b"%d" % number for number in range(200)]


@pytest.mark.parametrize("acks", ["1", "all"])
@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed(broker: RunningBroker, topic: str, group: str, codec: str, acks: str) -> None:
    reports = produce(broker, topic, VALUES, **{"compression.type": codec, "acks": acks})

    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        assert VALUES == values_of(read(consumer, len(VALUES)))
    assert list(range(len(VALUES))) == [report.offset() for report in reports]


def test_unacknowledged_records_arrive(broker: RunningBroker, topic: str, group: str) -> None:
    produce(broker, topic, VALUES, acks="0")

    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        assert VALUES == values_of(read(consumer, len(VALUES)))


def test_idempotent_producer(broker: RunningBroker, topic: str, group: str) -> None:
    produce(broker, topic, VALUES, **{"enable.idempotence": True})

    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        assert VALUES == values_of(read(consumer, len(VALUES)))


def test_everything_of_a_record_comes_back(broker: RunningBroker, topic: str, group: str) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, None, b"key", timestamp=1_234_567_890_123, headers=[("one", b"1"), ("null", None)])
    assert 0 == producer.flush(20)

    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        (message,) = read(consumer, 1)
    assert (b"key", None) == (message.key(), message.value())
    assert 1_234_567_890_123 == message.timestamp()[1]
    assert [("one", b"1"), ("null", None)] == message.headers()


def test_offsets_for_times_and_watermarks(broker: RunningBroker, topic: str, group: str) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for time_ms in (1000, 2000, 3000):
        producer.produce(topic, b"at", timestamp=time_ms, partition=0)
        assert 0 == producer.flush(20)

    with consuming(broker, group) as consumer:
        found = consumer.offsets_for_times([TopicPartition(topic, 0, time_ms) for time_ms in (1500,)], timeout=20)
        assert [1] == [place.offset for place in found]
        assert (0, 3) == consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)


def test_assigned_consumer_reads_from_an_offset(broker: RunningBroker, topic: str, group: str) -> None:
    produce(broker, topic, VALUES)

    with consuming(broker, group) as consumer:
        consumer.assign([TopicPartition(topic, 0, 150)])
        assert VALUES[150:] == values_of(read(consumer, 50))


def test_offset_beyond_the_end_is_out_of_range(broker: RunningBroker, topic: str, group: str) -> None:
    produce(broker, topic, VALUES[:1])

    with consuming(broker, group, **{"auto.offset.reset": "error"}) as consumer:
        consumer.assign([TopicPartition(topic, 0, 99)])
        message = consumer.poll(20)

    assert message is not None and message.error() is not None
    assert KafkaError._AUTO_OFFSET_RESET == message.error().code()


def test_group_goes_on_where_it_committed(broker: RunningBroker, topic: str, group: str) -> None:
    produce(broker, topic, VALUES[:20])
    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        last = read(consumer, 10)[-1]
        consumer.commit(message=last, asynchronous=False)

    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        assert VALUES[10:20] == values_of(read(consumer, 10))


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_two_members_share_four_partitions(
    broker: RunningBroker, admin: AdminClient, topic: str, group: str, strategy: str
) -> None:
    admin.create_topics([NewTopic(topic, 4)])[topic].result(20)
    how = {"partition.assignment.strategy": strategy}

    with consuming(broker, group, **how) as first:
        first.subscribe([topic])
        assert eventually(lambda: first.poll(0.05) is None and len(first.assignment()) == 4)
        with consuming(broker, group, **how) as second:
            second.subscribe([topic])
            shared = eventually(
                lambda: (
                    first.poll(0.05) is None
                    and second.poll(0.05) is None
                    and (2, 2) == (len(first.assignment()), len(second.assignment()))
                )
            )
            owned = {place.partition for place in first.assignment() + second.assignment()}
        alone_again = eventually(lambda: first.poll(0.05) is None and len(first.assignment()) == 4)

    assert shared
    assert {0, 1, 2, 3} == owned
    assert alone_again


def test_static_member_takes_up_its_part_again(broker: RunningBroker, topic: str, group: str) -> None:
    produce(broker, topic, VALUES[:2])
    static = {"group.instance.id": "me", "session.timeout.ms": 10000}
    with consuming(broker, group, **static) as first:
        first.subscribe([topic])
        read(first, 1)
        member = first.memberid()

    with consuming(broker, group, **static) as second:
        second.subscribe([topic])
        read(second, 1)
        assert member != second.memberid()


def test_every_event_of_a_rebalancing_group_is_seen(
    broker: RunningBroker, admin: AdminClient, topic: str, group: str
) -> None:
    admin.create_topics([NewTopic(topic, 4)])[topic].result(20)
    seen: set[bytes] = set()
    stop = threading.Event()

    def follow() -> None:
        with consuming(broker, group, **{"enable.auto.commit": True}) as consumer:
            consumer.subscribe([topic])
            while not stop.is_set():
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    seen.add(message.value())

    followers = [threading.Thread(target=follow) for _ in range(3)]
    for follower in followers:
        follower.start()
        produce(broker, topic, [b"%s-%d" % (follower.name.encode(), number) for number in range(100)])
    complete = eventually(lambda: len(seen) == 300)
    stop.set()
    for follower in followers:
        follower.join()

    assert complete


@pytest.fixture
def admin(broker: RunningBroker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap})


def test_topics_are_made_described_grown_and_deleted(admin: AdminClient, topic: str) -> None:
    admin.create_topics([NewTopic(topic, 2, config={"retention.ms": "3600000"})])[topic].result(20)
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(20)
    resource = ConfigResource(ResourceType.TOPIC, topic)
    configs = admin.describe_configs([resource])[resource].result(20)

    assert {0, 1, 2} == admin.list_topics(timeout=20).topics[topic].partitions.keys()
    assert "3600000" == configs["retention.ms"].value
    admin.delete_topics([topic])[topic].result(20)
    assert topic not in admin.list_topics(timeout=20).topics


@pytest.mark.parametrize(
    ("name", "partitions", "config", "code"),
    [
        ("bad/name", 1, {}, KafkaError.TOPIC_EXCEPTION),
        ("..", 1, {}, KafkaError.TOPIC_EXCEPTION),
        ("a" * 250, 1, {}, KafkaError.TOPIC_EXCEPTION),
        ("__consumer_offsets", 1, {}, KafkaError.TOPIC_EXCEPTION),
        ("many", 100_000, {}, KafkaError.POLICY_VIOLATION),
        ("odd", 1, {"no.such.setting": "1"}, KafkaError.INVALID_CONFIG),
        ("odd", 1, {"retention.ms": "soon"}, KafkaError.INVALID_CONFIG),
    ],
)
def test_topics_that_cannot_be_are_refused(
    admin: AdminClient, name: str, partitions: int, config: dict[str, str], code: int
) -> None:
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic(name, partitions, config=config)])[name].result(20)

    assert code == refused.value.args[0].code()


def test_topic_made_anew_is_empty_and_forgets_its_groups(
    broker: RunningBroker, admin: AdminClient, topic: str, group: str
) -> None:
    produce(broker, topic, VALUES[:5])
    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        read(consumer, 5)
        consumer.commit(asynchronous=False)
    admin.delete_topics([topic])[topic].result(20)

    produce(broker, topic, [b"new"])

    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        assert [b"new"] == values_of(read(consumer, 1))


def test_groups_are_listed_described_and_deleted(
    broker: RunningBroker, admin: AdminClient, topic: str, group: str
) -> None:
    produce(broker, topic, VALUES[:1])
    with consuming(broker, group) as consumer:
        consumer.subscribe([topic])
        read(consumer, 1)
        consumer.commit(asynchronous=False)
        listed = {each.group_id for each in admin.list_consumer_groups(request_timeout=20).result().valid}
        described = admin.describe_consumer_groups([group], request_timeout=20)[group].result()

    assert group in listed
    assert [{(topic, 0)}] == [
        {(place.topic, place.partition) for place in member.assignment.topic_partitions} for member in described.members
    ]
    admin.delete_consumer_groups([group], request_timeout=20)[group].result()
    left = {each.group_id for each in admin.list_consumer_groups(request_timeout=20).result().valid}
    assert group not in left


def test_ends_are_listed_by_kind(broker: RunningBroker, admin: AdminClient, topic: str) -> None:
    produce(broker, topic, VALUES[:7])
    place = TopicPartition(topic, 0)

    def offset_of(spec: OffsetSpec) -> int:
        return int(admin.list_offsets({place: spec}, request_timeout=20)[place].result().offset)

    assert (0, 7) == (offset_of(OffsetSpec.earliest()), offset_of(OffsetSpec.latest()))
    assert offset_of(OffsetSpec.max_timestamp()) < 7


def test_cluster_is_described(broker: RunningBroker, admin: AdminClient) -> None:
    cluster = admin.describe_cluster(request_timeout=20).result()

    assert [("127.0.0.1", broker.port)] == [(node.host, node.port) for node in cluster.nodes]
    assert 22 == len(cluster.cluster_id)


def test_too_large_batch_is_refused_and_the_producer_lives(
    broker: RunningBroker, topic: str, new_name: Callable[[], str]
) -> None:
    errors: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "message.max.bytes": 4_000_000})
    producer.produce(topic, bytes(2_000_000), on_delivery=lambda error, message: errors.append(error))
    producer.flush(20)
    producer.produce(topic, b"small", on_delivery=lambda error, message: errors.append(error))
    producer.flush(20)

    assert [KafkaError.MSG_SIZE_TOO_LARGE, None] == [error and error.code() for error in errors]


def test_idempotent_producer_loses_and_repeats_nothing_over_kills(own_broker: RunningBroker) -> None:
    offsets: dict[bytes, int] = {}

    def delivered(error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        offsets[message.value()] = message.offset()

    producer = Producer(
        {
            "bootstrap.servers": own_broker.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 1,
            "reconnect.backoff.max.ms": 100,
            "log_level": 0,
        }
    )
    values = [b"%06d" % number for number in range(6_000)]
    for number, value in enumerate(values):
        producer.produce("kept", value, on_delivery=delivered)
        producer.poll(0)
        if number % 2_000 == 1_999:
            assert eventually(lambda at=number: producer.poll(0) >= 0 and len(offsets) > at - 500)
            own_broker.kill()
            own_broker.start()
    assert 0 == producer.flush(60)

    with consuming(own_broker, "reader") as consumer:
        consumer.assign([TopicPartition("kept", 0, 0)])
        messages = read(consumer, len(values))
    assert values == values_of(messages)
    assert offsets == {message.value(): message.offset() for message in messages}


def test_records_are_deleted(broker: RunningBroker, topic: str) -> None:
    produce(broker, topic, VALUES[:10])

    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    deleted = admin.delete_records([TopicPartition(topic, 0, 4)])

    assert [4] == [each.result(20).low_watermark for each in deleted.values()]
