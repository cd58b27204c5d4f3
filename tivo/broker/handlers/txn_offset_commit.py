"""TxnOffsetCommit (28), versions 0-3: offsets of a group that count once the transaction is committed.

Odd, for all partitions: TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without WRITE of the transactional
id, GROUP_AUTHORIZATION_FAILED (30) without READ of the group, INVALID_GROUP_ID (24); INVALID_PRODUCER_ID_MAPPING (49);
INVALID_PRODUCER_EPOCH (47) for a producer that is fenced; INVALID_TXN_STATE (48) where the
transaction is not open, or the group is not in it; COORDINATOR_NOT_AVAILABLE (15) where the
journal takes nothing; POLICY_VIOLATION (44) as OffsetCommit. For one: as OffsetCommit.

- Until the transaction ends, OffsetFetch tells these places as unstable to whoever asks for that.
- 2: the leader epoch is kept. 3: the member that consumed is named, and a commit of a former
  generation refused (KIP-447): ILLEGAL_GENERATION (22), UNKNOWN_MEMBER_ID (25),
  FENCED_INSTANCE_ID (82). Without a member nothing of that is looked at.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.offset_commit import Wrong, has_too_many, offset_records, unreadable, wrong_with
from tivo.broker.replies import Deferred, Reply
from tivo.broker.transaction_coordinator import OFFSETS
from tivo.broker.transactions import Producer
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)

NO_GENERATION = -1


def handle(broker: Broker, request: TxnOffsetCommitRequest, caller: Caller) -> Reply:
    error = _why_not(broker, request, caller)
    if error:
        return _response(request, lambda topic, place: error)
    wrong = partial(wrong_with, broker, unreadable(broker, caller, [topic.name for topic in request.topics]))
    records = offset_records(broker, request, wrong)
    if not records:
        return _response(request, wrong)
    deferred = Deferred()
    producer = Producer(request.producer_id, request.producer_epoch)
    broker.coordinator.commit_pending(producer, records, partial(_kept, request, deferred, wrong))
    return deferred


def _kept(request: TxnOffsetCommitRequest, deferred: Deferred, wrong: Wrong, error: LogError | None) -> None:
    away = ErrorCode.COORDINATOR_NOT_AVAILABLE
    deferred.give(_response(request, wrong if error is None else lambda topic, place: away))


def _why_not(broker: Broker, request: TxnOffsetCommitRequest, caller: Caller) -> ErrorCode:
    error = (
        broker.authorizer.error(caller, Operation.WRITE, acl.transactional_id(request.transactional_id))
        or broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id))
        or (ErrorCode.NONE if request.group_id else ErrorCode.INVALID_GROUP_ID)
        or (ErrorCode.POLICY_VIOLATION if has_too_many(broker, request) else ErrorCode.NONE)
    )
    producer = Producer(request.producer_id, request.producer_epoch)
    error = error or broker.transactions.why_not_write(request.transactional_id, producer, OFFSETS)
    if error is ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if error is not ErrorCode.NONE or (request.generation_id == NO_GENERATION and not request.member_id):
        return error
    error = broker.coordinator.check_commit(
        request.group_id, request.member_id, request.group_instance_id, request.generation_id
    )
    return ErrorCode.NONE if error is ErrorCode.REBALANCE_IN_PROGRESS else error


def _response(request: TxnOffsetCommitRequest, wrong: Wrong) -> TxnOffsetCommitResponse:
    return TxnOffsetCommitResponse(
        topics=[
            TxnOffsetCommitResponseTopic(
                name=topic.name,
                partitions=[
                    TxnOffsetCommitResponsePartition(
                        partition_index=place.partition_index,
                        error_code=wrong(topic.name, place),
                    )
                    for place in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )
