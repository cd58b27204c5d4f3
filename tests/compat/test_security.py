"""Common clients log in over SASL with and without TLS, are kept from what they may not do, and manage ACLs."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import aiokafka
import kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from kafka.admin import ACL, ACLFilter, ACLOperation, ACLPermissionType, KafkaAdminClient, ResourcePattern
from kafka.admin import ResourceType as KafkaResourceType

from tests.compat.guarded import GuardedBroker, guarded_broker, make_users
from tests.compat.running import eventually

PATIENCE_S = 20
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

every_way = pytest.mark.parametrize("mechanism", MECHANISMS)
every_listener = pytest.mark.parametrize("security", ["SASL_PLAINTEXT", "SASL_SSL"])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as running:
        yield running


# ------------------------------------------------------------------ the same for each client


def confluent(
    broker: GuardedBroker,
    security: str = "SASL_PLAINTEXT",
    mechanism: str = "PLAIN",
    *,
    user: str = "root",
    password: str = "pencil",
) -> dict[str, Any]:
    return {
        "bootstrap.servers": broker.addresses[security],
        "security.protocol": security,
        "sasl.mechanisms": mechanism,
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": str(broker.certificates.authority),
        "log_level": 0,
    }


def aio(
    broker: GuardedBroker,
    security: str = "SASL_PLAINTEXT",
    mechanism: str = "PLAIN",
    *,
    user: str = "root",
    password: str = "pencil",
) -> dict[str, Any]:
    return {
        "bootstrap_servers": broker.addresses[security],
        "security_protocol": security,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "ssl_context": ssl.create_default_context(cafile=str(broker.certificates.authority)),
    }


def pure(
    broker: GuardedBroker,
    security: str = "SASL_PLAINTEXT",
    mechanism: str = "PLAIN",
    *,
    user: str = "root",
    password: str = "pencil",
) -> dict[str, Any]:
    return {
        "bootstrap_servers": broker.addresses[security],
        "security_protocol": security,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "ssl_cafile": str(broker.certificates.authority),
    }


@pytest.fixture
def made(broker: GuardedBroker, topic: str) -> str:
    """A topic that only root may see."""
    admin = AdminClient(confluent(broker))
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(PATIENCE_S)  # type: ignore[attr-defined]  # untyped
    return topic


# ------------------------------------------------------------------ logging in


@pytest.mark.client("confluent-kafka")
@every_way
@every_listener
def test_confluent_logs_in(broker: GuardedBroker, made: str, security: str, mechanism: str) -> None:
    settings = confluent(broker, security, mechanism)
    producer = Producer({**settings, "enable.idempotence": True})
    producer.produce(made, b"hello")
    assert 0 == producer.flush(PATIENCE_S)
    consumer = Consumer({**settings, "group.id": made, "auto.offset.reset": "earliest"})
    consumer.subscribe([made])

    message = consumer.poll(PATIENCE_S)
    consumer.close()

    assert message is not None
    assert b"hello" == message.value()


@pytest.mark.client("aiokafka")
@every_way
@every_listener
async def test_aiokafka_logs_in(broker: GuardedBroker, made: str, security: str, mechanism: str) -> None:
    settings = aio(broker, security, mechanism)
    async with asyncio.timeout(PATIENCE_S):
        async with AIOKafkaProducer(**settings) as producer:
            await producer.send_and_wait(made, b"hello")
        async with AIOKafkaConsumer(made, group_id=made, auto_offset_reset="earliest", **settings) as consumer:
            assert b"hello" == (await consumer.getone()).value


@pytest.mark.client("kafka-python")
@every_way
@every_listener
def test_kafka_python_logs_in(broker: GuardedBroker, made: str, security: str, mechanism: str) -> None:
    settings = pure(broker, security, mechanism)
    with closing(kafka.KafkaProducer(**settings)) as producer:
        producer.send(made, b"hello").get(PATIENCE_S)
    with closing(
        kafka.KafkaConsumer(
            made, group_id=made, auto_offset_reset="earliest", consumer_timeout_ms=PATIENCE_S * 1000, **settings
        )
    ) as consumer:
        assert b"hello" == next(iter(consumer)).value


@pytest.mark.client("confluent-kafka")
@every_way
@every_listener
def test_confluent_is_told_that_the_password_is_wrong(broker: GuardedBroker, security: str, mechanism: str) -> None:
    told: list[KafkaError] = []
    client = AdminClient({**confluent(broker, security, mechanism, password="wrong"), "error_cb": told.append})

    with pytest.raises(KafkaException):
        client.list_topics(timeout=3)

    assert eventually(
        lambda: client.poll(0.05) is not None and any(each.code() == KafkaError._AUTHENTICATION for each in told)
    )
    assert any("the user is unknown or the password is wrong" in each.str() for each in told)


def test_changed_password_counts_without_a_restart(broker: GuardedBroker) -> None:
    def comes_in(password: str) -> bool:
        client = AdminClient({**confluent(broker, user="ben", password=password), "error_cb": lambda error: None})
        try:
            client.list_topics(timeout=2)
        except KafkaException:
            return False
        return True

    make_users(broker.users_file, "crayon")
    try:
        assert eventually(lambda: comes_in("crayon"))
        assert not comes_in("pencil")
    finally:
        make_users(broker.users_file, "pencil")
    assert eventually(lambda: comes_in("pencil"))


# ------------------------------------------------------------------ what may be done


def allow(broker: GuardedBroker, *bindings: AclBinding) -> None:
    admin = AdminClient(confluent(broker))
    for future in admin.create_acls(list(bindings)).values():
        future.result(PATIENCE_S)


def binding(name: str, operation: AclOperation, kind: ResourceType = ResourceType.TOPIC, **more: Any) -> AclBinding:
    pattern = more.get("pattern", ResourcePatternType.LITERAL)
    permission = more.get("permission", AclPermissionType.ALLOW)
    return AclBinding(kind, name, pattern, "User:ada", "*", operation, permission)


def produced(broker: GuardedBroker, topic: str) -> int | None:
    """The error that ada gets for a record, None where it is taken."""
    told: list[KafkaError | None] = []
    producer = Producer({**confluent(broker, user="ada"), "message.timeout.ms": 4_000})
    producer.produce(topic, b"x", on_delivery=lambda error, message: told.append(error))
    producer.flush(PATIENCE_S)
    return None if told[0] is None else told[0].code()


@pytest.mark.client("confluent-kafka")
def test_confluent_sees_that_it_may_not_write(broker: GuardedBroker, made: str) -> None:
    assert KafkaError.TOPIC_AUTHORIZATION_FAILED == produced(broker, made)

    allow(broker, binding(made, AclOperation.WRITE))
    assert None is produced(broker, made)

    allow(broker, binding(made, AclOperation.WRITE, permission=AclPermissionType.DENY))
    assert KafkaError.TOPIC_AUTHORIZATION_FAILED == produced(broker, made)
    assert any(
        line.endswith("}") and '"principal": "User:ada"' in line and f'"name": "{made}"' in line
        for line in broker.lines()
        if "tivo.broker.denied" in line
    )


@pytest.mark.client("confluent-kafka")
def test_confluent_sees_only_what_it_may(broker: GuardedBroker, made: str) -> None:
    ada = AdminClient(confluent(broker, user="ada"))
    assert made not in ada.list_topics(timeout=PATIENCE_S).topics

    allow(broker, binding(made[:-1], AclOperation.DESCRIBE, pattern=ResourcePatternType.PREFIXED))

    assert made in ada.list_topics(timeout=PATIENCE_S).topics


@pytest.mark.client("confluent-kafka")
def test_confluent_sees_that_the_group_is_not_its(broker: GuardedBroker, made: str) -> None:
    allow(broker, binding(made, AclOperation.READ))
    consumer = Consumer({**confluent(broker, user="ada"), "group.id": made})
    consumer.subscribe([made])
    told = consumer.poll(PATIENCE_S)
    consumer.close()

    assert told is not None
    assert told.error() is not None
    assert KafkaError.GROUP_AUTHORIZATION_FAILED == told.error().code()


@pytest.mark.client("aiokafka")
async def test_aiokafka_sees_that_it_may_not_read(broker: GuardedBroker, made: str) -> None:
    allow(broker, binding(made, AclOperation.DESCRIBE))
    async with asyncio.timeout(PATIENCE_S), AIOKafkaConsumer(**aio(broker, user="ada")) as consumer:
        consumer.assign([aiokafka.TopicPartition(made, 0)])
        with pytest.raises(TopicAuthorizationFailedError):
            await consumer.getone()


@pytest.mark.client("kafka-python")
def test_kafka_python_sees_that_it_may_not_make_topics(broker: GuardedBroker, topic: str) -> None:
    new = kafka.admin.NewTopic(topic, num_partitions=1, replication_factor=1)
    with (
        closing(KafkaAdminClient(**pure(broker, user="ada"))) as admin,
        pytest.raises(kafka.errors.TopicAuthorizationFailedError),
    ):
        admin.create_topics([new])


# ------------------------------------------------------------------ managing entries


@pytest.mark.client("confluent-kafka")
def test_confluent_manages_entries(broker: GuardedBroker, topic: str) -> None:
    admin = AdminClient(confluent(broker))
    entries = [binding(topic, AclOperation.READ), binding(topic, AclOperation.WRITE)]
    allow(broker, *entries)
    every = AclBindingFilter(
        ResourceType.ANY, topic, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )

    assert sorted(map(str, entries)) == sorted(map(str, admin.describe_acls(every).result(PATIENCE_S)))
    (gone,) = admin.delete_acls([every]).values()
    assert sorted(map(str, entries)) == sorted(map(str, gone.result(PATIENCE_S)))
    assert [] == admin.describe_acls(every).result(PATIENCE_S)


@pytest.mark.client("confluent-kafka")
def test_confluent_may_not_manage_entries_unless_it_may(broker: GuardedBroker, topic: str) -> None:
    admin = AdminClient(confluent(broker, user="ada"))
    (refused,) = admin.create_acls([binding(topic, AclOperation.READ)]).values()

    with pytest.raises(KafkaException) as error:
        refused.result(PATIENCE_S)
    assert KafkaError.CLUSTER_AUTHORIZATION_FAILED == error.value.args[0].code()


@pytest.mark.client("kafka-python")
def test_kafka_python_manages_entries(broker: GuardedBroker, topic: str) -> None:
    pattern = ResourcePattern(KafkaResourceType.TOPIC, topic)
    entry = ACL("User:ada", "*", ACLOperation.READ, ACLPermissionType.ALLOW, pattern)
    every = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)
    with closing(KafkaAdminClient(**pure(broker))) as admin:
        created = admin.create_acls([entry])
        there, _ = admin.describe_acls(every)
        admin.delete_acls([every])
        left, _ = admin.describe_acls(every)

    assert [entry] == created["succeeded"]
    assert [entry] == there
    assert [] == left
