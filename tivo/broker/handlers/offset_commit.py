"""OffsetCommit (8), versions 2-9: a group notes how far it has come. Answered when that is on stable storage.

Odd, for all partitions: GROUP_AUTHORIZATION_FAILED (30) without READ of the group, INVALID_GROUP_ID
(24), ILLEGAL_GENERATION (22), UNKNOWN_MEMBER_ID (25), FENCED_INSTANCE_ID (82),
REBALANCE_IN_PROGRESS (27) between Join and Sync, COORDINATOR_NOT_AVAILABLE (15) where the journal
takes nothing, POLICY_VIOLATION (44) for more partitions than the broker may have, or more than 1,000
where it may have fewer. For one: TOPIC_AUTHORIZATION_FAILED (29) without READ, UNKNOWN_TOPIC_OR_PARTITION
(3), OFFSET_METADATA_TOO_LARGE (12) above 4 KiB. Any offset is kept: one further back, one that is
not there yet, and the negative ones by which kafkajs notes that a group begins at the start (-2) or
at the end (-1).

- Generation -1 with no member id: a consumer that assigns partitions itself; it may commit while
  the group has no members.
- 2-4: the retention time is ignored, offsets stay until the group or the topic is deleted.
- 6: the leader epoch is kept; metadata is kept in all versions, verbatim.
"""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TypeAlias

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.offsets import Committed, OffsetRecord
from tivo.broker.replies import Deferred, Reply
from tivo.model.errors import LogError
from tivo.model.timeline import to_kafka_ms
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from tivo.wire.messages.offset_delete import OffsetDeleteRequest
from tivo.wire.messages.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition

Wrong: TypeAlias = Callable[[str, OffsetCommitRequestPartition | TxnOffsetCommitRequestPartition], ErrorCode]
"""What is wrong with the commit for a partition of a topic."""


def handle(broker: Broker, request: OffsetCommitRequest, caller: Caller) -> Reply:
    error = broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id))
    if not error and not request.group_id:
        error = ErrorCode.INVALID_GROUP_ID
    if not error and has_too_many(broker, request):
        error = ErrorCode.POLICY_VIOLATION
    if not error:
        error = broker.coordinator.check_commit(
            request.group_id,
            request.member_id,
            request.group_instance_id,
            request.generation_id_or_member_epoch,
        )
    if error is not ErrorCode.NONE:
        return _response(request, lambda topic, place: error)
    wrong = partial(wrong_with, broker, unreadable(broker, caller, [topic.name for topic in request.topics]))
    records = offset_records(broker, request, wrong)
    if not records:
        return _response(request, wrong)
    deferred = Deferred()
    broker.coordinator.commit(records, partial(_kept, request, deferred, wrong))
    return deferred


def has_too_many(broker: Broker, request: OffsetCommitRequest | TxnOffsetCommitRequest | OffsetDeleteRequest) -> bool:
    """Whether it names more partitions than it may."""
    return sum(len(topic.partitions) for topic in request.topics) > broker.limits.max_places_per_request


def unreadable(broker: Broker, caller: Caller, topics: Iterable[str]) -> frozenset[str]:
    """Those of some topics that the caller may not read."""
    may = partial(broker.authorizer.may, caller, Operation.READ)
    return frozenset(topic for topic in topics if not may(acl.topic(topic)))


def _kept(request: OffsetCommitRequest, deferred: Deferred, wrong: Wrong, error: LogError | None) -> None:
    away = ErrorCode.COORDINATOR_NOT_AVAILABLE
    deferred.give(_response(request, wrong if error is None else lambda topic, place: away))


def offset_records(
    broker: Broker, request: OffsetCommitRequest | TxnOffsetCommitRequest, wrong: Wrong
) -> list[OffsetRecord]:
    """The offsets of a request that can be committed, as they are kept."""
    now_ms = to_kafka_ms(broker.runtime.now().wall_us)
    return [
        OffsetRecord(
            request.group_id,
            topic.name,
            place.partition_index,
            Committed(
                place.committed_offset,
                place.committed_leader_epoch,
                place.committed_metadata or "",
                now_ms,
                broker.topics.get(topic.name).id,
            ),
        )
        for topic in request.topics
        for place in topic.partitions
        if wrong(topic.name, place) is ErrorCode.NONE
    ]


def wrong_with(
    broker: Broker,
    denied: Collection[str],
    topic_name: str,
    place: OffsetCommitRequestPartition | TxnOffsetCommitRequestPartition,
) -> ErrorCode:
    """Why an offset cannot be committed for a place; NONE where it can."""
    if topic_name in denied:
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    topic = broker.topics.find(topic_name)
    if topic is None or not 0 <= place.partition_index < len(topic.leaders):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if len((place.committed_metadata or "").encode()) > broker.limits.max_offset_metadata_bytes:
        return ErrorCode.OFFSET_METADATA_TOO_LARGE
    return ErrorCode.NONE


def _response(request: OffsetCommitRequest, wrong: Wrong) -> OffsetCommitResponse:
    return OffsetCommitResponse(
        topics=[
            OffsetCommitResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetCommitResponsePartition(
                        partition_index=place.partition_index,
                        error_code=wrong(topic.name, place),
                    )
                    for place in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )
