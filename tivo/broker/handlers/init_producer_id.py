"""InitProducerId (22), versions 0-4: an identity for an idempotent or transactional producer.

Odd: CLUSTER_AUTHORIZATION_FAILED (31) for whoever may not WRITE to any topic, nor IDEMPOTENT_WRITE to the
cluster (KIP-679); TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without WRITE of the transactional id;
INVALID_REQUEST (42) for an empty one; INVALID_TRANSACTION_TIMEOUT (50) for a time-out of no time, or
above 15 minutes; INVALID_PRODUCER_EPOCH (47), from version 4 on PRODUCER_FENCED (90), for a producer
that names an identity which is not its transactional id's any more; CONCURRENT_TRANSACTIONS (51)
while the transaction before is being ended; COORDINATOR_NOT_AVAILABLE (15) where the journal takes
nothing.

- Without a transactional id: a new id, kept nowhere, with epoch 0.
- With one: its id and the next epoch, which fences whoever had the one before. A transaction that
  is open under that is aborted first, and the answer waits for it. Epochs end at 32,766: then comes
  a new id.
- 3: a producer that names its former identity goes on (KIP-360): as before, or without a
  transactional id with a new id.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation, ResourceType
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.fencing import by_version
from tivo.broker.replies import Deferred, Reply
from tivo.broker.transactions import Producer
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

FENCED_SINCE = 4


def handle(broker: Broker, request: InitProducerIdRequest, caller: Caller) -> Reply:
    error = _why_not(broker, request.transactional_id, caller)
    if error:
        return InitProducerIdResponse(error_code=error, producer_epoch=-1)
    if request.transactional_id is None:
        return InitProducerIdResponse(producer_id=broker.transactions.new_id())
    deferred = Deferred()
    known = Producer(request.producer_id, request.producer_epoch)
    tell = partial(_tell, deferred, caller.version)
    broker.transactions.initialize(request.transactional_id, request.transaction_timeout_ms, known, tell)
    return deferred


def _why_not(broker: Broker, transactional_id: str | None, caller: Caller) -> ErrorCode:
    if transactional_id == "":
        return ErrorCode.INVALID_REQUEST
    if transactional_id is not None:
        return broker.authorizer.error(caller, Operation.WRITE, acl.transactional_id(transactional_id))
    if broker.authorizer.may_some(caller, Operation.WRITE, ResourceType.TOPIC):
        return ErrorCode.NONE
    return broker.authorizer.error(caller, Operation.IDEMPOTENT_WRITE, acl.CLUSTER)


def _tell(deferred: Deferred, version: int, error: ErrorCode, producer: Producer) -> None:
    deferred.give(
        InitProducerIdResponse(
            error_code=by_version(error, version, FENCED_SINCE),
            producer_id=producer.id,
            producer_epoch=producer.epoch,
        )
    )
