"""What operators change and see through admin clients: settings, states of groups, sizes, and what is refused."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource as OldConfigResource
from aiokafka.admin.config_resource import ConfigResourceType as OldConfigResourceType
from aiokafka.errors import InvalidSessionTimeoutError
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigSource,
    NewTopic,
    ResourceType,
)
from confluent_kafka.admin import ConfigResource as LibrdkafkaResource
from kafka import KafkaAdminClient, KafkaConsumer
from kafka import TopicPartition as KafkaPythonPartition
from kafka.admin import ConfigResource, ConfigResourceType

from tests.compat.running import RunningBroker, eventually
from tests.compat.test_confluent import consuming, produce, read, values_of

SET, DELETE = AlterConfigOpType.SET, AlterConfigOpType.DELETE
APPEND, SUBTRACT = AlterConfigOpType.APPEND, AlterConfigOpType.SUBTRACT


@pytest.fixture
def admin(broker: RunningBroker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap})


@pytest.fixture
def made(admin: AdminClient, topic: str) -> str:
    admin.create_topics([NewTopic(topic, 1)])[topic].result(20)
    return topic


@pytest.fixture
def python_admin(broker: RunningBroker) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as client:
        yield client


def alter(admin: AdminClient, topic: str, *changes: tuple[str, AlterConfigOpType, str | None]) -> None:
    entries = [ConfigEntry(name, value, incremental_operation=how) for name, how, value in changes]
    resource = LibrdkafkaResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result(20)


def described(admin: AdminClient, topic: str, *, kind: ResourceType = ResourceType.TOPIC) -> dict[str, ConfigEntry]:
    resource = LibrdkafkaResource(kind, topic)
    return dict(admin.describe_configs([resource])[resource].result(20))


def refusal(ask: Callable[[], object]) -> KafkaError:
    with pytest.raises(KafkaException) as refused:
        ask()
    error = refused.value.args[0]
    assert isinstance(error, KafkaError)
    return error


def test_settings_are_changed_and_go_back(admin: AdminClient, made: str) -> None:
    alter(admin, made, ("retention.ms", SET, "3600000"), ("cleanup.policy", APPEND, "compact"))
    changed = described(admin, made)
    alter(admin, made, ("retention.ms", DELETE, None), ("cleanup.policy", SUBTRACT, "delete"))
    again = described(admin, made)

    assert ("3600000", ConfigSource.DYNAMIC_TOPIC_CONFIG.value) == (
        changed["retention.ms"].value,
        changed["retention.ms"].source,
    )
    assert ("delete,compact", "compact") == (changed["cleanup.policy"].value, again["cleanup.policy"].value)
    assert ("604800000", True) == (again["retention.ms"].value, again["retention.ms"].is_default)


def test_every_place_of_a_value_is_told(admin: AdminClient, made: str) -> None:
    alter(admin, made, ("retention.ms", SET, "3600000"))

    entry = described(admin, made)["retention.ms"]

    assert {"retention.ms": "3600000", "log.retention.ms": "604800000"} == {
        name: synonym.value for name, synonym in entry.synonyms.items()
    }


@pytest.mark.parametrize(
    ("name", "operation", "value"),
    [("no.such", SET, "1"), ("retention.ms", SET, "soon"), ("retention.ms", APPEND, "1")],
)
def test_settings_that_cannot_be_are_refused_whole(
    admin: AdminClient, made: str, name: str, operation: AlterConfigOpType, value: str
) -> None:
    error = refusal(lambda: alter(admin, made, ("segment.ms", SET, "5000"), (name, operation, value)))

    assert KafkaError.INVALID_CONFIG == error.code()
    assert name in error.str()
    assert described(admin, made)["segment.ms"].is_default


def test_settings_of_the_broker_are_told_and_fixed(broker: RunningBroker, admin: AdminClient) -> None:
    configs = described(admin, "1", kind=ResourceType.BROKER)

    assert f"PLAINTEXT://127.0.0.1:{broker.port}" == configs["advertised.listeners"].value
    assert all(config.is_read_only for config in configs.values())
    entry = ConfigEntry("num.partitions", "3", incremental_operation=SET)
    resource = LibrdkafkaResource(ResourceType.BROKER, "1", incremental_configs=[entry])
    error = refusal(lambda: admin.incremental_alter_configs([resource])[resource].result(20))
    assert KafkaError.INVALID_REQUEST == error.code()


async def test_old_clients_set_all_at_once(broker: RunningBroker, admin: AdminClient, made: str) -> None:
    old = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await old.start()
    try:
        for configs in ({"retention.ms": "5000", "segment.ms": "6000"}, {"segment.ms": "7000"}):
            await old.alter_configs([OldConfigResource(OldConfigResourceType.TOPIC, made, configs)])
    finally:
        await old.close()

    told = await asyncio.to_thread(described, admin, made)

    assert ("604800000", "7000") == (told["retention.ms"].value, told["segment.ms"].value)


def test_settings_are_kept_over_a_kill(own_broker: RunningBroker) -> None:
    admin = AdminClient({"bootstrap.servers": own_broker.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("t", 1)])["t"].result(20)
    alter(admin, "t", ("retention.ms", SET, "5000"))

    own_broker.kill()
    own_broker.start()

    assert "5000" == described(admin, "t")["retention.ms"].value


def test_largest_batch_counts_from_the_change_on(broker: RunningBroker, admin: AdminClient, made: str) -> None:
    def produced(size: int) -> int | None:
        errors: list[KafkaError | None] = []
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(made, bytes(size), on_delivery=lambda error, message: errors.append(error))
        assert 0 == producer.flush(20)
        return errors[0] and errors[0].code()

    assert None is produced(2_000)
    alter(admin, made, ("max.message.bytes", SET, "1000"))

    assert [KafkaError.MSG_SIZE_TOO_LARGE, None] == [produced(2_000), produced(500)]


def test_compaction_counts_from_the_change_on(broker: RunningBroker, admin: AdminClient, made: str) -> None:
    """A topic that is compacted takes no record without a key."""

    def produced(key: bytes | None) -> int | None:
        errors: list[KafkaError | None] = []
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(made, b"value", key, on_delivery=lambda error, message: errors.append(error))
        assert 0 == producer.flush(20)
        return errors[0] and errors[0].code()

    assert None is produced(None)
    alter(admin, made, ("cleanup.policy", SET, "compact"))
    assert [KafkaError.INVALID_RECORD, None] == [produced(None), produced(b"key")]
    alter(admin, made, ("cleanup.policy", DELETE, None))
    assert None is produced(None)


def test_retention_counts_from_the_change_on(broker: RunningBroker, admin: AdminClient, made: str, group: str) -> None:
    alter(admin, made, ("segment.bytes", SET, "16384"))
    for _ in range(3):
        produce(broker, made, [bytes(15_000)])

    alter(admin, made, ("retention.bytes", SET, "1"))

    with consuming(broker, group) as consumer:
        assert (2, 3) == consumer.get_watermark_offsets(TopicPartition(made, 0), timeout=20)


def test_topics_are_deleted_by_id(broker: RunningBroker, admin: AdminClient, made: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as client:
        (told,) = client.describe_topics([made])
        client.delete_topics([UUID(told["topic_id"])])

    assert made not in admin.list_topics(timeout=20).topics


@pytest.mark.parametrize("milliseconds", [5_999, 1_800_001])
async def test_session_must_be_within_bounds(broker: RunningBroker, topic: str, group: str, milliseconds: int) -> None:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        session_timeout_ms=milliseconds,
        heartbeat_interval_ms=200,
    )
    try:
        with pytest.raises(InvalidSessionTimeoutError):
            async with asyncio.timeout(20):
                await consumer.start()
                await consumer.getone()
    finally:
        await consumer.stop()


def test_internal_topics_are_marked(python_admin: KafkaAdminClient, made: str) -> None:
    told = {topic["name"]: topic["is_internal"] for topic in python_admin.describe_topics()}

    assert (True, False) == (told["__consumer_offsets"], told[made])


def test_leader_epoch_comes_with_offsets(broker: RunningBroker, made: str, group: str) -> None:
    produce(broker, made, [b"one"])
    place = KafkaPythonPartition(made, 0)

    with closing(KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group)) as consumer:
        found = consumer.offsets_for_times({place: 0})[place]

    assert (0, 0) == (found.offset, found.leader_epoch)


def test_groups_are_listed_by_state(
    broker: RunningBroker, admin: AdminClient, made: str, new_name: Callable[[], str]
) -> None:
    produce(broker, made, [b"one"])
    left, held = new_name(), new_name()

    def listed(state: ConsumerGroupState) -> set[str]:
        answer = admin.list_consumer_groups(states={state}, request_timeout=20).result()
        return {each.group_id for each in answer.valid} & {left, held}

    def read_one(consumer: Consumer) -> None:
        consumer.subscribe([made])
        assert [b"one"] == values_of(read(consumer, 1))
        consumer.commit(asynchronous=False)

    with consuming(broker, left) as consumer:
        read_one(consumer)
    with consuming(broker, held) as consumer:
        read_one(consumer)
        assert eventually(lambda: listed(ConsumerGroupState.STABLE) == {held})
        assert {left} == listed(ConsumerGroupState.EMPTY)


def test_kinds_and_sources_of_settings_are_told(
    broker: RunningBroker, python_admin: KafkaAdminClient, made: str
) -> None:
    resources = [ConfigResource(ConfigResourceType.TOPIC, made), ConfigResource(ConfigResourceType.BROKER, "1")]
    told = python_admin.describe_configs(resources, config_filter="all")
    topic, own = told["topic"][made], told["broker"]["1"]

    assert ("LIST", "LONG", "INT", "DOUBLE", "BOOLEAN") == tuple(
        topic[name]["config_type"]
        for name in ("cleanup.policy", "retention.ms", "max.message.bytes", "min.cleanable.dirty.ratio", "preallocate")
    )
    assert "DEFAULT_CONFIG" == topic["retention.ms"]["config_source"]
    listeners = own["advertised.listeners"]
    assert (f"PLAINTEXT://127.0.0.1:{broker.port}", "STATIC_BROKER_CONFIG", True) == (
        listeners["value"], listeners["config_source"], listeners["read_only"]
    )  # fmt: skip


def test_sizes_on_disk_are_told(broker: RunningBroker, python_admin: KafkaAdminClient, made: str) -> None:
    produce(broker, made, [bytes(5_000)])

    told = str(python_admin.describe_log_dirs())

    assert made in told
    assert str(broker.data) in told
