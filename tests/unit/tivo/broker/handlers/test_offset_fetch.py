"""OffsetFetch."""

import pytest

from tests.support.broker import BrokerBench
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, request
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)


@pytest.fixture
def filled(bench: BrokerBench) -> BrokerBench:
    committed(bench, request())
    return bench


@pytest.mark.parametrize("version", range(1, 8))
def test_asked_for_partitions(filled: BrokerBench, version: int) -> None:
    topics = [OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])]
    (topic,) = filled.ask(OffsetFetchRequest(group_id="g", topics=topics), version).topics

    assert [(0, 5, "verbatim", 0), (1, -1, "", 0)] == [
        (each.partition_index, each.committed_offset, each.metadata, each.error_code) for each in topic.partitions
    ]


@pytest.mark.parametrize("version", range(2, 8))
def test_null_topics_are_all(filled: BrokerBench, version: int) -> None:
    topics = filled.ask(OffsetFetchRequest(group_id="g", topics=None), version).topics

    assert [("t", [0])] == [(topic.name, [each.partition_index for each in topic.partitions]) for topic in topics]


@pytest.mark.parametrize("version", [8, 9])
def test_several_groups(filled: BrokerBench, version: int) -> None:
    wanted = [
        OffsetFetchRequestGroup(group_id="g", topics=None),
        OffsetFetchRequestGroup(group_id="h", topics=[OffsetFetchRequestTopics(name="t", partition_indexes=[0])]),
        OffsetFetchRequestGroup(group_id="", topics=None),
    ]

    known, unknown, unnamed = filled.ask(OffsetFetchRequest(groups=wanted), version).groups

    assert [5] == [each.committed_offset for each in known.topics[0].partitions]
    assert [-1] == [each.committed_offset for each in unknown.topics[0].partitions]
    assert ErrorCode.INVALID_GROUP_ID == unnamed.error_code


def test_group_without_a_name_is_refused(bench: BrokerBench) -> None:
    assert ErrorCode.INVALID_GROUP_ID == bench.ask(OffsetFetchRequest(group_id=""), 7).error_code


def test_group_and_partition_that_are_named_twice_are_told_once(filled: BrokerBench) -> None:
    topics = [OffsetFetchRequestTopics(name="t", partition_indexes=[0, 0])] * 2
    wanted = [OffsetFetchRequestGroup(group_id="g", topics=topics)] * 2

    (group,) = filled.ask(OffsetFetchRequest(groups=wanted)).groups

    assert [1, 0] == [len(topic.partitions) for topic in group.topics]
