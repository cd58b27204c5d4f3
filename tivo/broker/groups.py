"""A consumer group as a state machine: join, sync, heartbeat, leave, and the passing of time (KIP-62, 345, 394, 814).

Pure: told a request or that time has passed, it says what to answer, what to append to the log
and when to be told again. Metadata and assignments stay opaque, so eager and cooperative
assignors are the same to it. What consumers ask stands here, and in `generations` what comes of it.
"""

from tivo.broker.generations import Generations, State
from tivo.broker.members import Member, brought_by, shared_protocols
from tivo.broker.membership import (
    Beaten,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Outcome,
    Request,
    Sync,
    Synced,
)
from tivo.wire.error_codes import ErrorCode

MAX_METADATA_BYTES = 8 << 20
"""What all members of a group may bring along, and be assigned: it is held in memory, and told in one answer."""

ID_BYTES = 500
"""Memory that an id takes which was handed out."""


class Group(Generations):
    """One consumer group.

    `initial_delay_us` is how long the first members of an empty group wait for others before the
    first generation begins; `max_members` and `max_bytes` bound what one group may hold.
    """

    def __init__(self, group_id: str, *, initial_delay_us: int = 0, max_members: int = 1000) -> None:
        super().__init__(group_id, initial_delay_us=initial_delay_us)
        self._expected: dict[str, int] = {}  # ids handed out (KIP-394) and not used yet → when they lapse
        self._max_members = max_members
        self.max_bytes = MAX_METADATA_BYTES

    # ------------------------------------------------------------- what it is told

    def receive(self, request: Request, now_us: int) -> Outcome:
        """A request arrived. Its own reply, or those that it sets free, stand in the outcome."""
        match request:
            case Join():
                self._join(request, now_us)
            case Sync():
                self._sync(request, now_us)
            case Heartbeat():
                self._reply(request.ticket, Beaten(error=self._beat(request, now_us)))
            case _:
                self._leave(request, now_us)
        return self._outcome()

    def tick(self, now_us: int) -> Outcome:
        """Time has passed: sessions end, rebalances close, ids that nobody used lapse."""
        self._expected = {member_id: lapse for member_id, lapse in self._expected.items() if lapse > now_us}
        return super().tick(now_us)

    def check_commit(self, member_id: str, instance_id: str | None, generation: int, now_us: int) -> ErrorCode:
        """Whether these offsets may be committed; a member's commit counts as a sign of life.

        A consumer without a group (generation below 0) may commit while nobody is in it.
        """
        if generation < 0 and not self.members:
            return ErrorCode.NONE
        error = self._identify(member_id, instance_id, generation)
        if error is ErrorCode.NONE:
            self.members[member_id].seen(now_us)
            if self.state is State.COMPLETING:
                return ErrorCode.REBALANCE_IN_PROGRESS
        return error

    @property
    def is_idle(self) -> bool:
        """Nobody is in it or about to come."""
        return not self.members and not self._expected

    @property
    def held_bytes(self) -> int:
        """Memory that it takes; nothing where nobody is in it or about to come."""
        return 0 if self.is_idle else self._with_ids(sum(member.held_bytes for member in self.members.values()))

    @property
    def deadline_us(self) -> int | None:
        """Steady time at which `tick` has something to do; None while there is nothing to wait for."""
        deadline_us = super().deadline_us
        return min([*self._expected.values(), *(() if deadline_us is None else (deadline_us,))], default=None)

    # ------------------------------------------------------------- join

    def _join(self, join: Join, now_us: int) -> None:
        owner = self.members.instance(join.instance_id)
        error = self._wrong_with(join)
        if error is not ErrorCode.NONE:
            self._refuse(join, error)
        elif join.member_id in self._expected:
            del self._expected[join.member_id]
            self._admit(join, join.member_id, now_us)
        elif join.member_id:
            self._join_again(join, now_us)
        elif owner is not None:
            self._replace(owner, join, now_us)
        elif len(self.members) + len(self._expected) >= self._max_members:
            self._refuse(join, ErrorCode.GROUP_MAX_SIZE_REACHED)
        elif join.id_required and join.instance_id is None:
            self._expected[join.new_member_id] = now_us + join.session_timeout_us
            self._reply(join.ticket, Joined(error=ErrorCode.MEMBER_ID_REQUIRED, member_id=join.new_member_id))
        else:
            self._admit(join, join.new_member_id, now_us)

    def _join_again(self, join: Join, now_us: int) -> None:
        error = self.members.identify(join.member_id, join.instance_id)
        if error is not ErrorCode.NONE:
            self._refuse(join, error)
            return
        member = self.members[join.member_id]
        unchanged = (member.protocols, self.protocol_type) == (join.protocols, join.protocol_type)
        if unchanged and self._is_answerable(member):
            member.seen(now_us)
            self._reply(join.ticket, self._joined(member))
            return
        self._park_join(member, join)
        self._rebalance(now_us)

    def _is_answerable(self, member: Member) -> bool:
        """Whether an unchanged member gets the present generation again: it missed the reply, or asks needlessly.

        In a stable group that holds for followers only: a leader joins again to have partitions dealt anew.
        """
        return self.state is State.COMPLETING or (self.state is State.STABLE and member.member_id != self.leader)

    def _admit(self, join: Join, member_id: str, now_us: int) -> None:
        member = self.members[member_id] = Member.of_join(join, member_id, now_us)
        self._park_join(member, join)
        self._rebalance(now_us)

    def _replace(self, owner: Member, join: Join, now_us: int) -> None:
        """A static member is back under a new id (KIP-345); its former self is fenced.

        In a stable group it takes up its old part at once, as long as that does not change how partitions are dealt.
        """
        self._set_free(owner, ErrorCode.FENCED_INSTANCE_ID)
        old_leader = self.leader
        member = Member.of_join(join, join.new_member_id, now_us)
        member.assignment, member.has_synced = owner.assignment, owner.has_synced
        self.members.replace(owner, member)
        self.protocol_type = join.protocol_type
        if self.leader == owner.member_id:
            self.leader = member.member_id
        if self.state is not State.STABLE or self.protocol != self.members.vote():
            self._park_join(member, join)
            self._rebalance(now_us)
            return
        self._keep()
        is_leader = self.leader == member.member_id
        if is_leader and not join.skips_assignment:
            # An old client that is told it leads would deal partitions anew; naming its former id keeps it a follower.
            self._reply(join.ticket, self._joined(member, leader=old_leader))
        else:
            self._reply(join.ticket, self._joined(member, skip_assignment=is_leader))

    def _park_join(self, member: Member, join: Join) -> None:
        self._set_free(member, ErrorCode.REBALANCE_IN_PROGRESS)
        self.protocol_type = join.protocol_type
        member.protocols = join.protocols
        member.session_timeout_us = join.session_timeout_us
        member.rebalance_timeout_us = join.rebalance_timeout_us
        member.parked_join = join.ticket

    def _refuse(self, join: Join, error: ErrorCode) -> None:
        self._reply(join.ticket, Joined(error=error, member_id=join.member_id))

    def _wrong_with(self, join: Join) -> ErrorCode:
        others = self.members.besides(join)
        if not self._shares_protocol(join, others):
            return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        if self._with_ids(brought_by(join) + sum(member.held_bytes for member in others)) > self.max_bytes:
            return ErrorCode.GROUP_MAX_SIZE_REACHED
        return ErrorCode.NONE

    def _with_ids(self, member_bytes: int) -> int:
        """Memory of members, with that of the group's own id and of those that it has handed out."""
        return member_bytes + len(self.group_id) + ID_BYTES * len(self._expected)

    def _shares_protocol(self, join: Join, others: list[Member]) -> bool:
        if not join.protocol_type or not join.protocols:
            return False
        if not others:
            return True
        return join.protocol_type == self.protocol_type and not shared_protocols(others).isdisjoint(
            name for name, _ in join.protocols
        )

    # ------------------------------------------------------------- sync, heartbeat, leave

    def _sync(self, sync: Sync, now_us: int) -> None:
        error = self._identify(sync.member_id, sync.instance_id, sync.generation)
        if error is ErrorCode.NONE and not self._speaks(sync):
            error = ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        if error is ErrorCode.NONE and self.state is State.PREPARING:
            error = ErrorCode.REBALANCE_IN_PROGRESS
        if error is ErrorCode.NONE and self._deals(sync) and self._is_too_much(dict(sync.assignments)):
            error = ErrorCode.GROUP_MAX_SIZE_REACHED
        if error is not ErrorCode.NONE:
            self._reply(sync.ticket, Synced(error=error))
            return
        member = self.members[sync.member_id]
        member.seen(now_us)
        member.has_synced = True
        self._free_sync(member, Synced(error=ErrorCode.REBALANCE_IN_PROGRESS))
        member.parked_sync = sync.ticket
        if self._deals(sync):
            self._deal(dict(sync.assignments))
        if self.state is State.STABLE:
            self._give_parts(now_us)

    def _deals(self, sync: Sync) -> bool:
        return self.state is State.COMPLETING and sync.member_id == self.leader

    def _is_too_much(self, assignments: dict[str, bytes]) -> bool:
        members = self.members.values()
        dealt = sum(len(assignments.get(member.member_id, b"")) for member in members)
        return self._with_ids(dealt + sum(map(brought_by, members))) > self.max_bytes

    def _speaks(self, sync: Sync) -> bool:
        """Whether the protocol that a member names (from version 5 on) is the chosen one."""
        return sync.protocol_type in (None, self.protocol_type) and sync.protocol in (None, self.protocol)

    def _beat(self, beat: Heartbeat, now_us: int) -> ErrorCode:
        error = self._identify(beat.member_id, beat.instance_id, beat.generation)
        if error is ErrorCode.NONE:
            self.members[beat.member_id].seen(now_us)
            if self.state is State.PREPARING:
                return ErrorCode.REBALANCE_IN_PROGRESS
        return error

    def _leave(self, leave: Leave, now_us: int) -> None:
        errors = tuple(self._let_go(member_id, instance_id) for member_id, instance_id in leave.leavers)
        if ErrorCode.NONE in errors and self.state is not State.EMPTY:
            self._rebalance(now_us)
        self._reply(leave.ticket, Left(errors=errors))

    def _let_go(self, member_id: str, instance_id: str | None) -> ErrorCode:
        if self._expected.pop(member_id, None) is not None:
            return ErrorCode.NONE
        owner = self.members.instance(instance_id)
        if not member_id and owner is not None:  # an operator removes a static member by its instance id alone
            member_id = owner.member_id
        error = self.members.identify(member_id, instance_id)
        if error is ErrorCode.NONE:
            self._remove(self.members[member_id])
        return error

    def _identify(self, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        error = self.members.identify(member_id, instance_id)
        if error is ErrorCode.NONE and generation != self.generation:
            return ErrorCode.ILLEGAL_GENERATION
        return error
