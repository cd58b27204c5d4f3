"""The shell of transactions: keeps them, tells them the time, writes their markers, answers when a change is safe.

A transaction that is to end goes through three steps, each on stable storage before the next: the outcome in the
journal, a marker in every partition, the note in the journal that all of them are there. A start takes up what a kill
left in between, and where the disk refuses a step it is taken up again while the broker runs. An answer waits for the
second step, so that what is committed can be read when its producer hears so.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from tivo.broker.coordinator import Coordinator
from tivo.broker.journal import Journal
from tivo.broker.leader import Durable
from tivo.broker.replies import Countdown
from tivo.broker.runtime import Alarm, Runtime
from tivo.broker.topics import Topics
from tivo.broker.transaction_format import Entry, Forgotten
from tivo.broker.transactions import (
    NO_PRODUCER,
    Init,
    Place,
    Producer,
    Transaction,
    Verdict,
    completed,
    ended,
    initialized,
    timed_out,
    why_not_write,
    with_places,
)
from tivo.metrics import BROKER_TRANSACTIONS
from tivo.model.errors import LogError
from tivo.model.timeline import MILLISECOND_US, to_kafka_ms
from tivo.wire.control import Marker
from tivo.wire.error_codes import ErrorCode

logger = logging.getLogger(__name__)

OFFSETS = Place("__consumer_offsets", 0)
"""Where the offsets of all groups stand: it belongs to a transaction that commits some."""

AGAIN_MS = 1_000
"""So long after a step to its end failed it is tried again, at least."""

Told = Callable[[ErrorCode], None]


class TransactionCoordinator:
    """Coordinates all transactions of this broker. `new_id` gives producer ids."""

    def __init__(
        self,
        journal: Journal[Entry, Entry],
        groups: Coordinator,
        topics: Topics,
        runtime: Runtime,
        *,
        new_id: Callable[[], int],
    ) -> None:
        self._journal = journal
        self._groups = groups
        self._topics = topics
        self._runtime = runtime
        self.new_id = new_id
        self._transactions: dict[str, Transaction] = {}
        self._unfinished: set[str] = set()  # prepared, and a step to their end failed
        self._alarm: Alarm | None = None
        self._alarm_ms = 0

    def load(self) -> int:
        """Read the journal back, and end what a kill left half done; gives the number of entries. Raises LogError."""
        entries = 0
        for entry in self._journal.read():
            self.apply(entry)
            entries += 1
        for transaction in list(self):
            if transaction.is_prepared:
                self._finish(transaction, lambda is_done: None)
        self._end_stray()
        self._ring()
        return entries

    def __iter__(self) -> Iterator[Transaction]:
        """All that are known."""
        return iter(self._transactions.values())

    def get(self, transactional_id: str) -> Transaction | None:
        return self._transactions.get(transactional_id)

    def close(self) -> None:
        """Look at the time no more."""
        if self._alarm is not None:
            self._alarm.cancel()

    # ------------------------------------------------------------- asked

    def initialize(
        self, transactional_id: str, timeout_ms: int, known: Producer, tell: Callable[[ErrorCode, Producer], None]
    ) -> None:
        """Tell the identity of a producer. Where it comes upon its own open transaction, when that is aborted."""
        init = Init(
            transactional_id=transactional_id, timeout_ms=timeout_ms, known=known, new_producer_id=self.new_id()
        )
        verdict = initialized(self.get(transactional_id), init, self._now_ms())

        def again(is_done: bool) -> None:
            if is_done:
                self.initialize(transactional_id, timeout_ms, known, tell)
            else:
                tell(verdict.error, NO_PRODUCER)

        def safe(change: Transaction, error: LogError | None) -> None:
            if error is not None:
                tell(ErrorCode.COORDINATOR_NOT_AVAILABLE, NO_PRODUCER)
            elif change.is_prepared:
                self._finish(change, again)
            else:
                tell(ErrorCode.NONE, change.producer)

        if verdict.change is None:
            tell(verdict.error, NO_PRODUCER)
        else:
            self._change(verdict.change, partial(safe, verdict.change))

    def add(self, transactional_id: str, producer: Producer, places: list[Place], tell: Told) -> None:
        """Let partitions belong to the transaction of a producer; they begin it."""
        verdict = with_places(self.get(transactional_id), producer, places, self._now_ms())
        self._settle(verdict, lambda change: tell(ErrorCode.NONE), tell)

    def end(self, transactional_id: str, producer: Producer, marker: Marker, tell: Told) -> None:
        """End the transaction of a producer. Told when it can be read, or that its end stands and comes later."""
        verdict = ended(self.get(transactional_id), producer, marker, self._now_ms())
        self._settle(verdict, lambda change: self._finish(change, lambda is_done: tell(ErrorCode.NONE)), tell)

    def why_not_write(self, transactional_id: str, producer: Producer, place: Place) -> ErrorCode:
        """NONE where a producer may write to a partition in its transaction."""
        return why_not_write(self.get(transactional_id), producer, place)

    def _settle(self, verdict: Verdict, go_on: Callable[[Transaction], None], tell: Told) -> None:
        """Make the change of a verdict and go on when it is safe; else tell why not.

        Where everything is as it was asked for already, that need not be safe yet: it may be a change still on its way.
        """

        def safe(change: Transaction, error: LogError | None) -> None:
            if error is None:
                go_on(change)
            else:
                _tell_safe(tell, error)

        if verdict.change is not None:
            self._change(verdict.change, partial(safe, verdict.change))
        elif verdict.error is ErrorCode.NONE:
            self._journal.when_durable(partial(_tell_safe, tell))
        else:
            tell(verdict.error)

    # ------------------------------------------------------------- markers

    def _finish(self, transaction: Transaction, then: Callable[[bool], None]) -> None:
        """Write the markers of a transaction whose outcome is safe; tells whether all of them are."""
        parts = Countdown(partial(self._finished, transaction, then))
        for place in transaction.places:
            self._mark(place, transaction.producer, transaction.marker, parts.owe())
        parts.close()

    def _finished(self, transaction: Transaction, then: Callable[[bool], None], errors: list[LogError]) -> None:
        if errors:
            logger.error(
                "transaction %s is to end, but not all of its markers are written: %s",
                *(transaction.transactional_id, errors[0]),
            )
            self._try_again(transaction)
        else:
            self._change(completed(transaction, self._now_ms()), partial(self._noted, transaction))
        then(not errors)

    def _try_again(self, transaction: Transaction) -> None:
        """See that a prepared transaction is ended later: until then its id, and readers of its partitions, wait."""
        self._unfinished.add(transaction.transactional_id)
        self._look_at(self._now_ms() + AGAIN_MS)

    def _noted(self, prepared: Transaction, error: LogError | None) -> None:
        """A start that does not find the note looks for the markers once more; so it is done where none was taken."""
        if self.get(prepared.transactional_id) is prepared:
            self._try_again(prepared)
            return
        BROKER_TRANSACTIONS.labels(prepared.marker.name.lower()).inc()

    def _mark(self, place: Place, producer: Producer, marker: Marker, tell: Durable) -> None:
        """Write a marker where the transaction has written; a topic that is gone needs none."""
        if place == OFFSETS:
            self._groups.end_transaction(producer, marker, tell)
            return
        topic = self._topics.find(place.topic)
        if topic is None or place.partition >= len(topic.leaders):
            tell(None)
            return
        leader = topic.leaders[place.partition]
        try:
            leader.end_transaction(producer.id, producer.epoch, marker)
        except LogError as error:
            tell(error)
        else:
            leader.when_durable(leader.log.log_end, tell)

    def _end_stray(self) -> None:
        """Abort what is open in a partition and belongs to no transaction: what told of it was lost or damaged.

        What its producer did last tells nothing of it: that may have been another transaction, before this one.
        """
        by_producer = {transaction.producer.id: transaction for transaction in self}
        for topic in self._topics:
            for number, leader in enumerate(topic.leaders):
                for opened in leader.log.open_transactions:
                    known, place = by_producer.get(opened.producer_id), Place(topic.name, number)
                    if known is not None and place in known.places:
                        continue
                    producer = Producer(opened.producer_id, opened.producer_epoch)
                    logger.error("%s: ABORT of %s, a transaction that nobody knows", leader.log.name, producer)
                    self._mark(place, producer, Marker.ABORT, lambda error: None)

    # ------------------------------------------------------------- journal

    def _change(self, change: Transaction, then: Durable) -> None:
        """Make a change; `then` is told when it is safe."""
        try:
            self._journal.append([change])
        except LogError as error:
            then(error)
            return
        self.apply(change)
        if change.due_ms is not None:
            self._look_at(change.due_ms)
        self._journal.when_durable(partial(self._changed, change, then))

    def _changed(self, change: Transaction, then: Durable, error: LogError | None) -> None:
        """An outcome that the journal has taken and that is not safe stands, and no other may come: it is looked at."""
        if error is not None and change.is_prepared:
            self._try_again(change)
        then(error)
        self._shorten(error)

    def _shorten(self, error: LogError | None) -> None:
        """Whatever changed: who only asks for identities, or is forgotten, makes the journal longer too."""
        if error is None and self._journal.is_long:
            with suppress(LogError):  # the partition is read-only from then on and says so itself
                self._journal.shorten(list(self))

    def apply(self, entry: Entry) -> None:
        """Take over what the journal holds: the only way that a transaction changes."""
        if isinstance(entry, Forgotten):
            self._transactions.pop(entry.transactional_id, None)
        else:
            self._transactions[entry.transactional_id] = entry

    # ------------------------------------------------------------- time

    def _now_ms(self) -> int:
        return to_kafka_ms(self._runtime.now().wall_us)

    def _look_at(self, due_ms: int) -> None:
        """See that transactions are looked at by then."""
        if self._alarm is not None:
            if due_ms >= self._alarm_ms:
                return
            self._alarm.cancel()
        self._alarm_ms = due_ms
        now = self._runtime.now()
        wait_us = due_ms * MILLISECOND_US - now.wall_us
        self._alarm = self._runtime.call_at(now.steady_us + wait_us, self._ring)

    def _ring(self) -> None:
        """Abort what has lasted too long, forget who has been silent too long, end what could not be ended before."""
        self._alarm = None
        now_ms = self._now_ms()
        for transaction in list(self):
            if transaction.due_ms is not None and transaction.due_ms <= now_ms:
                self._overdue(transaction, now_ms)
            elif transaction.transactional_id in self._unfinished:
                self._unfinished.discard(transaction.transactional_id)
                self._journal.when_durable(partial(self._resume, transaction))
        following = [transaction.due_ms for transaction in self if transaction.due_ms is not None]
        if following:
            self._look_at(max(min(following), now_ms + AGAIN_MS))

    def _resume(self, prepared: Transaction, error: LogError | None) -> None:
        """End what could not be ended before, if its outcome is safe by now."""
        if error is None:
            self._finish(prepared, lambda is_done: None)
        else:
            self._try_again(prepared)

    def _overdue(self, transaction: Transaction, now_ms: int) -> None:
        change = timed_out(transaction, now_ms)
        if change is None:
            with suppress(LogError):  # it is forgotten another time
                self._journal.append([Forgotten(transaction.transactional_id)])
                self.apply(Forgotten(transaction.transactional_id))
                self._journal.when_durable(self._shorten)
            return
        logger.warning(
            "transaction %s is aborted: its producer %d has not ended it within %d ms",
            *(transaction.transactional_id, transaction.producer.id, transaction.timeout_ms),
        )
        self._settle(
            Verdict(ErrorCode.NONE, change),
            lambda prepared: self._finish(prepared, lambda is_done: None),
            lambda error: None,
        )


def _tell_safe(tell: Told, error: LogError | None) -> None:
    """What was asked for is safe, or will not be known to be."""
    tell(ErrorCode.NONE if error is None else ErrorCode.COORDINATOR_NOT_AVAILABLE)
