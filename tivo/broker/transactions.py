"""Transactions of producers as a state machine (KIP-98, KIP-360), one per transactional id.

Pure: from what is known of an id, and what is asked, comes what to answer and the record that makes it so. A
transaction changes only by such a record being appended and taken over, so a restart and a live run are the same path.

    Empty ─► Ongoing ─► PrepareCommit ─► CompleteCommit ─┐
               ▲   └──► PrepareAbort ──► CompleteAbort ──┤
               └─────────────────────────────────────────┘

From Prepare on the outcome stands; Complete says that every partition has its marker. A producer is the pair of id and
epoch that InitProducerId gave it: a later one of the same transactional id has a higher epoch, and fences it.
Times are wall ms, as the records hold them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from tivo.model.timeline import DAY_US, MILLISECOND_US, MINUTE_US
from tivo.wire.control import Marker
from tivo.wire.error_codes import ErrorCode

LONGEST_MS = 15 * MINUTE_US // MILLISECOND_US
"""The longest time-out a producer may ask for (Kafka's `transaction.max.timeout.ms`)."""

EXPIRE_MS = 7 * DAY_US // MILLISECOND_US
"""A transactional id that nobody has used for so long is forgotten (`transactional.id.expiration.ms`)."""

LAST_EPOCH = (1 << 15) - 2
"""No producer is given a higher epoch: one more is left, to fence it."""


class State(Enum):
    """Where a transaction stands, in the names that Kafka's tools show."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"


class Producer(NamedTuple):
    """Who asks: the identity that InitProducerId gave."""

    id: int
    epoch: int


NO_PRODUCER = Producer(-1, -1)


class Place(NamedTuple):
    """A partition that belongs to a transaction."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What is known of a transactional id: its producer, and where that one's transaction stands.

    `former` is who asked for the present epoch, so that it may ask again when the answer was lost; no record holds it,
    so a restart fences it. `started_ms` is -1 while nothing has begun.
    """

    transactional_id: str
    producer: Producer
    timeout_ms: int
    state: State
    changed_ms: int
    started_ms: int = -1
    places: frozenset[Place] = frozenset()
    former: Producer = NO_PRODUCER

    @property
    def is_prepared(self) -> bool:
        """Its outcome stands, its markers are to be written."""
        return self.state in _COMPLETE

    @property
    def marker(self) -> Marker:
        """What its partitions are told of its outcome."""
        return Marker.COMMIT if self.state in _COMMITTED else Marker.ABORT

    @property
    def due_ms(self) -> int | None:
        """When it is aborted, or the id forgotten, unless something happens before; None while it is ended."""
        if self.is_prepared:
            return None
        return self.started_ms + self.timeout_ms if self.state is State.ONGOING else self.changed_ms + EXPIRE_MS


class Verdict(NamedTuple):
    """What to answer, once `change` is safe. Without a change an error is told at once; NONE says that all is as asked
    for, and is told once that is safe, for it may have been asked just before."""

    error: ErrorCode
    change: Transaction | None = None


_COMPLETE: Mapping[State, State] = {
    State.PREPARE_COMMIT: State.COMPLETE_COMMIT,
    State.PREPARE_ABORT: State.COMPLETE_ABORT,
}

_COMMITTED = frozenset({State.PREPARE_COMMIT, State.COMPLETE_COMMIT})

_END: Mapping[tuple[State, Marker], State | ErrorCode] = {
    (State.ONGOING, Marker.COMMIT): State.PREPARE_COMMIT,
    (State.ONGOING, Marker.ABORT): State.PREPARE_ABORT,
    (State.PREPARE_COMMIT, Marker.COMMIT): ErrorCode.CONCURRENT_TRANSACTIONS,
    (State.PREPARE_ABORT, Marker.ABORT): ErrorCode.CONCURRENT_TRANSACTIONS,
    (State.COMPLETE_COMMIT, Marker.COMMIT): ErrorCode.NONE,  # asked again: the answer was lost
    (State.COMPLETE_ABORT, Marker.ABORT): ErrorCode.NONE,
}
"""What EndTxn comes to. Everything else is a producer that has lost count: INVALID_TXN_STATE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """A producer asks for an identity; `known` is the one it has, if it goes on after an error (KIP-360).

    `new_producer_id` is used where another id is needed.
    """

    transactional_id: str
    timeout_ms: int
    known: Producer = NO_PRODUCER
    new_producer_id: int


def initialized(transaction: Transaction | None, init: Init, now_ms: int) -> Verdict:
    """The producer with a new epoch. A transaction that is open under the old one is to be aborted first: the
    change is its abort then, and the producer asks again."""
    if not 0 < init.timeout_ms <= LONGEST_MS:
        return Verdict(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    if transaction is None:
        return Verdict(ErrorCode.NONE, _empty(init, Producer(init.new_producer_id, 0), now_ms))
    if transaction.is_prepared:
        return Verdict(ErrorCode.CONCURRENT_TRANSACTIONS)
    if init.known not in (NO_PRODUCER, transaction.producer, transaction.former):
        return Verdict(ErrorCode.PRODUCER_FENCED)
    if transaction.state is State.ONGOING:
        return Verdict(ErrorCode.CONCURRENT_TRANSACTIONS, _fenced(transaction, init.known, now_ms))
    has_asked_before = init.known != NO_PRODUCER and init.known == transaction.former
    if has_asked_before and transaction.producer.epoch <= LAST_EPOCH:
        return Verdict(ErrorCode.NONE, replace(transaction, timeout_ms=init.timeout_ms, changed_ms=now_ms))
    return Verdict(ErrorCode.NONE, _empty(init, _next(transaction.producer, init), now_ms))


def with_places(transaction: Transaction | None, producer: Producer, places: Iterable[Place], now_ms: int) -> Verdict:
    """The transaction with these partitions in it: the first of them begin it."""
    error = _why_not(transaction, producer)
    if transaction is None or error is not ErrorCode.NONE:
        return Verdict(error)
    if transaction.is_prepared:
        return Verdict(ErrorCode.CONCURRENT_TRANSACTIONS)
    is_open = transaction.state is State.ONGOING
    all_places = frozenset(places) | (transaction.places if is_open else frozenset())
    if all_places == transaction.places:
        return Verdict(ErrorCode.NONE)
    started_ms = transaction.started_ms if is_open else now_ms
    change = replace(
        transaction,
        state=State.ONGOING,
        places=all_places,
        started_ms=started_ms,
        changed_ms=now_ms,
        former=NO_PRODUCER,  # who got this epoch uses it: nobody asks for it any more
    )
    return Verdict(ErrorCode.NONE, change)


def ended(transaction: Transaction | None, producer: Producer, marker: Marker, now_ms: int) -> Verdict:
    """The transaction with its outcome."""
    error = _why_not(transaction, producer)
    if transaction is None or error is not ErrorCode.NONE:
        return Verdict(error)
    following = _END.get((transaction.state, marker), ErrorCode.INVALID_TXN_STATE)
    if isinstance(following, ErrorCode):
        return Verdict(following)
    return Verdict(ErrorCode.NONE, replace(transaction, state=following, changed_ms=now_ms))


def completed(transaction: Transaction, now_ms: int) -> Transaction:
    """A prepared transaction when all its partitions have their markers."""
    return replace(transaction, state=_COMPLETE[transaction.state], places=frozenset(), changed_ms=now_ms)


def timed_out(transaction: Transaction, now_ms: int) -> Transaction | None:
    """What a transaction comes to that has reached `due_ms`: an abort, under an epoch that fences its producer.

    None where the id is to be forgotten.
    """
    return _fenced(transaction, NO_PRODUCER, now_ms) if transaction.state is State.ONGOING else None


def why_not_write(transaction: Transaction | None, producer: Producer, place: Place) -> ErrorCode:
    """NONE where a producer may write to a partition: its transaction is open, and the partition belongs to it."""
    error = _why_not(transaction, producer)
    if transaction is None or error is not ErrorCode.NONE:
        return error
    is_in_it = transaction.state is State.ONGOING and place in transaction.places
    return ErrorCode.NONE if is_in_it else ErrorCode.INVALID_TXN_STATE


def _why_not(transaction: Transaction | None, producer: Producer) -> ErrorCode:
    if transaction is None or transaction.producer.id != producer.id:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    return ErrorCode.NONE if transaction.producer.epoch == producer.epoch else ErrorCode.PRODUCER_FENCED


def _next(producer: Producer, init: Init) -> Producer:
    """The identity behind this one: the next epoch, or another id where epochs are used up."""
    if producer.epoch >= LAST_EPOCH:
        return Producer(init.new_producer_id, 0)
    return Producer(producer.id, producer.epoch + 1)


def _empty(init: Init, producer: Producer, now_ms: int) -> Transaction:
    return Transaction(
        transactional_id=init.transactional_id,
        producer=producer,
        timeout_ms=init.timeout_ms,
        state=State.EMPTY,
        changed_ms=now_ms,
        former=init.known,
    )


def _fenced(transaction: Transaction, former: Producer, now_ms: int) -> Transaction:
    producer = transaction.producer
    return replace(
        transaction,
        state=State.PREPARE_ABORT,
        producer=producer._replace(epoch=producer.epoch + 1),
        former=former,
        changed_ms=now_ms,
    )
