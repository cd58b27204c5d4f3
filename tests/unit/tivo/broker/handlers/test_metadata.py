"""Metadata."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tivo.broker.topics import GONE_US
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic


def asked(
    bench: BrokerBench, *names: str, version: int = 12, allow_auto_topic_creation: bool = True
) -> list[MetadataResponseTopic]:
    topics = [MetadataRequestTopic(name=name) for name in names]
    request = MetadataRequest(topics=topics, allow_auto_topic_creation=allow_auto_topic_creation)
    response = bench.ask(request, version)
    assert isinstance(response, MetadataResponse)
    return response.topics


@pytest.mark.parametrize("version", range(13))
def test_topic_with_its_partitions(bench: BrokerBench, version: int) -> None:
    (topic,) = asked(bench, "t", version=version)

    assert ("t", 0, [0, 1]) == (topic.name, topic.error_code, [each.partition_index for each in topic.partitions])
    assert {(1, (1,), (1,))} == {
        (each.leader_id, tuple(each.replica_nodes), tuple(each.isr_nodes)) for each in topic.partitions
    }


def test_broker_and_cluster(bench: BrokerBench) -> None:
    response = bench.ask(MetadataRequest(topics=[]))

    assert [(1, "127.0.0.1", 9092)] == [(each.node_id, each.host, each.port) for each in response.brokers]
    assert (22, 1) == (len(response.cluster_id), response.controller_id)


def test_null_is_all_topics_and_internal_ones_are_marked(bench: BrokerBench) -> None:
    response = bench.ask(MetadataRequest(topics=None))

    internal = {"__consumer_offsets": True, "__transaction_state": True}
    assert {"t": False, **internal} == {each.name: each.is_internal for each in response.topics}


def test_empty_list_is_all_topics_in_version_0_only(bench: BrokerBench) -> None:
    assert 3 == len(asked(bench, version=0))
    assert [] == asked(bench, version=1)


def test_missing_topic_is_made(bench: BrokerBench) -> None:
    (topic,) = asked(bench, "new")

    assert (0, 1) == (topic.error_code, len(topic.partitions))
    assert topic.topic_id == bench.broker.topics.get("new").id


def test_answer_waits_until_the_topic_is_made(bench: BrokerBench) -> None:
    request = MetadataRequest(topics=[MetadataRequestTopic(name="new")])
    first, second = bench.send(request), bench.send(request)
    assert (None, None) == (first.response, second.response)

    bench.runtime.work()

    assert 0 == first.response.topics[0].error_code
    assert first.response.topics == second.response.topics


def test_topic_is_not_made_where_the_client_forbids_it(bench: BrokerBench) -> None:
    (topic,) = asked(bench, "new", allow_auto_topic_creation=False)

    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == topic.error_code
    assert None is bench.broker.topics.find("new")


@pytest.mark.parametrize("name", ["", "..", "a/b", "nul\0", "a" * 250, "\N{GRINNING FACE}", "__internal"])
def test_topic_that_cannot_be_is_not_made(bench: BrokerBench, name: str) -> None:
    assert ErrorCode.INVALID_TOPIC_EXCEPTION == asked(bench, name)[0].error_code


def test_too_many_topics_are_not_made_by_asking_for_them(bench: BrokerBench) -> None:
    wanted = [MetadataRequestTopic(name=name) for name in ("t", *(f"new-{at}" for at in range(1_001)))]

    told = bench.ask(MetadataRequest(topics=wanted)).topics

    assert 0 == told[0].error_code
    assert {ErrorCode.POLICY_VIOLATION} == {topic.error_code for topic in told[1:]}
    assert None is bench.broker.topics.find("new-0")


def test_disk_that_takes_no_topic_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="fdatasync", name="catalog", error=28))

    assert ErrorCode.KAFKA_STORAGE_ERROR == asked(bench, "new")[0].error_code


def test_topic_ids_are_stable_until_the_topic_is_made_anew(bench: BrokerBench) -> None:
    (before,), (again,) = asked(bench, "t"), asked(bench, "t")
    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))
    bench.runtime.forward(GONE_US)

    (after,) = asked(bench, "t")

    assert before.topic_id == again.topic_id
    assert before.topic_id != after.topic_id


def test_topic_just_deleted_is_not_made_by_those_who_still_ask_for_it(bench: BrokerBench) -> None:
    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))

    bench.runtime.forward(GONE_US - 1)

    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == asked(bench, "t")[0].error_code
    bench.make("t")
    assert 0 == asked(bench, "t")[0].error_code


def test_topic_by_id(bench: BrokerBench) -> None:
    topic_id = bench.broker.topics.get("t").id
    wanted = [MetadataRequestTopic(name=None, topic_id=topic_id), MetadataRequestTopic(name=None, topic_id=b"x" * 16)]

    known, unknown = bench.ask(MetadataRequest(topics=wanted)).topics

    assert ("t", 0) == (known.name, known.error_code)
    assert ErrorCode.UNKNOWN_TOPIC_ID == unknown.error_code


def test_topic_that_is_named_twice_is_told_once(bench: BrokerBench) -> None:
    assert ["t", "new"] == [topic.name for topic in asked(bench, "t", "new", "t", "new", version=9)]


def test_id_counts_and_not_what_name_stands_beside_it(bench: BrokerBench) -> None:
    topic_id = bench.broker.topics.get("t").id
    topics = [MetadataRequestTopic(topic_id=topic_id, name=name) for name in ("a", "b")]

    assert ["t"] == [topic.name for topic in bench.ask(MetadataRequest(topics=topics)).topics]
