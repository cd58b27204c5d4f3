"""AddPartitionsToTxn (24), versions 0-3: partitions that a transaction is about to write to. They begin it.

Odd, for all partitions: TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without WRITE of the
transactional id; INVALID_PRODUCER_ID_MAPPING (49) where the transactional id has another
producer, or none; INVALID_PRODUCER_EPOCH (47), from version 2 on PRODUCER_FENCED (90);
CONCURRENT_TRANSACTIONS (51) while the transaction before is being ended;
COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing. For one: TOPIC_AUTHORIZATION_FAILED
(29) without WRITE, UNKNOWN_TOPIC_OR_PARTITION (3), and the others get OPERATION_NOT_ATTEMPTED (55).

- Version 4 is spoken between brokers, and not here.
"""

from collections.abc import Callable
from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.fencing import by_version
from tivo.broker.replies import Deferred, Reply
from tivo.broker.transactions import Place, Producer
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)

FENCED_SINCE = 2


def handle(broker: Broker, request: AddPartitionsToTxnRequest, caller: Caller) -> Reply:
    places = [Place(topic.name, partition) for topic in request.v3_and_below_topics for partition in topic.partitions]
    error = broker.authorizer.error(
        caller, Operation.WRITE, acl.transactional_id(request.v3_and_below_transactional_id)
    )
    if error:
        return _response(request, lambda place: error)
    wrong = {place: why for place in places if (why := _why_not(broker, place, caller))}
    if wrong:
        return _response(request, lambda place: wrong.get(place, ErrorCode.OPERATION_NOT_ATTEMPTED))
    deferred = Deferred()
    broker.transactions.add(
        request.v3_and_below_transactional_id,
        Producer(request.v3_and_below_producer_id, request.v3_and_below_producer_epoch),
        places,
        partial(_tell, deferred, request, caller.version),
    )
    return deferred


def _tell(deferred: Deferred, request: AddPartitionsToTxnRequest, version: int, error: ErrorCode) -> None:
    deferred.give(_response(request, lambda place: by_version(error, version, FENCED_SINCE)))


def _why_not(broker: Broker, place: Place, caller: Caller) -> ErrorCode:
    error = broker.authorizer.error(caller, Operation.WRITE, acl.topic(place.topic))
    if error:
        return error
    topic = broker.topics.find(place.topic)
    if topic is None or topic.is_internal or not 0 <= place.partition < len(topic.leaders):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE


def _response(request: AddPartitionsToTxnRequest, error_of: Callable[[Place], ErrorCode]) -> AddPartitionsToTxnResponse:
    return AddPartitionsToTxnResponse(
        results_by_topic_v3_and_below=[
            AddPartitionsToTxnTopicResult(
                name=topic.name,
                results_by_partition=[
                    AddPartitionsToTxnPartitionResult(
                        partition_index=partition, partition_error_code=error_of(Place(topic.name, partition))
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.v3_and_below_topics
        ]
    )
