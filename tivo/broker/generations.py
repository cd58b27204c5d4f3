"""The generations of a consumer group, one after the other: who is in it, who leads, and when the next one begins.

Pure, as all of the group (see `groups`). What survives a restart (generation, members, assignments) changes only in
`apply`, which reads a record alike whether it was just made or comes from the log.
"""

from enum import Enum

from tivo.broker.members import Member, Members
from tivo.broker.membership import Answer, GroupRecord, Joined, Outcome, Synced
from tivo.wire.error_codes import ErrorCode


class State(Enum):
    """Where a group stands, in the names that Kafka's tools show."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


class Generations:
    """What a group is by time alone, whatever consumers ask of it; `initial_delay_us` is as `Group` has it."""

    def __init__(self, group_id: str, *, initial_delay_us: int) -> None:
        self.group_id = group_id
        self.state = State.EMPTY
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members = Members()
        self._initial_delay_us = initial_delay_us
        self._gather_until_us = 0  # PREPARING: no generation begins before, even if all have joined
        self._close_us = 0  # PREPARING: who has not joined by then is out; COMPLETING, STABLE: likewise for Sync
        self._replies: list[tuple[int, Answer]] = []
        self._records: list[GroupRecord] = []

    def tick(self, now_us: int) -> Outcome:
        """Time has passed: sessions end, rebalances close."""
        late = self.state in (State.COMPLETING, State.STABLE) and now_us >= self._close_us
        gone = [m for m in self.members.values() if m.is_expired(now_us) or (late and not m.has_synced)]
        for member in gone:
            self._remove(member)
        if gone:
            self._rebalance(now_us)
        elif self.state is State.PREPARING:
            self._try_begin(now_us)
        return self._outcome()

    def apply(self, record: GroupRecord, now_us: int) -> None:
        """Take over a generation: who is in it and who owns what. The only way that either changes."""
        self.generation = record.generation
        self.protocol_type = record.protocol_type or None
        self.protocol = record.protocol
        self.leader = record.leader
        kept = Members()
        for each in record.members:
            member = self.members.get(each.member_id) or Member.of_record(each, record.protocol or "", now_us)
            member.assignment = each.assignment
            kept[each.member_id] = member
        self.members = kept
        self.state = State.STABLE if kept else State.EMPTY

    @property
    def deadline_us(self) -> int | None:
        """Steady time at which `tick` has something to do; None while there is nothing to wait for."""
        times = [member.expires_us for member in self.members.values() if not member.is_parked]
        if self.state is State.PREPARING:
            waits = self._gather_until_us if self.members.have_all_joined else self._close_us
            times.append(max(waits, self._gather_until_us))
        elif any(not member.has_synced for member in self.members.values()):
            times.append(self._close_us)
        return min(times, default=None)

    # ------------------------------------------------------------- rebalance

    def _rebalance(self, now_us: int) -> None:
        """Collect members for the next generation, unless that is going on already."""
        if self.state is not State.PREPARING:
            for member in self.members.values():
                if member.parked_sync is not None:
                    member.seen(now_us)  # its session stood still while it waited
                    self._free_sync(member, Synced(error=ErrorCode.REBALANCE_IN_PROGRESS))
            was_empty = self.state is State.EMPTY
            self._gather_until_us = now_us + self._initial_delay_us if was_empty else now_us
            self._close_us = now_us + self.members.longest_rebalance_us
            self.state = State.PREPARING
        self._try_begin(now_us)

    def _try_begin(self, now_us: int) -> None:
        over = now_us >= self._close_us or self.members.have_all_joined
        if not over or (self.members and now_us < self._gather_until_us):
            return
        for member in list(self.members.values()):
            if member.parked_join is None and member.instance_id is None:
                self._remove(member)
        if self.members and not any(member.parked_join is not None for member in self.members.values()):
            self._close_us = now_us + self.members.longest_rebalance_us  # static members only: their sessions decide
            return
        self._begin(now_us)

    def _begin(self, now_us: int) -> None:
        self.generation += 1
        if not self.members:
            self.protocol = None
            self.leader = None
            self._keep()
            return
        self.protocol = self.members.vote()
        joined = [member.member_id for member in self.members.values() if member.parked_join is not None]
        if self.leader not in joined:
            self.leader = joined[0]
        self.state = State.COMPLETING
        self._close_us = now_us + self.members.longest_rebalance_us
        for member in self.members.values():
            member.has_synced = False
            if member.parked_join is not None:
                ticket, member.parked_join = member.parked_join, None
                member.seen(now_us)
                self._reply(ticket, self._joined(member))

    def _joined(self, member: Member, *, leader: str | None = None, skip_assignment: bool = False) -> Joined:
        leader = leader or self.leader or ""
        protocol = self.protocol or ""
        everybody = leader == member.member_id
        return Joined(
            member_id=member.member_id,
            generation=self.generation,
            protocol_type=self.protocol_type,
            protocol=protocol,
            leader=leader,
            members=tuple((m.member_id, m.instance_id, m.metadata(protocol)) for m in self.members.values())
            if everybody
            else (),
            skip_assignment=skip_assignment,
        )

    def _deal(self, assignments: dict[str, bytes]) -> None:
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
        self._keep()

    def _give_parts(self, now_us: int) -> None:
        for member in self.members.values():
            if member.parked_sync is not None:
                member.seen(now_us)
                part = Synced(protocol_type=self.protocol_type, protocol=self.protocol, assignment=member.assignment)
                self._free_sync(member, part)

    # ------------------------------------------------------------- members

    def _remove(self, member: Member) -> None:
        self._set_free(member, ErrorCode.UNKNOWN_MEMBER_ID)
        del self.members[member.member_id]

    def _set_free(self, member: Member, error: ErrorCode) -> None:
        """Answer what the member has parked: it will not get what it waits for."""
        self._free_sync(member, Synced(error=error))
        if member.parked_join is not None:
            ticket, member.parked_join = member.parked_join, None
            self._reply(ticket, Joined(error=error, member_id=member.member_id))

    def _free_sync(self, member: Member, answer: Synced) -> None:
        if member.parked_sync is not None:
            ticket, member.parked_sync = member.parked_sync, None
            self._reply(ticket, answer)

    # ------------------------------------------------------------- outcome

    def _keep(self) -> None:
        """Append the generation as it is now, and be what the record says."""
        record = GroupRecord(
            group_id=self.group_id,
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader,
            members=tuple(member.record(self.protocol or "") for member in self.members.values()),
        )
        self._records.append(record)
        self.apply(record, now_us=0)  # every member stands already: none is read back, no session begins

    def _reply(self, ticket: int, answer: Answer) -> None:
        self._replies.append((ticket, answer))

    def _outcome(self) -> Outcome:
        outcome = Outcome(replies=tuple(self._replies), records=tuple(self._records), deadline_us=self.deadline_us)
        self._replies.clear()
        self._records.clear()
        return outcome
