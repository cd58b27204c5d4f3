"""AddOffsetsToTxn (25), versions 0-3: a group whose offsets a transaction is about to commit.

Odd: as AddPartitionsToTxn; GROUP_AUTHORIZATION_FAILED (30) without READ of the group,
INVALID_GROUP_ID (24) for an empty group id.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.fencing import by_version
from tivo.broker.replies import Deferred, Reply
from tivo.broker.transaction_coordinator import OFFSETS
from tivo.broker.transactions import Producer
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse

FENCED_SINCE = 2


def handle(broker: Broker, request: AddOffsetsToTxnRequest, caller: Caller) -> Reply:
    error = (
        broker.authorizer.error(caller, Operation.WRITE, acl.transactional_id(request.transactional_id))
        or broker.authorizer.error(caller, Operation.READ, acl.group(request.group_id))
        or (ErrorCode.NONE if request.group_id else ErrorCode.INVALID_GROUP_ID)
    )
    if error:
        return AddOffsetsToTxnResponse(error_code=error)
    deferred = Deferred()
    producer = Producer(request.producer_id, request.producer_epoch)
    tell = partial(_tell, deferred, caller.version)
    broker.transactions.add(request.transactional_id, producer, [OFFSETS], tell)
    return deferred


def _tell(deferred: Deferred, version: int, error: ErrorCode) -> None:
    deferred.give(AddOffsetsToTxnResponse(error_code=by_version(error, version, FENCED_SINCE)))
