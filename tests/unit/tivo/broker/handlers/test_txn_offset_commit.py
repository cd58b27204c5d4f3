"""TxnOffsetCommit, and OffsetFetch of what it left."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.support.group_member import GroupMember
from tests.support.transactional import TransactionalProducer
from tivo.broker.journal import SHORTEN_ABOVE_BYTES
from tivo.broker.offsets import Committed
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tivo.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from tivo.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)


def kept(bench: BrokerBench) -> int | None:
    found: Committed | None = bench.broker.coordinator.offsets.of("g", "t", 0)
    return None if found is None else found.offset


@pytest.fixture
def begun(producer: TransactionalProducer) -> TransactionalProducer:
    producer.add_offsets()
    return producer


@pytest.mark.parametrize("version", range(4))
def test_offset_counts_once_its_transaction_is_committed(
    bench: BrokerBench, begun: TransactionalProducer, version: int
) -> None:
    assert 0 == begun.commit_offset(5, version)
    assert None is kept(bench)

    assert 0 == begun.commit()
    assert 5 == kept(bench)


def test_offset_of_an_aborted_transaction_is_dropped(bench: BrokerBench, begun: TransactionalProducer) -> None:
    begun.commit_offset(5)
    begun.commit()
    begun.add_offsets()
    begun.commit_offset(9)

    assert 0 == begun.abort()
    assert 5 == kept(bench)


def test_answer_waits_until_it_is_safe(bench: BrokerBench, begun: TransactionalProducer) -> None:
    sent = bench.send(begun.offsets_request(5))
    assert sent.response is None

    bench.runtime.work()

    assert 0 == sent.response.topics[0].partitions[0].error_code


@pytest.mark.parametrize("version", [7, 8, 9])
def test_place_is_told_as_unstable_to_whoever_asks(
    bench: BrokerBench, begun: TransactionalProducer, version: int
) -> None:
    begun.commit_offset(5)

    assert [(0, -1, ErrorCode.UNSTABLE_OFFSET_COMMIT), (1, -1, 0)] == fetched(bench, version, stable=True)
    assert [(0, -1, 0), (1, -1, 0)] == fetched(bench, version, stable=False)
    begun.commit()
    assert [(0, 5, 0), (1, -1, 0)] == fetched(bench, version, stable=True)


def fetched(bench: BrokerBench, version: int, *, stable: bool) -> list[tuple[int, int, int]]:
    request = OffsetFetchRequest(
        group_id="g",
        topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])],
        groups=[
            OffsetFetchRequestGroup(group_id="g", topics=[OffsetFetchRequestTopics(name="t", partition_indexes=[0, 1])])
        ],
        require_stable=stable,
    )
    response = bench.ask(request, version)
    (topic,) = response.topics if version < 8 else response.groups[0].topics
    return [(each.partition_index, each.committed_offset, each.error_code) for each in topic.partitions]


@pytest.mark.parametrize(("stable", "expected"), [(True, [("t", 0, 88)]), (False, [])])
def test_unstable_places_are_among_all(
    bench: BrokerBench, begun: TransactionalProducer, stable: bool, expected: list[tuple[str, int, int]]
) -> None:
    begun.commit_offset(5)

    topics = bench.ask(OffsetFetchRequest(group_id="g", topics=None, require_stable=stable), 7).topics

    assert expected == [
        (topic.name, each.partition_index, each.error_code) for topic in topics for each in topic.partitions
    ]


def test_group_that_is_not_in_the_transaction_is_refused(producer: TransactionalProducer) -> None:
    producer.add(("t", 0))

    assert ErrorCode.INVALID_TXN_STATE == producer.commit_offset(5)


def test_what_is_wrong_is_refused(bench: BrokerBench, begun: TransactionalProducer) -> None:
    assert ErrorCode.INVALID_GROUP_ID == begun.commit_offset(5, group="")
    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == begun.commit_offset(5, topic="nowhere")
    TransactionalProducer(bench).init()
    assert ErrorCode.INVALID_PRODUCER_EPOCH == begun.commit_offset(5)


def test_more_places_than_a_broker_may_have_are_refused(begun: TransactionalProducer) -> None:
    places = [TxnOffsetCommitRequestPartition(partition_index=at) for at in range(1_001)]
    request = TxnOffsetCommitRequest(
        transactional_id=begun.name,
        group_id="g",
        producer_id=begun.producer.id,
        producer_epoch=begun.producer.epoch,
        topics=[TxnOffsetCommitRequestTopic(name="t", partitions=places)],
    )

    (told,) = begun.bench.ask(request).topics

    assert {ErrorCode.POLICY_VIOLATION} == {place.error_code for place in told.partitions}


def test_member_commits_in_its_generation_alone(bench: BrokerBench, begun: TransactionalProducer) -> None:
    member = GroupMember(bench)
    member.settle()

    mine = {"member_id": member.member_id, "generation_id": member.generation}
    assert 0 == begun.commit_offset(5, **mine)
    assert ErrorCode.ILLEGAL_GENERATION == begun.commit_offset(5, **{**mine, "generation_id": 9})
    assert ErrorCode.UNKNOWN_MEMBER_ID == begun.commit_offset(5, **{**mine, "member_id": "other"})
    assert 0 == begun.commit_offset(5), "who names no member is not asked"


def test_disk_that_takes_nothing_is_told(bench: BrokerBench, begun: TransactionalProducer) -> None:
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == begun.commit_offset(5)


def test_topic_that_goes_takes_what_waits_along(bench: BrokerBench, begun: TransactionalProducer) -> None:
    begun.commit_offset(5)
    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")]))

    assert 0 == begun.commit()
    assert None is kept(bench)


@pytest.mark.parametrize("commit", [True, False])
def test_what_waits_is_there_after_a_kill(tmp_path: Path, commit: bool) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    producer = TransactionalProducer(before)
    producer.init()
    producer.add_offsets()
    producer.commit_offset(5)

    after = open_broker(tmp_path / "data")
    producer.bench = after

    assert after.broker.coordinator.offsets.is_pending("g", "t", 0)
    assert 0 == (producer.commit() if commit else producer.abort())
    assert (5 if commit else None) == kept(after)
    after.close()


@pytest.mark.parametrize("commit", [True, False])
def test_what_waits_outlives_a_shortened_journal(tmp_path: Path, commit: bool) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    producer = TransactionalProducer(before)
    producer.init()
    producer.add_offsets()
    producer.commit_offset(5)
    filling = TransactionalProducer(before, "filling")
    filling.init()
    journal = before.leader("__consumer_offsets").log
    for _ in range(SHORTEN_ABOVE_BYTES // 100):
        if journal.log_start:
            break
        filling.add_offsets()
        filling.commit_offset(1, group="f" * 200)
        filling.commit()
    assert journal.log_start

    after = open_broker(tmp_path / "data")
    producer.bench = after

    assert 0 == (producer.commit() if commit else producer.abort())
    assert (5 if commit else None) == kept(after)
    after.close()
