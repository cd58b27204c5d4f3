"""EndTxn (26), versions 0-3: a transaction is over, committed or aborted.

Odd: TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without WRITE of the transactional id;
INVALID_PRODUCER_ID_MAPPING (49) where the transactional id has another producer, or none;
INVALID_PRODUCER_EPOCH (47), from version 2 on PRODUCER_FENCED (90); INVALID_TXN_STATE (48) where
nothing is open, or the other outcome stands already; CONCURRENT_TRANSACTIONS (51) while it is
being ended; COORDINATOR_NOT_AVAILABLE (15) where the journal takes nothing.

- Answered when the outcome and its markers are on stable storage, so that what is committed can be
  read. Where a marker cannot be written the outcome stands all the same, and the broker goes on trying.
- Asked again, because an answer was lost, it gives the same answer.
- The epoch stays as it is: the bump of KIP-890 belongs to version 5.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.fencing import by_version
from tivo.broker.replies import Deferred, Reply
from tivo.broker.transactions import Producer
from tivo.wire.control import Marker
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.end_txn import EndTxnRequest, EndTxnResponse

FENCED_SINCE = 2


def handle(broker: Broker, request: EndTxnRequest, caller: Caller) -> Reply:
    error = broker.authorizer.error(caller, Operation.WRITE, acl.transactional_id(request.transactional_id))
    if error:
        return EndTxnResponse(error_code=error)
    deferred = Deferred()
    producer = Producer(request.producer_id, request.producer_epoch)
    marker = Marker.COMMIT if request.committed else Marker.ABORT
    broker.transactions.end(request.transactional_id, producer, marker, partial(_tell, deferred, caller.version))
    return deferred


def _tell(deferred: Deferred, version: int, error: ErrorCode) -> None:
    deferred.give(EndTxnResponse(error_code=by_version(error, version, FENCED_SINCE)))
