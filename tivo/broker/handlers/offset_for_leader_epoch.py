"""OffsetForLeaderEpoch (23), versions 2-4: where the log ended in a leader epoch, so that a consumer sees a cut log.

Odd: an epoch that has not been gets epoch -1 and offset -1. UNKNOWN_TOPIC_OR_PARTITION (3),
FENCED_LEADER_EPOCH (74), UNKNOWN_LEADER_EPOCH (76).

- An unclean start begins a new leader epoch (KIP-101, KIP-320). 3: the replica id is ignored.
- The end of the present epoch is the high watermark: nothing above it may be read.
"""

from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import check_leader_epoch
from tivo.broker.refusal import code_of
from tivo.model.errors import RequestError
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
                topic=topic.topic, partitions=[_answer(broker, topic.topic, place) for place in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _answer(broker: Broker, topic: str, place: OffsetForLeaderPartition) -> EpochEndOffset:
    try:
        leader = broker.topics.get(topic).leader(place.partition)
        check_leader_epoch(leader, place.current_leader_epoch)
    except RequestError as error:
        return EpochEndOffset(partition=place.partition, error_code=code_of(error))
    epoch, end = leader.log.epoch_end(place.leader_epoch)
    return EpochEndOffset(partition=place.partition, leader_epoch=epoch, end_offset=min(end, leader.high_watermark))
