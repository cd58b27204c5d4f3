"""DeleteTopics."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tests.unit.tivo.broker.handlers.test_fetch import produce_one
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, kept, request
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_topics import DeletableTopicResult, DeleteTopicsRequest, DeleteTopicState


def deleted(bench: BrokerBench, *wanted: DeleteTopicState) -> list[DeletableTopicResult]:
    answers: list[DeletableTopicResult] = bench.ask(DeleteTopicsRequest(topics=list(wanted))).responses
    return answers


@pytest.mark.parametrize("version", range(1, 6))
def test_topic_is_deleted_by_name(bench: BrokerBench, version: int) -> None:
    directory = bench.catalog.directory(bench.catalog.get("t"), 0)

    (answer,) = bench.ask(DeleteTopicsRequest(topic_names=["t"]), version).responses

    assert ("t", 0) == (answer.name, answer.error_code)
    assert None is bench.broker.topics.find("t")
    assert not directory.exists()


def test_topic_is_deleted_by_id(bench: BrokerBench) -> None:
    topic_id = bench.broker.topics.get("t").id

    (answer,) = deleted(bench, DeleteTopicState(topic_id=topic_id))

    assert ("t", topic_id, 0) == (answer.name, answer.topic_id, answer.error_code)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (DeleteTopicState(name="nowhere"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (DeleteTopicState(topic_id=b"x" * 16), ErrorCode.UNKNOWN_TOPIC_ID),
        (DeleteTopicState(name="t", topic_id=b"x" * 16), ErrorCode.INVALID_REQUEST),
        (DeleteTopicState(name="__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, wanted: DeleteTopicState, error: ErrorCode) -> None:
    assert [error] == [answer.error_code for answer in deleted(bench, wanted)]


def test_topic_is_deleted_once(bench: BrokerBench) -> None:
    answers = deleted(bench, DeleteTopicState(name="t"), DeleteTopicState(name="t"))

    assert [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] == [answer.error_code for answer in answers]


def test_topic_is_gone_at_once_and_waiting_producers_are_told(bench: BrokerBench) -> None:
    waiting = bench.send(produce_one(b"a", acks=-1))

    bench.send(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))

    answer = waiting.response.responses[0].partition_responses[0]
    assert ErrorCode.KAFKA_STORAGE_ERROR == answer.error_code
    assert "deleted" in answer.error_message
    assert None is bench.broker.topics.find("t")
    bench.runtime.work()


def test_offsets_of_the_topic_are_forgotten(bench: BrokerBench) -> None:
    committed(bench, request())

    deleted(bench, DeleteTopicState(name="t"))

    assert None is kept(bench)


def test_disk_that_forgets_no_topic_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="fdatasync", name="catalog", error=28))

    assert [ErrorCode.KAFKA_STORAGE_ERROR] == [
        answer.error_code for answer in deleted(bench, DeleteTopicState(name="t"))
    ]
