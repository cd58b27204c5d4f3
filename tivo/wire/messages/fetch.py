"""Fetch: record batches from given offsets on, now or as soon as there are enough.

Up to v12 topics are named, from v13 on they go by id (KIP-516). Sessions (KIP-227) begin with v7: a broker that answers
session 0 has none, and gets full requests.
"""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import (
    NO_UUID,
    Api,
    Int8,
    Int16,
    Int32,
    Int64,
    Message,
    RecordsOut,
    Since,
    Struct,
    Tag,
    TaggedStruct,
    Until,
    Uuid,
)

API = Api(key=1, name="Fetch", first=4, last=16, flexible=12)


class ReplicaState(TaggedStruct, frozen=True):
    """Who asks, if it is a replica; consumers are replica -1."""

    replica_id: Int32 = -1
    replica_epoch: Int64 = -1


class EpochEndOffset(TaggedStruct, frozen=True):
    """Where the log parted from what the fetcher has (KIP-595)."""

    epoch: Int32 = -1
    end_offset: Int64 = -1


class LeaderIdAndEpoch(TaggedStruct, frozen=True):
    """Who leads the partition now, if not this broker (KIP-951)."""

    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class SnapshotId(TaggedStruct, frozen=True):
    """The snapshot to take instead (KIP-630)."""

    end_offset: Int64 = -1
    epoch: Int32 = -1


class FetchRequest(Message):
    """What to read. The broker may wait up to `max_wait_ms` for `min_bytes`.

    `isolation_level` 1 reads committed records only.
    """

    api = API

    cluster_id: Annotated[str | None, Since(12), Tag(0)] = None
    replica_id: Annotated[Int32, Until(14)] = -1
    replica_state: Annotated[ReplicaState, Since(15), Tag(1)] = ReplicaState()
    max_wait_ms: Int32 = 0
    min_bytes: Int32 = 0
    max_bytes: Int32 = 0x7FFFFFFF
    isolation_level: Int8 = 0
    session_id: Annotated[Int32, Since(7)] = 0
    session_epoch: Annotated[Int32, Since(7)] = -1
    topics: list[FetchTopic] = []
    forgotten_topics_data: Annotated[list[ForgottenTopic], Since(7)] = []
    rack_id: Annotated[str, Since(11)] = ""


class FetchTopic(Struct):
    """Partitions of one topic."""

    topic: Annotated[str, Until(12)] = ""
    topic_id: Annotated[Uuid, Since(13)] = NO_UUID
    partitions: list[FetchPartition] = []


class FetchPartition(Struct):
    """One partition, and from which offset on. A first batch above `partition_max_bytes` comes whole (KIP-74)."""

    partition: Int32 = 0
    current_leader_epoch: Annotated[Int32, Since(9)] = -1
    fetch_offset: Int64 = 0
    last_fetched_epoch: Annotated[Int32, Since(12)] = -1
    log_start_offset: Annotated[Int64, Since(5)] = -1
    partition_max_bytes: Int32 = 0


class ForgottenTopic(Struct):
    """Partitions that leave the session."""

    topic: Annotated[str, Until(12)] = ""
    topic_id: Annotated[Uuid, Since(13)] = NO_UUID
    partitions: list[Int32] = []


class FetchResponse(Message):
    """Whole record batches. An error of the session stands here, those of partitions with them."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Since(7)] = 0
    session_id: Annotated[Int32, Since(7)] = 0
    responses: list[FetchableTopicResponse] = []
    node_endpoints: Annotated[list[NodeEndpoint], Since(16), Tag(0)] = []


class FetchableTopicResponse(Struct):
    """Partitions of one topic."""

    topic: Annotated[str, Until(12)] = ""
    topic_id: Annotated[Uuid, Since(13)] = NO_UUID
    partitions: list[PartitionData] = []


class PartitionData(Struct):
    """One partition: its bounds, and batches from the one that holds the offset asked for."""

    partition_index: Int32 = 0
    error_code: Int16 = 0
    high_watermark: Int64 = 0
    last_stable_offset: Int64 = -1
    log_start_offset: Annotated[Int64, Since(5)] = -1
    diverging_epoch: Annotated[EpochEndOffset, Since(12), Tag(0)] = EpochEndOffset()
    current_leader: Annotated[LeaderIdAndEpoch, Since(12), Tag(1)] = LeaderIdAndEpoch()
    snapshot_id: Annotated[SnapshotId, Since(12), Tag(2)] = SnapshotId()
    aborted_transactions: list[AbortedTransaction] | None = []
    preferred_read_replica: Annotated[Int32, Since(11)] = -1
    records: RecordsOut = None


class AbortedTransaction(Struct):
    """A transaction whose records are to be passed over, from its first offset on."""

    producer_id: Int64 = 0
    first_offset: Int64 = 0


class NodeEndpoint(Struct):
    """Where a broker is reached that `current_leader` names (KIP-951)."""

    node_id: Int32 = 0
    host: str = ""
    port: Int32 = 0
    rack: str | None = None
