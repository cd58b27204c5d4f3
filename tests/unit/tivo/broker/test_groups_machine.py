"""Any order of joins, syncs, heartbeats, departures, delays and restarts keeps what a group promises."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from tivo.broker.groups import Group, State
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
    Request,
    Sync,
    Synced,
)
from tivo.wire.error_codes import ErrorCode

SECOND = 1_000_000
PARTITIONS = 6
PROTOCOLS = st.sampled_from(
    [(("range", b"x"),), (("range", b"y"), ("sticky", b"z")), (("sticky", b"z"), ("range", b"y"))]
)
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

    @rule(client=clients, protocols=PROTOCOLS, id_required=st.booleans(), skips=st.booleans())
    def join(self, client: Client, protocols: tuple[tuple[str, bytes], ...], id_required: bool, skips: bool) -> None:
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
                rebalance_timeout_us=60 * SECOND,
                protocol_type="consumer",
                protocols=protocols,
                id_required=id_required,
                skips_assignment=skips,
            ),
        )

    @rule(client=clients)
    def sync(self, client: Client) -> None:
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
                generation=client.generation,
                protocol_type=None,
                protocol=None,
                assignments=tuple(parts.items()),
            ),
        )

    @rule(client=clients)
    def beat(self, client: Client) -> None:
        self.tickets += 1
        beat = Heartbeat(
            ticket=self.tickets,
            member_id=client.member_id,
            instance_id=client.instance_id,
            generation=client.generation,
        )
        self.ask(client, beat)

    @rule(client=consumes(clients))
    def leave(self, client: Client) -> None:
        self.tickets += 1
        self.ask(client, Leave(ticket=self.tickets, leavers=((client.member_id, client.instance_id),)))

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
            case Beaten() | Left() | Joined() | Synced():
                pass

    def own(self, generation: int, member_id: str, part: bytes) -> None:
        """No partition has two owners among the members of one generation as it is kept."""
        (member,) = [m for m in self.records[-1].members if m.member_id == member_id]
        assert (generation, part) == (self.records[-1].generation, member.assignment), "told something that is not kept"

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


Groups.TestCase.settings = settings(max_examples=75, stateful_step_count=40, deadline=None)
TestGroups = Groups.TestCase
