"""The shell of the consumer groups: keeps them, tells them the time, lets no reply out before its record is safe."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from itertools import count

from tivo.broker.groups import MAX_METADATA_BYTES, Group
from tivo.broker.holdings import Holdings
from tivo.broker.journal import Journal
from tivo.broker.journal_format import Entry, GroupRemoved, Read
from tivo.broker.leader import Durable
from tivo.broker.membership import (
    Answer,
    Beaten,
    GroupRecord,
    Join,
    Joined,
    Leave,
    Left,
    Outcome,
    Request,
    Sync,
    Synced,
)
from tivo.broker.offsets import Ended, OffsetRecord, Offsets, Pending
from tivo.broker.replies import Deferred
from tivo.broker.runtime import Alarm, Runtime
from tivo.broker.transactions import Producer
from tivo.metrics import BROKER_REBALANCES
from tivo.model.errors import LogError
from tivo.wire.control import Marker
from tivo.wire.error_codes import ErrorCode
from tivo.wire.schema import Message


class Coordinator:
    """Coordinates all groups of this broker. `initial_delay_us` and `max_members` go to each group."""

    def __init__(
        self, journal: Journal[Entry, Read], runtime: Runtime, *, initial_delay_us: int, max_members: int
    ) -> None:
        self.offsets = Offsets()
        self._journal = journal
        self._runtime = runtime
        self._initial_delay_us = initial_delay_us
        self._max_members = max_members
        self._groups: dict[str, Group] = {}
        self._holdings = Holdings()
        self._records: dict[str, GroupRecord] = {}  # what the journal holds of each group
        self._unsafe_changes = 0  # in the journal, and not in `offsets` before they are safe
        self._tickets = count()
        self._asked: dict[int, Callable[[Answer], None]] = {}
        self._due_us: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._alarm: Alarm | None = None

    def load(self, topic_id_of: Callable[[str], bytes | None]) -> int:
        """Read the journal back; gives the number of entries. Raises LogError where one is damaged.

        Offsets of topics that have gone since are dropped: a kill may have come between a topic's end and theirs.
        """
        entries = 0
        for entry in self._journal.read():
            self._apply(entry)
            entries += 1
        self.offsets.drop_gone(topic_id_of)
        now_us = self._runtime.now().steady_us
        for record in self._records.values():
            group = self._new_group(record.group_id)
            group.apply(record, now_us)
            self._groups[record.group_id] = group
            self._holdings.weigh(record.group_id, group.held_bytes)
            self._schedule(record.group_id, group.deadline_us)
        self._shorten_if_long()
        return entries

    # ------------------------------------------------------------- membership

    def ticket(self) -> int:
        """A new ticket for a request."""
        return next(self._tickets)

    def ask(self, group_id: str, request: Request, respond: Callable[[Answer], Message], user: str = "") -> Deferred:
        """Tell a group a request; its answer, once there is one and it is safe, becomes the reply.

        `user` is whose consumer joins.
        """
        deferred = Deferred()
        self._asked[request.ticket] = lambda answer: deferred.give(respond(answer))
        group = self._groups.get(group_id) or self._new_group(group_id)
        self._groups[group_id] = group
        if isinstance(request, Join):
            self._holdings.came(group_id, user)
        room_bytes = self._holdings.room_bytes(group_id, dealing=isinstance(request, Sync))
        group.max_bytes = min(MAX_METADATA_BYTES, room_bytes)
        self._perform(group, group.receive(request, self._runtime.now().steady_us))
        if isinstance(request, Join | Leave):
            self._holdings.weigh(group_id, group.held_bytes)
        return deferred

    def check_commit(self, group_id: str, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        """Whether a member, or a consumer without a group, may commit offsets now."""
        group = self._groups.get(group_id) or self._new_group(group_id)
        return group.check_commit(member_id, instance_id, generation, self._runtime.now().steady_us)

    def _perform(self, group: Group, outcome: Outcome) -> None:
        error: LogError | None = None
        if outcome.records:
            BROKER_REBALANCES.inc(len(outcome.records))
            error = self._keep(outcome.records)
            self._records.update((record.group_id, record) for record in outcome.records)
            self._holdings.weigh(group.group_id, group.held_bytes)
        self._schedule(group.group_id, outcome.deadline_us)
        if group.is_idle and group.generation == 0:
            del self._groups[group.group_id]  # nobody ever was in it
        release = partial(self._release, outcome.replies)
        if error is not None:
            release(error)
            return
        if outcome.replies:
            self._journal.when_durable(release)
        if outcome.records:
            self._journal.when_kept(self._shorten_if_long)

    def _release(self, replies: Iterable[tuple[int, Answer]], error: LogError | None) -> None:
        for ticket, answer in replies:
            self._asked.pop(ticket)(answer if error is None else _not_available(answer))

    def _new_group(self, group_id: str) -> Group:
        return Group(group_id, initial_delay_us=self._initial_delay_us, max_members=self._max_members)

    # ------------------------------------------------------------- offsets

    def commit(self, records: list[OffsetRecord], tell: Durable) -> None:
        """Keep committed offsets. They can be read from the moment on at which they are safe."""
        error = self._keep(records) if records else None
        if error is not None:
            tell(error)
        else:
            self._apply_once_kept(records, tell)

    def commit_pending(self, producer: Producer, records: list[OffsetRecord], tell: Durable) -> None:
        """Keep offsets that count once the producer's transaction is committed."""
        try:
            self._journal.append(records, producer=producer)
        except LogError as error:
            tell(error)
            return
        for record in records:
            self.offsets.apply(Pending(producer, record))
        self._journal.when_durable(tell)

    def end_transaction(self, producer: Producer, marker: Marker, tell: Durable) -> None:
        """The producer's transaction is over: its offsets count from when that is safe, or are dropped."""
        try:
            self._journal.end_transaction(producer, marker)
        except LogError as error:
            tell(error)
        else:
            self._apply_once_kept([Ended(producer.id, marker)], tell)

    def _apply_once_kept(self, changes: Sequence[OffsetRecord | Ended], tell: Durable) -> None:
        """Changes that stand in the journal count once they are safe: also where that comes after a full disk, which
        was told as an error, for a restart would read them too."""

        def kept() -> None:
            self._unsafe_changes -= 1
            for change in changes:
                self.offsets.apply(change)
            self._shorten_if_long()

        self._unsafe_changes += 1
        self._journal.when_kept(kept)
        self._journal.when_durable(tell)

    def forget_topic(self, topic: str) -> None:
        """A topic is gone: whoever reads its successor must not begin where the old one was left."""
        removals = self.offsets.removals_of_topic(topic)
        if removals:
            self.commit(removals, lambda error: None)

    # ------------------------------------------------------------- groups as operators see them

    def group(self, group_id: str) -> Group | None:
        return self._groups.get(group_id)

    @property
    def held_bytes(self) -> int:
        """Memory that all groups together take."""
        return self._holdings.total_bytes

    def group_ids(self) -> list[str]:
        """Groups that have, or had, members or have committed offsets."""
        return list(dict.fromkeys([*self._groups, *self.offsets.groups()]))

    def why_not_delete(self, group_id: str) -> ErrorCode:
        """NONE where a group, or its offsets, may be deleted: it is there and nobody is in it."""
        group = self._groups.get(group_id)
        if group is not None and not group.is_idle:
            return ErrorCode.NON_EMPTY_GROUP
        is_known = group is not None or bool(self.offsets.of_group(group_id))
        return ErrorCode.NONE if is_known else ErrorCode.GROUP_ID_NOT_FOUND

    def delete(self, group_id: str, tell: Callable[[ErrorCode | LogError | None], None]) -> None:
        """Delete a group with its offsets; tells why not, or None when that is safe."""
        code = self.why_not_delete(group_id)
        if code is not ErrorCode.NONE:
            tell(code)
            return
        error = self._keep([GroupRemoved(group_id)])
        if error is not None:
            tell(error)
            return
        self._groups.pop(group_id, None)
        self._records.pop(group_id, None)
        self.commit(self.offsets.removals(group_id), tell)

    # ------------------------------------------------------------- journal

    def _apply(self, entry: Read) -> None:
        match entry:
            case GroupRecord():
                self._records[entry.group_id] = entry
            case GroupRemoved():
                self._records.pop(entry.group_id, None)
            case _:
                self.offsets.apply(entry)

    def _keep(self, entries: Iterable[Entry]) -> LogError | None:
        try:
            self._journal.append(entries)
        except LogError as error:
            return error
        return None

    def _shorten_if_long(self) -> None:
        """Not while a change waits until it is safe: it would be dropped, and is not among what is live."""
        if self._unsafe_changes == 0 and self._journal.is_long:
            self._forget_unused()
            with suppress(LogError):  # the partition is read-only from then on and says so itself
                self._journal.shorten([*self._records.values(), *self.offsets], self.offsets.pending())

    def _forget_unused(self) -> None:
        """Forget groups that nobody is in and that have committed nothing: no more is lost than the number of their
        generation, and without it names that are used once would be kept for ever.
        """
        used = self.offsets.users()
        for group_id in [each for each in self._records if each not in used]:
            if self._groups[group_id].is_idle:
                del self._groups[group_id], self._records[group_id]

    # ------------------------------------------------------------- time

    def close(self) -> None:
        """Tell groups the time no more."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _schedule(self, group_id: str, deadline_us: int | None) -> None:
        """See that the group is told the time by then. One that has moved later meanwhile is told in vain."""
        if deadline_us is None or deadline_us >= self._due_us.get(group_id, deadline_us + 1):
            return
        self._due_us[group_id] = deadline_us
        heappush(self._heap, (deadline_us, group_id))
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._runtime.call_at(self._heap[0][0], self._ring) if self._heap else None

    def _ring(self) -> None:
        """Tell the time to all groups that are due now. One that is due again at once waits for the next ring."""
        now_us = self._runtime.now().steady_us
        due = []
        while self._heap and self._heap[0][0] <= now_us:
            due.append(heappop(self._heap))
        for due_us, group_id in due:
            if self._due_us.get(group_id) == due_us:
                del self._due_us[group_id]
                if (group := self._groups.get(group_id)) is not None:
                    self._perform(group, group.tick(now_us))
                    self._holdings.weigh(group_id, group.held_bytes)
        self._set_alarm()


def _not_available(answer: Answer) -> Answer:
    """The answer where the journal cannot keep what it would say: the client looks for a coordinator again."""
    error = ErrorCode.COORDINATOR_NOT_AVAILABLE
    match answer:
        case Joined():
            return Joined(error=error, member_id=answer.member_id)
        case Synced():
            return Synced(error=error)
        case Beaten():
            return Beaten(error=error)
        case _:
            return Left(errors=tuple(error for _ in answer.errors))
