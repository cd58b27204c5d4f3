"""OffsetForLeaderEpoch (23), versions 2-4: where the log ended in a leader epoch, so that a consumer sees a cut log.

Odd: an epoch that has not been gets epoch -1 and offset -1. TOPIC_AUTHORIZATION_FAILED (29) without
DESCRIBE, and for whoever says that he is a follower, of which this broker has none;
UNKNOWN_TOPIC_OR_PARTITION (3), FENCED_LEADER_EPOCH (74), UNKNOWN_LEADER_EPOCH (76).

- An unclean start begins a new leader epoch (KIP-101, KIP-320).
- The end of the present epoch is the high watermark: nothing above it may be read.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import check_leader_epoch
from tivo.broker.refusal import Refusal, code_of
from tivo.model.errors import RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)


def handle(broker: Broker, request: OffsetForLeaderEpochRequest, caller: Caller) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic=topic.topic,
                partitions=[_answer(broker, request, caller, topic.topic, place) for place in topic.partitions],
            )
            for topic in request.topics
        ]
    )


def _answer(
    broker: Broker, request: OffsetForLeaderEpochRequest, caller: Caller, topic: str, place: OffsetForLeaderPartition
) -> EpochEndOffset:
    try:
        if request.replica_id >= 0:
            raise Refusal(ErrorCode.TOPIC_AUTHORIZATION_FAILED, "there are no followers")
        broker.authorizer.check(caller, Operation.DESCRIBE, acl.topic(topic))
        leader = broker.topics.get(topic).leader(place.partition)
        check_leader_epoch(leader, place.current_leader_epoch)
    except RequestError as error:
        return EpochEndOffset(partition=place.partition, error_code=code_of(error))
    epoch, end = leader.log.epoch_end(place.leader_epoch)
    return EpochEndOffset(partition=place.partition, leader_epoch=epoch, end_offset=min(end, leader.high_watermark))
