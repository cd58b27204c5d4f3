"""CreateTopics."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicResult,
    CreateTopicsRequest,
)


def topic(name: str = "new", partitions: int = 1, replicas: int = 1, **configs: str) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        configs=[CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )


def created(
    bench: BrokerBench, *topics: CreatableTopic, version: int = 7, validate: bool = False
) -> list[CreatableTopicResult]:
    answers: list[CreatableTopicResult] = bench.ask(
        CreateTopicsRequest(topics=list(topics), validate_only=validate), version
    ).topics
    return answers


@pytest.mark.parametrize("version", range(2, 8))
def test_topic_is_made(bench: BrokerBench, version: int) -> None:
    (answer,) = created(bench, topic(partitions=3, retention_ms="5000"), version=version)

    made = bench.broker.topics.get("new")
    assert (0, 3) == (answer.error_code, len(made.leaders))
    assert 5_000_000 == made.settings.log.retention_us
    if version >= 7:
        assert made.id == answer.topic_id
    if version >= 5:
        assert (3, 1, "5000") == (
            answer.num_partitions,
            answer.replication_factor,
            {config.name: config.value for config in answer.configs or []}["retention.ms"],
        )


def test_defaults_are_the_brokers(bench: BrokerBench) -> None:
    (answer,) = created(bench, topic(partitions=-1, replicas=-1))

    assert (0, 1) == (answer.error_code, answer.num_partitions)


def test_answer_waits_until_the_topic_is_safe(bench: BrokerBench) -> None:
    sent = bench.send(CreateTopicsRequest(topics=[topic()]))

    assert (None, None) == (sent.response, bench.broker.topics.find("new"))
    bench.runtime.work()

    assert 0 == sent.response.topics[0].error_code


def test_validation_makes_nothing(bench: BrokerBench) -> None:
    answers = created(bench, topic(), topic("bad/name"), validate=True)

    assert [0, ErrorCode.INVALID_TOPIC_EXCEPTION] == [answer.error_code for answer in answers]
    assert None is bench.broker.topics.find("new")


def test_client_may_say_which_broker_leads(bench: BrokerBench) -> None:
    wanted = topic(partitions=-1, replicas=-1)
    wanted.assignments = [CreatableReplicaAssignment(partition_index=index, broker_ids=[1]) for index in (1, 0)]

    assert [2] == [answer.num_partitions for answer in created(bench, wanted)]


def assigned(index: int, broker: int) -> CreatableTopic:
    wanted = topic(partitions=-1, replicas=-1)
    wanted.assignments = [CreatableReplicaAssignment(partition_index=index, broker_ids=[broker])]
    return wanted


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (topic("t"), ErrorCode.TOPIC_ALREADY_EXISTS),
        (topic(""), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic(".."), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("a/b"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("nul\0"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("a" * 250), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("\N{GRINNING FACE}"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic(partitions=0), ErrorCode.INVALID_PARTITIONS),
        (topic(partitions=-2), ErrorCode.INVALID_PARTITIONS),
        (topic(partitions=10_000), ErrorCode.POLICY_VIOLATION),
        (topic(replicas=2), ErrorCode.INVALID_REPLICATION_FACTOR),
        (topic(replicas=0), ErrorCode.INVALID_REPLICATION_FACTOR),
        (topic(no_such_setting="1"), ErrorCode.INVALID_CONFIG),
        (topic(retention_ms="soon"), ErrorCode.INVALID_CONFIG),
        (assigned(0, 2), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (assigned(1, 1), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
    ],
)
def test_topic_that_cannot_be_is_refused(bench: BrokerBench, wanted: CreatableTopic, error: ErrorCode) -> None:
    (answer,) = created(bench, wanted)

    assert error == answer.error_code
    assert answer.error_message


def test_topic_named_twice_is_refused(bench: BrokerBench) -> None:
    assert {ErrorCode.INVALID_REQUEST} == {answer.error_code for answer in created(bench, topic(), topic())}


def test_too_many_topics_at_once_are_refused(bench: BrokerBench) -> None:
    answers = created(bench, *(topic(f"new-{number}") for number in range(10_000)))

    assert {ErrorCode.POLICY_VIOLATION} == {answer.error_code for answer in answers}


def test_racing_requests_make_a_topic_once(bench: BrokerBench) -> None:
    sent = [bench.send(CreateTopicsRequest(topics=[topic()])) for _ in range(2)]
    bench.runtime.work()

    assert [0, ErrorCode.TOPIC_ALREADY_EXISTS] == [each.response.topics[0].error_code for each in sent]


def test_disk_that_takes_no_topic_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="fdatasync", name="catalog", error=28))

    assert [ErrorCode.KAFKA_STORAGE_ERROR] == [answer.error_code for answer in created(bench, topic())]
