"""ListOffsets (2), versions 1-8: an offset for a time, or for one of the marks -1 to -4.

Odd: TOPIC_AUTHORIZATION_FAILED (29) without DESCRIBE, and for whoever says that he is a follower,
of which this broker has none; a time after every record gets offset -1 and no error; other negative times
INVALID_REQUEST (42); wrong leader epochs FENCED_LEADER_EPOCH (74), UNKNOWN_LEADER_EPOCH (76).

- -1 the high watermark, -2 the log's start; -3 (version 7) the newest time and its offset;
  -4 (version 8) the local log's start, which is the log's start.
- Only what may be read is found: nothing at or above the high watermark.
- A partition that is named twice is told once.
- 2: isolation level 1 finds only what lies below the last stable offset, and that for -1.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import Leader, check_leader_epoch
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.repeats import drop_repeats
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    ListOffsetsTopicResponse,
)

LATEST, EARLIEST, NEWEST_TIME, EARLIEST_LOCAL = -1, -2, -3, -4
NOTHING = (-1, -1)
READ_COMMITTED = 1


def handle(broker: Broker, request: ListOffsetsRequest, caller: Caller) -> ListOffsetsResponse:
    drop_repeats(((topic.name, topic.partitions) for topic in request.topics), lambda place: place.partition_index)
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[
                    _answer(broker, caller, topic.name, place, committed=request.isolation_level == READ_COMMITTED)
                    for place in topic.partitions
                ],
            )
            if request.replica_id < 0
            else _denied(topic)
            for topic in request.topics
        ]
    )


def _denied(topic: ListOffsetsTopic) -> ListOffsetsTopicResponse:
    code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
    return ListOffsetsTopicResponse(
        name=topic.name,
        partitions=[
            ListOffsetsPartitionResponse(partition_index=place.partition_index, error_code=code)
            for place in topic.partitions
        ],
    )


def _answer(
    broker: Broker, caller: Caller, topic: str, place: ListOffsetsPartition, *, committed: bool
) -> ListOffsetsPartitionResponse:
    try:
        broker.authorizer.check(caller, Operation.DESCRIBE, acl.topic(topic))
        leader = broker.topics.get(topic).leader(place.partition_index)
        check_leader_epoch(leader, place.current_leader_epoch)
        time_ms, offset = _find(leader, place.timestamp, leader.stable_offset if committed else leader.high_watermark)
    except (RequestError, LogError) as error:
        return ListOffsetsPartitionResponse(partition_index=place.partition_index, error_code=code_of(error))
    return ListOffsetsPartitionResponse(
        partition_index=place.partition_index,
        timestamp=time_ms,
        offset=offset,
        leader_epoch=leader.log.leader_epoch if offset >= 0 else -1,
    )


def _find(leader: Leader, time_ms: int, mark: int) -> tuple[int, int]:
    """Time (-1 where it says nothing) and offset, below a mark."""
    if time_ms == LATEST:
        return -1, mark
    if time_ms in (EARLIEST, EARLIEST_LOCAL):
        return -1, leader.log.log_start
    if time_ms < NEWEST_TIME:
        raise Refusal(ErrorCode.INVALID_REQUEST, f"{time_ms} is no time and none of the marks -1 to -4")
    found = leader.log.max_time() if time_ms == NEWEST_TIME else leader.log.offset_for_time(time_ms)
    return found if found is not None and found[1] < mark else NOTHING
