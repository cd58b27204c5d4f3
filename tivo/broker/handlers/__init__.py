"""The APIs that are served: one file each, under the names of `tivo.wire.messages`, and the table of them all."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    alter_configs,
    api_versions,
    create_acls,
    create_partitions,
    create_topics,
    delete_acls,
    delete_groups,
    delete_records,
    delete_topics,
    describe_acls,
    describe_cluster,
    describe_configs,
    describe_groups,
    describe_log_dirs,
    describe_producers,
    describe_transactions,
    elect_leaders,
    end_txn,
    fetch,
    find_coordinator,
    heartbeat,
    incremental_alter_configs,
    init_producer_id,
    join_group,
    leave_group,
    list_groups,
    list_offsets,
    list_partition_reassignments,
    list_transactions,
    metadata,
    offset_commit,
    offset_delete,
    offset_fetch,
    offset_for_leader_epoch,
    produce,
    sasl_authenticate,
    sasl_handshake,
    sync_group,
    txn_offset_commit,
)
from tivo.broker.replies import Reply
from tivo.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from tivo.wire.messages.add_partitions_to_txn import AddPartitionsToTxnRequest
from tivo.wire.messages.alter_configs import AlterConfigsRequest
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.create_acls import CreateAclsRequest
from tivo.wire.messages.create_partitions import CreatePartitionsRequest
from tivo.wire.messages.create_topics import CreateTopicsRequest
from tivo.wire.messages.delete_acls import DeleteAclsRequest
from tivo.wire.messages.delete_groups import DeleteGroupsRequest
from tivo.wire.messages.delete_records import DeleteRecordsRequest
from tivo.wire.messages.delete_topics import DeleteTopicsRequest
from tivo.wire.messages.describe_acls import DescribeAclsRequest
from tivo.wire.messages.describe_cluster import DescribeClusterRequest
from tivo.wire.messages.describe_configs import DescribeConfigsRequest
from tivo.wire.messages.describe_groups import DescribeGroupsRequest
from tivo.wire.messages.describe_log_dirs import DescribeLogDirsRequest
from tivo.wire.messages.describe_producers import DescribeProducersRequest
from tivo.wire.messages.describe_transactions import DescribeTransactionsRequest
from tivo.wire.messages.elect_leaders import ElectLeadersRequest
from tivo.wire.messages.end_txn import EndTxnRequest
from tivo.wire.messages.fetch import FetchRequest
from tivo.wire.messages.find_coordinator import FindCoordinatorRequest
from tivo.wire.messages.heartbeat import HeartbeatRequest
from tivo.wire.messages.incremental_alter_configs import IncrementalAlterConfigsRequest
from tivo.wire.messages.init_producer_id import InitProducerIdRequest
from tivo.wire.messages.join_group import JoinGroupRequest
from tivo.wire.messages.leave_group import LeaveGroupRequest
from tivo.wire.messages.list_groups import ListGroupsRequest
from tivo.wire.messages.list_offsets import ListOffsetsRequest
from tivo.wire.messages.list_partition_reassignments import ListPartitionReassignmentsRequest
from tivo.wire.messages.list_transactions import ListTransactionsRequest
from tivo.wire.messages.metadata import MetadataRequest
from tivo.wire.messages.offset_commit import OffsetCommitRequest
from tivo.wire.messages.offset_delete import OffsetDeleteRequest
from tivo.wire.messages.offset_fetch import OffsetFetchRequest
from tivo.wire.messages.offset_for_leader_epoch import OffsetForLeaderEpochRequest
from tivo.wire.messages.produce import ProduceRequest
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest
from tivo.wire.messages.sasl_handshake import SaslHandshakeRequest
from tivo.wire.messages.sync_group import SyncGroupRequest
from tivo.wire.messages.txn_offset_commit import TxnOffsetCommitRequest
from tivo.wire.schema import Message


class Handler(NamedTuple):
    """What serves one API. The request class carries key and versions; `handle` takes a request of that class."""

    request: type[Message]
    handle: Callable[[Broker, Any, Caller], Reply]


_HANDLERS = (
    Handler(ProduceRequest, produce.handle),
    Handler(FetchRequest, fetch.handle),
    Handler(ListOffsetsRequest, list_offsets.handle),
    Handler(MetadataRequest, metadata.handle),
    Handler(OffsetCommitRequest, offset_commit.handle),
    Handler(OffsetFetchRequest, offset_fetch.handle),
    Handler(FindCoordinatorRequest, find_coordinator.handle),
    Handler(JoinGroupRequest, join_group.handle),
    Handler(HeartbeatRequest, heartbeat.handle),
    Handler(LeaveGroupRequest, leave_group.handle),
    Handler(SyncGroupRequest, sync_group.handle),
    Handler(DescribeGroupsRequest, describe_groups.handle),
    Handler(ListGroupsRequest, list_groups.handle),
    Handler(SaslHandshakeRequest, sasl_handshake.handle),
    Handler(ApiVersionsRequest, api_versions.handle),
    Handler(CreateTopicsRequest, create_topics.handle),
    Handler(DeleteTopicsRequest, delete_topics.handle),
    Handler(DeleteRecordsRequest, delete_records.handle),
    Handler(InitProducerIdRequest, init_producer_id.handle),
    Handler(AddPartitionsToTxnRequest, add_partitions_to_txn.handle),
    Handler(AddOffsetsToTxnRequest, add_offsets_to_txn.handle),
    Handler(EndTxnRequest, end_txn.handle),
    Handler(TxnOffsetCommitRequest, txn_offset_commit.handle),
    Handler(DescribeProducersRequest, describe_producers.handle),
    Handler(DescribeTransactionsRequest, describe_transactions.handle),
    Handler(ListTransactionsRequest, list_transactions.handle),
    Handler(OffsetForLeaderEpochRequest, offset_for_leader_epoch.handle),
    Handler(DescribeAclsRequest, describe_acls.handle),
    Handler(CreateAclsRequest, create_acls.handle),
    Handler(DeleteAclsRequest, delete_acls.handle),
    Handler(DescribeConfigsRequest, describe_configs.handle),
    Handler(AlterConfigsRequest, alter_configs.handle),
    Handler(DescribeLogDirsRequest, describe_log_dirs.handle),
    Handler(SaslAuthenticateRequest, sasl_authenticate.handle),
    Handler(CreatePartitionsRequest, create_partitions.handle),
    Handler(DeleteGroupsRequest, delete_groups.handle),
    Handler(ElectLeadersRequest, elect_leaders.handle),
    Handler(IncrementalAlterConfigsRequest, incremental_alter_configs.handle),
    Handler(ListPartitionReassignmentsRequest, list_partition_reassignments.handle),
    Handler(OffsetDeleteRequest, offset_delete.handle),
    Handler(DescribeClusterRequest, describe_cluster.handle),
)

TABLE: Mapping[int, Handler] = {handler.request.api.key: handler for handler in _HANDLERS}
"""Every API that is served, by key."""

SERVED: Mapping[int, type[Message]] = {key: handler.request for key, handler in TABLE.items()}
"""The same for the wire: which requests it has to understand."""

BEFORE_LOGIN = frozenset(
    request.api.key for request in (ApiVersionsRequest, SaslHandshakeRequest, SaslAuthenticateRequest)
)
"""What is served to a client that has to say who it is, before it has."""
