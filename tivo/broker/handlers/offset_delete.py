"""OffsetDelete (47), version 0: forget how far a group has come in some partitions.

Odd: NON_EMPTY_GROUP (68) while the group has members (Kafka allows it for topics that none of
them reads; here they would have to be asked what their metadata means), GROUP_ID_NOT_FOUND (69),
COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing.
"""

from tivo.broker.broker import Broker, Caller
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
    error = broker.coordinator.why_not_delete(request.group_id)
    if error is not ErrorCode.NONE:
        return OffsetDeleteResponse(error_code=error)
    removals = [
        OffsetRecord(request.group_id, topic.name, place.partition_index, None)
        for topic in request.topics
        for place in topic.partitions
    ]
    deferred = Deferred()

    def kept(error: LogError | None) -> None:
        code = ErrorCode.NONE if error is None else ErrorCode.COORDINATOR_NOT_AVAILABLE
        deferred.give(_response(request, code))

    broker.coordinator.commit(removals, kept)
    return deferred


def _response(request: OffsetDeleteRequest, error: ErrorCode) -> OffsetDeleteResponse:
    return OffsetDeleteResponse(
        error_code=error,
        topics=[
            OffsetDeleteResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetDeleteResponsePartition(partition_index=place.partition_index) for place in topic.partitions
                ],
            )
            for topic in request.topics
        ],
    )
