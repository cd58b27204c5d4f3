"""What each API tells whoever may not: all APIs stand in the table, so that none is forgotten."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from tests.support.acls import create, creation
from tests.support.batches import batch
from tests.support.broker import BrokerBench
from tests.support.transactional import TransactionalProducer, transactional_batch
from tivo.auth.acl import CLUSTER, Operation, ResourceType
from tivo.broker.errors_told import errors_in
from tivo.broker.handlers import SERVED
from tivo.broker.offsets import Committed, OffsetRecord
from tivo.broker.transactions import Place, Producer, State, Transaction
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from tivo.wire.messages.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from tivo.wire.messages.alter_configs import AlterConfigsRequest, AlterConfigsResource
from tivo.wire.messages.create_acls import CreateAclsRequest
from tivo.wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from tivo.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from tivo.wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from tivo.wire.messages.delete_groups import DeleteGroupsRequest
from tivo.wire.messages.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tivo.wire.messages.describe_acls import DescribeAclsRequest
from tivo.wire.messages.describe_cluster import DescribeClusterRequest
from tivo.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from tivo.wire.messages.describe_groups import DescribeGroupsRequest
from tivo.wire.messages.describe_log_dirs import DescribeLogDirsRequest
from tivo.wire.messages.describe_producers import DescribeProducersRequest, TopicRequest
from tivo.wire.messages.describe_transactions import DescribeTransactionsRequest
from tivo.wire.messages.elect_leaders import ElectLeadersRequest
from tivo.wire.messages.end_txn import EndTxnRequest
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ReplicaState
from tivo.wire.messages.find_coordinator import FindCoordinatorRequest
from tivo.wire.messages.heartbeat import HeartbeatRequest
from tivo.wire.messages.incremental_alter_configs import AlterConfigsResource as IncrementalResource
from tivo.wire.messages.incremental_alter_configs import IncrementalAlterConfigsRequest
from tivo.wire.messages.init_producer_id import InitProducerIdRequest
from tivo.wire.messages.join_group import JoinGroupRequest
from tivo.wire.messages.leave_group import LeaveGroupRequest
from tivo.wire.messages.list_groups import ListGroupsRequest
from tivo.wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from tivo.wire.messages.list_partition_reassignments import ListPartitionReassignmentsRequest
from tivo.wire.messages.list_transactions import ListTransactionsRequest
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tivo.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from tivo.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from tivo.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.messages.sync_group import SyncGroupRequest
from tivo.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tivo.wire.schema import Message

TOPIC, GROUP, CLUSTERS = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.CLUSTER
TRANSACTION = ResourceType.TRANSACTIONAL_ID
NO_TOPIC = ErrorCode.TOPIC_AUTHORIZATION_FAILED
NO_GROUP = ErrorCode.GROUP_AUTHORIZATION_FAILED
NO_CLUSTER = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
NO_TRANSACTION = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


class Case(NamedTuple):
    """A request, what it needs, and what whoever lacks the last of that is told."""

    request: Callable[[BrokerBench], Message]
    needs: list[tuple[ResourceType, Operation]]
    denied: ErrorCode
    version: int | None = None


def records(bench: BrokerBench) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(batch(b"x")))
    return ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])])


def fetch(bench: BrokerBench, **more: Any) -> FetchRequest:
    topic_id = bench.broker.topics.get("t").id
    place = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1_000)
    return FetchRequest(topics=[FetchTopic(topic="t", topic_id=topic_id, partitions=[place])], **more)


def list_offsets(bench: BrokerBench, **more: Any) -> ListOffsetsRequest:
    topic = ListOffsetsTopic(name="t", partitions=[ListOffsetsPartition(partition_index=0, timestamp=-1)])
    return ListOffsetsRequest(topics=[topic], **more)


def epochs(bench: BrokerBench, **more: Any) -> OffsetForLeaderEpochRequest:
    place = OffsetForLeaderPartition(partition=0, leader_epoch=0)
    return OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic="t", partitions=[place])], **more)


def commit(bench: BrokerBench) -> OffsetCommitRequest:
    place = OffsetCommitRequestPartition(partition_index=0, committed_offset=0)
    topic = OffsetCommitRequestTopic(name="t", partitions=[place])
    return OffsetCommitRequest(group_id="g", generation_id_or_member_epoch=-1, topics=[topic])


def committed(bench: BrokerBench) -> OffsetFetchRequest:
    topic = OffsetFetchRequestTopics(name="t", partition_indexes=[0])
    return OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=[topic])])


def committed_by_one(bench: BrokerBench) -> OffsetFetchRequest:
    return OffsetFetchRequest(group_id="g", topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0])])


def forget(bench: BrokerBench) -> OffsetDeleteRequest:
    bench.broker.coordinator.offsets.apply(OffsetRecord("g", "t", 0, Committed(1, -1, "", 0)))
    topic = OffsetDeleteRequestTopic(name="t", partitions=[OffsetDeleteRequestPartition(partition_index=0)])
    return OffsetDeleteRequest(group_id="g", topics=[topic])


def in_transaction(bench: BrokerBench) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(transactional_batch(Producer(7, 0), 0, b"x")))
    topics = [TopicProduceData(name="t", partition_data=[data])]
    return ProduceRequest(transactional_id="x", acks=-1, topic_data=topics)


def offsets_in_transaction(bench: BrokerBench) -> TxnOffsetCommitRequest:
    """Of a transaction that is open."""
    place, producer = Place("__consumer_offsets", 0), Producer(7, 0)
    bench.broker.transactions.apply(
        Transaction(
            transactional_id="x",
            producer=producer,
            timeout_ms=1_000,
            state=State.ONGOING,
            changed_ms=0,
            started_ms=1 << 50,
            places=frozenset({place}),
        )
    )
    committed = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=1)
    topics = [TxnOffsetCommitRequestTopic(name="t", partitions=[committed])]
    return TxnOffsetCommitRequest(
        transactional_id="x", group_id="g", producer_id=producer.id, producer_epoch=producer.epoch, topics=topics
    )


def always(request: Message) -> Callable[[BrokerBench], Message]:
    return lambda bench: request


READ, WRITE, DESCRIBE, DELETE, ALTER = (
    Operation.READ,
    Operation.WRITE,
    Operation.DESCRIBE,
    Operation.DELETE,
    Operation.ALTER,
)
CREATE, CONFIGS, ALTER_CONFIGS = Operation.CREATE, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS

CASES = {
    "Produce": Case(records, [(TOPIC, WRITE)], NO_TOPIC),
    "Fetch by id": Case(fetch, [(TOPIC, READ)], NO_TOPIC),
    "Fetch by name": Case(fetch, [(TOPIC, READ)], NO_TOPIC, 12),
    "ListOffsets": Case(list_offsets, [(TOPIC, DESCRIBE)], NO_TOPIC),
    "OffsetForLeaderEpoch": Case(epochs, [(TOPIC, DESCRIBE)], NO_TOPIC),
    "Metadata": Case(always(MetadataRequest(topics=[MetadataRequestTopic(name="t")])), [(TOPIC, DESCRIBE)], NO_TOPIC),
    "OffsetCommit": Case(commit, [(GROUP, READ), (TOPIC, READ)], NO_TOPIC),
    "OffsetFetch": Case(committed, [(GROUP, DESCRIBE), (TOPIC, DESCRIBE)], NO_TOPIC),
    "OffsetFetch of one group": Case(committed_by_one, [(GROUP, DESCRIBE), (TOPIC, DESCRIBE)], NO_TOPIC, 7),
    "OffsetFetch of old": Case(committed_by_one, [(TOPIC, DESCRIBE), (GROUP, DESCRIBE)], NO_GROUP, 1),
    "OffsetDelete": Case(forget, [(GROUP, DELETE), (TOPIC, READ)], NO_TOPIC),
    "FindCoordinator": Case(
        always(FindCoordinatorRequest(key_type=0, coordinator_keys=["g"])), [(GROUP, DESCRIBE)], NO_GROUP
    ),
    "JoinGroup": Case(always(JoinGroupRequest(group_id="g", session_timeout_ms=10_000)), [(GROUP, READ)], NO_GROUP),
    "SyncGroup": Case(always(SyncGroupRequest(group_id="g")), [(GROUP, READ)], NO_GROUP),
    "Heartbeat": Case(always(HeartbeatRequest(group_id="g")), [(GROUP, READ)], NO_GROUP),
    "LeaveGroup": Case(always(LeaveGroupRequest(group_id="g")), [(GROUP, READ)], NO_GROUP),
    "DescribeGroups": Case(always(DescribeGroupsRequest(groups=["g"])), [(GROUP, DESCRIBE)], NO_GROUP),
    "DeleteGroups": Case(always(DeleteGroupsRequest(groups_names=["g"])), [(GROUP, DELETE)], NO_GROUP),
    "CreateTopics": Case(
        always(CreateTopicsRequest(topics=[CreatableTopic(name="u", num_partitions=1, replication_factor=1)])),
        [(CLUSTERS, CREATE)],
        NO_TOPIC,
    ),
    "DeleteTopics": Case(always(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")])), [(TOPIC, DELETE)], NO_TOPIC),
    "CreatePartitions": Case(
        always(CreatePartitionsRequest(topics=[CreatePartitionsTopic(name="t", count=3, assignments=None)])),
        [(TOPIC, ALTER)],
        NO_TOPIC,
    ),
    "DeleteRecords": Case(
        always(
            DeleteRecordsRequest(
                topics=[DeleteRecordsTopic(name="t", partitions=[DeleteRecordsPartition(partition_index=0, offset=0)])]
            )
        ),
        [(TOPIC, DELETE)],
        NO_TOPIC,
    ),
    "DescribeConfigs of a topic": Case(
        always(DescribeConfigsRequest(resources=[DescribeConfigsResource(resource_type=2, resource_name="t")])),
        [(TOPIC, CONFIGS)],
        NO_TOPIC,
    ),
    "DescribeConfigs of the broker": Case(
        always(DescribeConfigsRequest(resources=[DescribeConfigsResource(resource_type=4, resource_name="1")])),
        [(CLUSTERS, CONFIGS)],
        NO_CLUSTER,
    ),
    "AlterConfigs": Case(
        always(AlterConfigsRequest(resources=[AlterConfigsResource(resource_type=2, resource_name="t")])),
        [(TOPIC, ALTER_CONFIGS)],
        NO_TOPIC,
    ),
    "AlterConfigs of the broker": Case(
        always(AlterConfigsRequest(resources=[AlterConfigsResource(resource_type=4, resource_name="1")])),
        [(CLUSTERS, ALTER_CONFIGS)],
        NO_CLUSTER,
    ),
    "IncrementalAlterConfigs": Case(
        always(IncrementalAlterConfigsRequest(resources=[IncrementalResource(resource_type=2, resource_name="t")])),
        [(TOPIC, ALTER_CONFIGS)],
        NO_TOPIC,
    ),
    "DescribeLogDirs": Case(always(DescribeLogDirsRequest(topics=None)), [(CLUSTERS, DESCRIBE)], NO_CLUSTER),
    "ElectLeaders": Case(always(ElectLeadersRequest(topic_partitions=None)), [(CLUSTERS, ALTER)], NO_CLUSTER),
    "ListPartitionReassignments": Case(
        always(ListPartitionReassignmentsRequest(topics=None)), [(CLUSTERS, DESCRIBE)], NO_CLUSTER
    ),
    "InitProducerId": Case(
        always(InitProducerIdRequest(transactional_id=None)), [(CLUSTERS, Operation.IDEMPOTENT_WRITE)], NO_CLUSTER
    ),
    "InitProducerId of a transaction": Case(
        always(InitProducerIdRequest(transactional_id="x", transaction_timeout_ms=1_000)),
        [(TRANSACTION, WRITE)],
        NO_TRANSACTION,
    ),
    "Produce in a transaction": Case(in_transaction, [(TOPIC, WRITE), (TRANSACTION, WRITE)], NO_TRANSACTION),
    "FindCoordinator of a transaction": Case(
        always(FindCoordinatorRequest(key_type=1, coordinator_keys=["x"])), [(TRANSACTION, DESCRIBE)], NO_TRANSACTION
    ),
    "AddPartitionsToTxn": Case(
        always(
            AddPartitionsToTxnRequest(
                v3_and_below_transactional_id="x",
                v3_and_below_topics=[AddPartitionsToTxnTopic(name="t", partitions=[0])],
            )
        ),
        [(TRANSACTION, WRITE), (TOPIC, WRITE)],
        NO_TOPIC,
    ),
    "AddOffsetsToTxn": Case(
        always(AddOffsetsToTxnRequest(transactional_id="x", group_id="g")),
        [(TRANSACTION, WRITE), (GROUP, READ)],
        NO_GROUP,
    ),
    "TxnOffsetCommit": Case(offsets_in_transaction, [(TRANSACTION, WRITE), (GROUP, READ), (TOPIC, READ)], NO_TOPIC),
    "EndTxn": Case(always(EndTxnRequest(transactional_id="x")), [(TRANSACTION, WRITE)], NO_TRANSACTION),
    "DescribeProducers": Case(
        always(DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[0])])),
        [(TOPIC, READ)],
        NO_TOPIC,
    ),
    "DescribeTransactions": Case(
        always(DescribeTransactionsRequest(transactional_ids=["x"])), [(TRANSACTION, DESCRIBE)], NO_TRANSACTION
    ),
    "DescribeAcls": Case(always(DescribeAclsRequest()), [(CLUSTERS, DESCRIBE)], NO_CLUSTER),
    "CreateAcls": Case(always(CreateAclsRequest(creations=[creation()])), [(CLUSTERS, ALTER)], NO_CLUSTER),
    "DeleteAcls": Case(always(DeleteAclsRequest(filters=[DeleteAclsFilter()])), [(CLUSTERS, ALTER)], NO_CLUSTER),
}
OPEN = {"ApiVersions", "SaslHandshake", "SaslAuthenticate", "DescribeCluster", "ListGroups", "ListTransactions"}
"""Served to everybody; ListGroups and ListTransactions leave out what the caller may not see."""

AUTHORIZATION = {NO_TOPIC, NO_GROUP, NO_CLUSTER, NO_TRANSACTION}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def allow(bench: BrokerBench, needs: Iterable[tuple[ResourceType, Operation]]) -> None:
    names = {TOPIC: "t", GROUP: "g", CLUSTERS: CLUSTER.name, TRANSACTION: "x"}
    create(bench, *(creation(operation, kind=kind, name=names[kind]) for kind, operation in needs))


def denials(bench: BrokerBench, case: Case) -> set[int]:
    """What ada is told."""
    bench.become("ada")
    response = bench.ask(case.request(bench), case.version)
    return {error.code for error in errors_in(response)} & AUTHORIZATION


def test_every_api_stands_in_the_table() -> None:
    assert {request.api.name for request in SERVED.values()} == OPEN | {name.split(" ")[0] for name in CASES}


@every_case
def test_without_any_right_nothing_is_told(guarded: BrokerBench, case: Case) -> None:
    assert denials(guarded, case)


@every_case
def test_what_is_needed_is_enough(guarded: BrokerBench, case: Case) -> None:
    allow(guarded, case.needs)

    assert set() == denials(guarded, case)


@every_case
def test_the_last_of_what_is_needed_is_needed(guarded: BrokerBench, case: Case) -> None:
    allow(guarded, case.needs[:-1])

    assert {case.denied} == denials(guarded, case)


@every_case
def test_without_access_control_nobody_is_denied(bench: BrokerBench, case: Case) -> None:
    assert set() == denials(bench, case)


@pytest.mark.parametrize(
    ("request_of", "version"),
    [
        (lambda bench: fetch(bench, replica_id=1), 12),
        (lambda bench: fetch(bench, replica_state=ReplicaState(replica_id=1)), 16),
        (lambda bench: list_offsets(bench, replica_id=1), 8),
        (lambda bench: epochs(bench, replica_id=1), 4),
    ],
)
def test_nobody_is_a_follower(bench: BrokerBench, request_of: Callable[[BrokerBench], Message], version: int) -> None:
    bench.produce("t", b"secret")

    response = bench.ask(request_of(bench), version)

    assert {NO_TOPIC} == {error.code for error in errors_in(response)}
    assert "secret" not in str(response)


# ------------------------------------------------------------------ what is left out, or told otherwise


def test_topics_that_may_not_be_seen_are_left_out(guarded: BrokerBench) -> None:
    guarded.make("u")
    allow(guarded, [(TOPIC, DESCRIBE)])
    guarded.become("ada")

    assert ["t"] == [topic.name for topic in guarded.ask(MetadataRequest(topics=None)).topics]


def test_topic_that_may_not_be_seen_has_no_name(guarded: BrokerBench) -> None:
    topic_id = guarded.broker.topics.get("t").id
    guarded.become("ada")

    (told,) = guarded.ask(MetadataRequest(topics=[MetadataRequestTopic(name=None, topic_id=topic_id)])).topics
    (deleted,) = guarded.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=None, topic_id=topic_id)])).responses

    assert (ErrorCode.UNKNOWN_TOPIC_ID, None) == (told.error_code, told.name)
    assert (ErrorCode.UNKNOWN_TOPIC_ID, None) == (deleted.error_code, deleted.name)


def test_topic_may_be_deleted_by_id(guarded: BrokerBench) -> None:
    topic_id = guarded.broker.topics.get("t").id
    allow(guarded, [(TOPIC, DELETE)])
    guarded.become("ada")

    (deleted,) = guarded.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=None, topic_id=topic_id)])).responses

    assert (0, "t") == (deleted.error_code, deleted.name)


@pytest.mark.parametrize(
    ("operations", "code"), [([DESCRIBE], NO_TOPIC), ([DESCRIBE, CREATE], 0), ([CREATE], NO_TOPIC), ([], NO_TOPIC)]
)
def test_topic_is_made_by_being_asked_for_only_by_who_may(
    guarded: BrokerBench, operations: list[Operation], code: int
) -> None:
    create(guarded, *(creation(each, name="new") for each in operations))
    guarded.become("ada")

    (told,) = guarded.ask(MetadataRequest(topics=[MetadataRequestTopic(name="new")])).topics

    assert code == told.error_code
    assert (code == 0) == (guarded.broker.topics.find("new") is not None)


def test_settings_of_a_new_topic_are_told_to_who_may_see_them(guarded: BrokerBench) -> None:
    create(guarded, creation(CREATE, name="new"))
    guarded.become("ada")
    topic = CreatableTopic(name="new", num_partitions=1, replication_factor=1)

    (made,) = guarded.ask(CreateTopicsRequest(topics=[topic])).topics

    assert (0, NO_TOPIC, None) == (made.error_code, made.topic_config_error_code, made.configs)


def test_groups_that_may_not_be_seen_are_left_out(guarded: BrokerBench) -> None:
    for name in ("g", "h"):
        guarded.broker.coordinator.offsets.apply(OffsetRecord(name, "t", 0, Committed(1, -1, "", 0)))
    assert 2 == len(guarded.ask(ListGroupsRequest()).groups)
    allow(guarded, [(GROUP, DESCRIBE)])
    guarded.become("ada")

    assert ["g"] == [group.group_id for group in guarded.ask(ListGroupsRequest()).groups]


def test_transactions_that_may_not_be_seen_are_left_out(guarded: BrokerBench) -> None:
    for name in ("x", "y"):
        assert 0 == TransactionalProducer(guarded, name).init()
    assert 2 == len(guarded.ask(ListTransactionsRequest()).transaction_states)
    allow(guarded, [(TRANSACTION, DESCRIBE)])
    guarded.become("ada")

    found = guarded.ask(ListTransactionsRequest()).transaction_states

    assert ["x"] == [each.transactional_id for each in found]


def test_topics_that_may_not_be_seen_are_left_out_of_a_transaction(guarded: BrokerBench) -> None:
    guarded.make("u")
    producer = TransactionalProducer(guarded)
    producer.init()
    producer.add(("t", 0), ("u", 0))
    allow(guarded, [(TRANSACTION, DESCRIBE), (TOPIC, DESCRIBE)])
    guarded.become("ada")

    (found,) = guarded.ask(DescribeTransactionsRequest(transactional_ids=["x"])).transaction_states

    assert ["t"] == [each.topic for each in found.topics]


def test_committed_offsets_of_topics_that_may_not_be_seen_are_left_out(guarded: BrokerBench) -> None:
    guarded.make("u")
    for topic in ("t", "u"):
        guarded.broker.coordinator.offsets.apply(OffsetRecord("g", topic, 0, Committed(1, -1, "", 0)))
    allow(guarded, [(GROUP, DESCRIBE), (TOPIC, DESCRIBE)])
    guarded.become("ada")

    (group,) = guarded.ask(OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=None)])).groups

    assert ["t"] == [topic.name for topic in group.topics]


def test_who_writes_anything_may_be_idempotent(guarded: BrokerBench) -> None:
    allow(guarded, [(TOPIC, WRITE)])
    guarded.become("ada")

    assert 0 == guarded.ask(InitProducerIdRequest(transactional_id=None)).error_code


def test_denied_topic_does_not_keep_others_from_being_committed(guarded: BrokerBench) -> None:
    guarded.make("u")
    allow(guarded, [(GROUP, READ), (TOPIC, READ)])
    guarded.become("ada")
    places = [OffsetCommitRequestPartition(partition_index=0, committed_offset=0)]
    topics = [OffsetCommitRequestTopic(name=name, partitions=places) for name in ("t", "u")]

    response = guarded.ask(OffsetCommitRequest(group_id="g", generation_id_or_member_epoch=-1, topics=topics))

    assert [0, NO_TOPIC] == [topic.partitions[0].error_code for topic in response.topics]
    assert {("t", 0)} == guarded.broker.coordinator.offsets.of_group("g").keys()


@pytest.mark.parametrize(("operations", "bits"), [([], 0), ([READ], 0b100001000), ([Operation.ALL], 0b110111111000)])
def test_what_the_caller_may_do_is_told(guarded: BrokerBench, operations: list[Operation], bits: int) -> None:
    allow(guarded, [(TOPIC, DESCRIBE), *((TOPIC, each) for each in operations)])
    guarded.become("ada")

    response = guarded.ask(MetadataRequest(topics=None, include_topic_authorized_operations=True))

    assert bits | 1 << DESCRIBE == response.topics[0].topic_authorized_operations


def test_what_the_caller_may_do_to_cluster_and_group_is_told(guarded: BrokerBench) -> None:
    allow(guarded, [(CLUSTERS, DESCRIBE), (GROUP, READ)])
    guarded.become("ada")

    metadata = guarded.ask(MetadataRequest(topics=[], include_cluster_authorized_operations=True), 9)
    cluster = guarded.ask(DescribeClusterRequest(include_cluster_authorized_operations=True))
    groups = guarded.ask(DescribeGroupsRequest(groups=["g"], include_authorized_operations=True)).groups

    assert [1 << DESCRIBE] * 2 == [metadata.cluster_authorized_operations, cluster.cluster_authorized_operations]
    assert [1 << DESCRIBE | 1 << READ] == [group.authorized_operations for group in groups]
