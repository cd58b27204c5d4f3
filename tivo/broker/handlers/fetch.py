"""Fetch (1), versions 4-16: record batches from given offsets on, waiting for them if there are none yet.

Odd: TOPIC_AUTHORIZATION_FAILED (29) without READ; OFFSET_OUT_OF_RANGE (1) below the log's start or
beyond its end, with the high watermark told;
UNKNOWN_TOPIC_OR_PARTITION (3), UNKNOWN_TOPIC_ID (100) from version 13 on; FENCED_LEADER_EPOCH
(74) and UNKNOWN_LEADER_EPOCH (76) for a leader epoch that is not the present one;
KAFKA_STORAGE_ERROR (56) where the batch on disk is damaged. Any error answers at once.

- An offset inside a batch gets the whole batch, and the first batch of an answer comes whole
  even above max_bytes: else a consumer could never get past it.
- A partition that is named twice is read once, from the first of its offsets.
- No records are empty, never null: clients take null for a broken answer.
- 7: fetch sessions are declined (session_id 0), so every request names all its partitions.
- 13: topics by id only. Whoever says that he is a follower, of which this broker has none, gets
  TOPIC_AUTHORIZATION_FAILED (29): a replica id must open no door (CVE-2018-1288).
- Isolation level 1 reads up to the last stable offset, where the oldest open transaction begins, and is told of
  the aborted transactions that reach into what it is given: consumers drop their records.
"""

from typing import NamedTuple

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import NOTHING, Leader, check_leader_epoch
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.repeats import drop_repeats
from tivo.broker.replies import Deferred, Reply
from tivo.broker.topic import Topic
from tivo.model.errors import LogError, RequestError
from tivo.model.timeline import MILLISECOND_US
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import (
    AbortedTransaction,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)

READ_COMMITTED = 1
BY_ID = 13
"""First version in which topics are named by id."""


class Gathered(NamedTuple):
    """What could be read now: the response, its bytes of records, and whom to watch for more."""

    response: FetchResponse
    size: int
    leaders: list[Leader]
    has_error: bool


def handle(broker: Broker, request: FetchRequest, caller: Caller) -> Reply:
    named = (((topic.topic, topic.topic_id), topic.partitions) for topic in request.topics)
    drop_repeats(named, lambda place: place.partition)
    gathered = _gather(broker, request, caller)
    wait_us = min(request.max_wait_ms * MILLISECOND_US, broker.limits.longest_wait_us)
    is_enough = gathered.size >= request.min_bytes or gathered.has_error or not gathered.leaders
    if is_enough or wait_us <= 0:
        return gathered.response
    return _park(broker, request, caller, gathered, wait_us)


def _park(broker: Broker, request: FetchRequest, caller: Caller, gathered: Gathered, wait_us: int) -> Deferred:
    deferred = Deferred()

    def wake() -> None:
        alarm.cancel()
        deferred.give(_gather(broker, request, caller).response)

    def expire() -> None:
        broker.waiters.leave(parked)
        wake()

    def abandon() -> None:
        broker.waiters.leave(parked)
        alarm.cancel()

    committed = request.isolation_level == READ_COMMITTED
    places = [leader.committed if committed else leader for leader in gathered.leaders]
    parked = broker.waiters.park(places, missing_bytes=request.min_bytes - gathered.size, wake=wake)
    alarm = broker.runtime.call_at(broker.runtime.now().steady_us + wait_us, expire)
    deferred.on_abandoned = abandon
    return deferred


class _Room:
    """What an answer still has room for. The first batch comes whole, however large."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self.size = 0

    def read(self, leader: Leader, place: FetchPartition, *, committed: bool) -> memoryview:
        """What one partition gives. Nothing is read of it once another had more than there was room for."""
        if self.size and self._left <= 0:
            leader.check_offset(place.fetch_offset)
            return NOTHING
        most = max(min(place.partition_max_bytes, self._left), 0)
        records = leader.read(place.fetch_offset, most, committed=committed)
        if self.size and len(records) > self._left:
            self._left = 0  # it comes first in another answer
            return NOTHING
        self._left -= len(records)
        self.size += len(records)
        return records


def _gather(broker: Broker, request: FetchRequest, caller: Caller) -> Gathered:
    room = _Room(min(max(request.max_bytes, 0), broker.unsent.room(broker.limits.max_fetch_bytes)))
    is_follower = max(request.replica_id, request.replica_state.replica_id) >= 0
    committed = request.isolation_level == READ_COMMITTED
    leaders: list[Leader] = []
    responses: list[FetchableTopicResponse] = []
    for wanted in request.topics:
        found = ErrorCode.TOPIC_AUTHORIZATION_FAILED if is_follower else _find(broker, wanted, caller)
        partitions = [
            _read(found, place, room=room, committed=committed, leaders=leaders) for place in wanted.partitions
        ]
        responses.append(FetchableTopicResponse(topic=wanted.topic, topic_id=wanted.topic_id, partitions=partitions))
    has_error = any(data.error_code != ErrorCode.NONE for topic in responses for data in topic.partitions)
    return Gathered(FetchResponse(responses=responses), room.size, leaders, has_error)


def _find(broker: Broker, wanted: FetchTopic, caller: Caller) -> Topic | ErrorCode:
    try:
        if caller.version >= BY_ID:
            topic = broker.topics.by_id(wanted.topic_id)
            broker.authorizer.check(caller, Operation.READ, acl.topic(topic.name))
            return topic
        broker.authorizer.check(caller, Operation.READ, acl.topic(wanted.topic))
        return broker.topics.get(wanted.topic)
    except RequestError as error:
        return code_of(error)


def _read(
    found: Topic | ErrorCode, place: FetchPartition, *, room: _Room, committed: bool, leaders: list[Leader]
) -> PartitionData:
    leader: Leader | None = None
    try:
        if isinstance(found, ErrorCode):
            raise Refusal(found, "the topic is not there")
        leader = found.leader(place.partition)
        check_leader_epoch(leader, place.current_leader_epoch)
        records = room.read(leader, place, committed=committed)
        aborted = leader.aborted(place.fetch_offset, records) if committed else []
    except (RequestError, LogError) as error:
        return _failed(place, code_of(error), leader)
    leaders.append(leader)
    return PartitionData(
        partition_index=place.partition,
        high_watermark=leader.high_watermark,
        last_stable_offset=leader.stable_offset,
        log_start_offset=leader.log.log_start,
        aborted_transactions=[
            AbortedTransaction(producer_id=each.producer_id, first_offset=each.first_offset) for each in aborted
        ],
        records=records,
    )


def _failed(place: FetchPartition, code: ErrorCode, leader: Leader | None) -> PartitionData:
    return PartitionData(
        partition_index=place.partition,
        error_code=code,
        high_watermark=-1 if leader is None else leader.high_watermark,
        log_start_offset=-1 if leader is None else leader.log.log_start,
        records=b"",
    )
