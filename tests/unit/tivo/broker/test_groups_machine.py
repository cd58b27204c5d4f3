"""Any order of joins, syncs, heartbeats, departures, delays and restarts keeps what a group promises."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from tivo.broker.generations import State
from tivo.broker.groups import Group
from tivo.broker.membership import (
    Answer,
    Beaten,
    GroupRecord,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Outcome,
    Protocols,
    Request,
    Sync,
    Synced,
)
from tivo.wire.error_codes import ErrorCode

SECOND = 1_000_000
PARTITIONS = 6
BOTH = (("range", b"y"), ("sticky", b"z"))
PROTOCOLS = st.sampled_from([(("range", b"x"),), BOTH, BOTH[::-1]])
REBALANCES = st.sampled_from([0, SECOND // 2, 60 * SECOND])
SPANS = st.sampled_from([1, SECOND // 2, 3 * SECOND, 11 * SECOND, 70 * SECOND])


@dataclass
class Client:
    """A consumer as it sees itself."""

    name: str
    instance_id: str | None
    member_id: str = ""
    generation: int = -1
    leader: bool = False
    members: tuple[str, ...] = ()
    awaits: int | None = None  # the ticket of its request under way


class Groups(RuleBasedStateMachine):
    """Clients of one group. A client has one request under way at a time, as on its connection."""

    clients: Bundle[Client] = Bundle("clients")

    def __init__(self) -> None:
        super().__init__()
        self.now_us = 0
        self.everybody: list[Client] = []
        self.pending: dict[int, tuple[Client, Request]] = {}
        self.tickets = 0
        self.records: list[GroupRecord] = []
        self.owners: dict[int, dict[int, str]] = {}  # generation → partition → who was told that it owns it

    @initialize(delay_us=st.sampled_from([0, SECOND]))
    def begin(self, delay_us: int) -> None:
        self.delay_us = delay_us
        self.group = self.new_group()

    def new_group(self) -> Group:
        return Group("group", initial_delay_us=self.delay_us, max_members=8)

    # -------------------------------------------------------------- the world

    @rule(target=clients, is_static=st.booleans())
    def come(self, is_static: bool) -> Client:
        name = f"c{len(self.everybody)}"
        client = Client(name, f"static-{len(self.everybody) % 2}" if is_static else None)
        self.everybody.append(client)
        return client

    @rule(client=clients, protocols=PROTOCOLS, rebalance_us=REBALANCES, id_required=st.booleans(), skips=st.booleans())
    def join(self, client: Client, protocols: Protocols, rebalance_us: int, id_required: bool, skips: bool) -> None:
        self.join_as(client, protocols, rebalance_us, id_required=id_required, skips=skips)

    def join_as(
        self,
        client: Client,
        protocols: Protocols,
        rebalance_us: int = 60 * SECOND,
        *,
        id_required: bool,
        skips: bool,
    ) -> None:
        self.tickets += 1
        self.ask(
            client,
            Join(
                ticket=self.tickets,
                member_id=client.member_id,
                new_member_id=f"{client.name}-{self.tickets}",
                instance_id=client.instance_id,
                client_id=client.name,
                client_host="host",
                session_timeout_us=10 * SECOND,
                rebalance_timeout_us=rebalance_us,
                protocol_type="consumer",
                protocols=protocols,
                id_required=id_required,
                skips_assignment=skips,
            ),
        )

    @rule(client=clients, behind=st.sampled_from([0, 0, 0, 1]))
    def sync(self, client: Client, behind: int) -> None:
        self.sync_as(client, behind)

    def sync_as(self, client: Client, behind: int) -> None:
        self.tickets += 1
        parts: dict[str, bytes] = {}
        if client.leader and client.members:
            share = PARTITIONS // len(client.members) or 1
            deal = range(PARTITIONS)
            parts = {each: bytes(deal[at * share : (at + 1) * share]) for at, each in enumerate(client.members)}
        self.ask(
            client,
            Sync(
                ticket=self.tickets,
                member_id=client.member_id,
                instance_id=client.instance_id,
                generation=client.generation - behind,
                protocol_type=None,
                protocol=None,
                assignments=tuple(parts.items()),
            ),
        )

    @rule(client=clients, behind=st.sampled_from([0, 0, 0, 1]))
    def beat(self, client: Client, behind: int) -> None:
        self.tickets += 1
        beat = Heartbeat(
            ticket=self.tickets,
            member_id=client.member_id,
            instance_id=client.instance_id,
            generation=client.generation - behind,
        )
        self.ask(client, beat)

    @rule(client=consumes(clients))
    def leave(self, client: Client) -> None:
        self.tickets += 1
        self.ask(client, Leave(ticket=self.tickets, leavers=((client.member_id, client.instance_id),)))

    @rule(client=clients)
    def join_over_another_connection(self, client: Client) -> None:
        client.awaits = None
        self.join_as(client, BOTH, id_required=True, skips=False)

    @rule(client=clients)
    def lose_connection(self, client: Client) -> None:
        """The answer will reach nobody; the client goes on with another request."""
        client.awaits = None

    @rule(target=clients, client=consumes(clients))
    def restart_client(self, client: Client) -> Client:
        """A static client comes back without its member id; a dynamic one as somebody new."""
        fresh = Client(client.name + "r", client.instance_id)
        self.everybody.append(fresh)
        return fresh

    @rule(span_us=SPANS)
    def time_passes(self, span_us: int) -> None:
        self.wait(span_us)

    def wait(self, span_us: int) -> None:
        end_us = self.now_us + span_us
        while (deadline_us := self.group.deadline_us) is not None and deadline_us <= end_us:
            self.now_us = max(self.now_us, deadline_us)
            before = self.group.deadline_us
            self.take(self.group.tick(self.now_us))
            assert self.group.deadline_us != before or self.group.deadline_us > self.now_us, (
                "it asks to be told in vain"
            )
        self.now_us = end_us

    @rule()
    def everybody_settles(self) -> None:
        """All who can join do, in their order, and then sync: so that chains of whole generations come about too."""
        for client in self.everybody:
            for _ in range(2):  # once more where an id was required
                if client.awaits is None:
                    self.join_as(client, BOTH, id_required=True, skips=False)
        self.wait(SECOND)
        for client in self.everybody:
            self.sync_as(client, 0)

    @rule()
    def restart_broker(self) -> None:
        """All requests under way are lost; the group is what its last record says."""
        self.pending.clear()
        for client in self.everybody:
            client.awaits = None
        self.group = self.new_group()
        if self.records:
            self.group.apply(self.records[-1], self.now_us)

    # -------------------------------------------------------------- what is promised

    def ask(self, client: Client, request: Request) -> None:
        if client.awaits is not None:
            return
        client.awaits = request.ticket
        self.pending[request.ticket] = (client, request)
        self.take(self.group.receive(request, self.now_us))

    def take(self, outcome: Outcome) -> None:
        for record in outcome.records:
            self.keep(record)
        for ticket, answer in outcome.replies:
            assert ticket in self.pending, "an answer to nothing, or a second one"
            client, request = self.pending.pop(ticket)
            if client.awaits == ticket:
                client.awaits = None
                self.tell(client, request, answer)

    def keep(self, record: GroupRecord) -> None:
        self.records.append(record)
        owned = [partition for member in record.members for partition in member.assignment]
        assert len(owned) == len(set(owned)), "two owners in one generation"
        assert (
            not record.members
            or record.leader in {member.member_id for member in record.members}
            or any(member.instance_id for member in record.members)
        )

    def tell(self, client: Client, request: Request, answer: Answer) -> None:
        match answer:
            case Joined(error=ErrorCode.NONE):
                client.member_id, client.generation = answer.member_id, answer.generation
                client.leader = answer.leader == answer.member_id and not answer.skip_assignment
                client.members = tuple(member_id for member_id, _, _ in answer.members)
                assert not client.leader or client.member_id in client.members
            case Joined(error=ErrorCode.MEMBER_ID_REQUIRED):
                client.member_id = answer.member_id
            case Joined(error=ErrorCode.UNKNOWN_MEMBER_ID):
                client.member_id = ""
            case Synced(error=ErrorCode.NONE):
                assert isinstance(request, Sync)
                self.own(request.generation, request.member_id, answer.assignment)
            case Beaten(error=ErrorCode.NONE):
                assert isinstance(request, Heartbeat)
                assert request.generation == self.group.generation
            case Beaten() | Left() | Joined() | Synced():
                pass

    def own(self, generation: int, member_id: str, part: bytes) -> None:
        """What is told is what is kept, and nobody else was ever told the same in this generation."""
        (member,) = [m for m in self.records[-1].members if m.member_id == member_id]
        assert (generation, part) == (self.records[-1].generation, member.assignment), "told something that is not kept"
        owners = self.owners.setdefault(generation, {})
        for partition in part:
            assert owners.setdefault(partition, member.instance_id or member_id) == (member.instance_id or member_id)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Every request under way is parked in the group, and the group will be told the time."""
        if not hasattr(self, "group"):
            return
        parked = {m.parked_join for m in self.group.members.values()} | {
            m.parked_sync for m in self.group.members.values()
        }
        assert set(self.pending) == parked - {None}
        assert not self.pending or self.group.deadline_us is not None

    @invariant()
    def states_fit(self) -> None:
        if not hasattr(self, "group"):
            return
        assert (self.group.state is State.EMPTY) <= (not self.group.members)
        assert len(self.group.members) <= 8
        if self.group.state is State.STABLE:
            assert list(self.group.members) == [member.member_id for member in self.records[-1].members]


Groups.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestGroups = Groups.TestCase
