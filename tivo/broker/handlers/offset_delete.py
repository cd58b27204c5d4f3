"""OffsetDelete (47), version 0: forget how far a group has come in some partitions.

Odd: GROUP_AUTHORIZATION_FAILED (30) without DELETE of the group, per topic TOPIC_AUTHORIZATION_FAILED
(29) without READ; NON_EMPTY_GROUP (68) while the group has members (Kafka allows it for topics that none of
them reads; here they would have to be asked what their metadata means), GROUP_ID_NOT_FOUND (69),
COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing, POLICY_VIOLATION (44) as OffsetCommit.
"""

from collections.abc import Collection
from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.offset_commit import has_too_many
from tivo.broker.offsets import OffsetRecord
from tivo.broker.replies import Deferred, Reply
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)


def handle(broker: Broker, request: OffsetDeleteRequest, caller: Caller) -> Reply:
    error = broker.authorizer.error(
        caller, Operation.DELETE, acl.group(request.group_id)
    ) or broker.coordinator.why_not_delete(request.group_id)
    if not error and has_too_many(broker, request):
        error = ErrorCode.POLICY_VIOLATION
    if error is not ErrorCode.NONE:
        return OffsetDeleteResponse(error_code=error)
    may = partial(broker.authorizer.may, caller, Operation.READ)
    denied = frozenset(topic.name for topic in request.topics if not may(acl.topic(topic.name)))
    removals = [
        OffsetRecord(request.group_id, topic.name, place.partition_index, None)
        for topic in request.topics
        for place in topic.partitions
        if topic.name not in denied
    ]
    deferred = Deferred()

    def kept(error: LogError | None) -> None:
        code = ErrorCode.NONE if error is None else ErrorCode.COORDINATOR_NOT_AVAILABLE
        deferred.give(_response(request, code, denied))

    broker.coordinator.commit(removals, kept)
    return deferred


def _response(request: OffsetDeleteRequest, error: ErrorCode, denied: Collection[str]) -> OffsetDeleteResponse:
    return OffsetDeleteResponse(
        error_code=error,
        topics=[
            OffsetDeleteResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetDeleteResponsePartition(
                        partition_index=place.partition_index,
                        error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED if topic.name in denied else ErrorCode.NONE,
                    )
                    for place in topic.partitions
                ],
            )
            for topic in request.topics
        ],
    )
