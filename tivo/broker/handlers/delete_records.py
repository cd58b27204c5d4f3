"""DeleteRecords (21), versions 0-2: let the log of a partition start later. Answered when that is on stable storage.

Odd, per partition: TOPIC_AUTHORIZATION_FAILED (29) without DELETE; UNKNOWN_TOPIC_OR_PARTITION (3);
OFFSET_OUT_OF_RANGE (1) beyond the high watermark and below -1; INVALID_TOPIC_EXCEPTION (17) for the
broker's own topics; POLICY_VIOLATION (44) for a topic that is compacted and nothing else, whose
records go only when they are superseded; KAFKA_STORAGE_ERROR (56) where the disk fails.

- The offset -1 means the high watermark. One that lies before the start of the log moves nothing
  and is answered with that start.
- A partition that is named twice is answered once, for the first of its offsets.
- Segments go when they lie before the new start whole; the time-out is not needed, for no replica
  has to follow.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import Leader
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.repeats import drop_repeats
from tivo.broker.replies import Parts, Reply
from tivo.model.errors import LogError, OffsetOutOfRange, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

HIGH_WATERMARK = -1


def handle(broker: Broker, request: DeleteRecordsRequest, caller: Caller) -> Reply:
    response = DeleteRecordsResponse()
    parts = Parts(response)
    drop_repeats(((topic.name, topic.partitions) for topic in request.topics), lambda place: place.partition_index)
    for topic in request.topics:
        results = [DeleteRecordsPartitionResult(partition_index=place.partition_index) for place in topic.partitions]
        response.topics.append(DeleteRecordsTopicResult(name=topic.name, partitions=results))
        for place, result in zip(topic.partitions, results, strict=True):
            try:
                broker.authorizer.check(caller, Operation.DELETE, acl.topic(topic.name))
                leader = _leader(broker, topic.name, place)
                start = _start(leader, place.offset)
            except RequestError as error:
                _refuse(result, error)
                continue
            parts.owe()
            broker.runtime.in_thread(partial(leader.log.truncate_before, start), partial(_moved, parts, result, leader))
    return parts.reply()


def _leader(broker: Broker, name: str, place: DeleteRecordsPartition) -> Leader:
    topic = broker.topics.get(name)
    if topic.is_internal:
        raise Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, f"{name} is shortened by the broker alone")
    if not topic.settings.log.deletes:
        raise Refusal(ErrorCode.POLICY_VIOLATION, f"{name} has cleanup.policy=compact: its records are not deleted")
    return topic.leader(place.partition_index)


def _start(leader: Leader, offset: int) -> int:
    mark = leader.high_watermark
    start = mark if offset == HIGH_WATERMARK else offset
    if not 0 <= start <= mark:
        raise OffsetOutOfRange(leader.log.name, offset, log_start=leader.log.log_start, log_end=mark)
    return start


def _moved(parts: Parts, result: DeleteRecordsPartitionResult, leader: Leader, moved: int | LogError) -> None:
    if isinstance(moved, LogError):
        _refuse(result, moved)
    else:
        result.low_watermark = leader.log.log_start
    parts.settle()


def _refuse(result: DeleteRecordsPartitionResult, error: LogError | RequestError) -> None:
    result.error_code = code_of(error)
    result.low_watermark = -1
