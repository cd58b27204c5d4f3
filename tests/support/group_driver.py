"""A consumer group by itself, without a broker: asked by hand, and told the time when it wants to know it."""

from dataclasses import dataclass, field, replace

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
    Request,
    Sync,
    Synced,
)
from tivo.wire.error_codes import ErrorCode

SECOND = 1_000_000
SESSION = 10 * SECOND
REBALANCE = 60 * SECOND
RANGE = (("range", b"topics"),)


@dataclass
class Driver:
    """Asks a group and keeps what it answers, by ticket."""

    group: Group
    now_us: int = 0
    answers: dict[int, Answer] = field(default_factory=dict)
    records: list[GroupRecord] = field(default_factory=list)
    deadline_us: int | None = None
    tickets: int = 0

    def ask(self, request: Request) -> int:
        self._take(self.group.receive(request, self.now_us))
        return request.ticket

    def ticket(self) -> int:
        self.tickets += 1
        return self.tickets

    def join(self, member_id: str = "", *, new_id: str = "", **changes: object) -> int:
        join = Join(
            ticket=self.ticket(),
            member_id=member_id,
            new_member_id=new_id or f"new-{self.tickets}",
            instance_id=None,
            client_id="client",
            client_host="host",
            session_timeout_us=SESSION,
            rebalance_timeout_us=REBALANCE,
            protocol_type="consumer",
            protocols=RANGE,
            id_required=False,
            skips_assignment=False,
        )
        return self.ask(replace(join, **changes))

    def sync(self, member_id: str, generation: int, parts: dict[str, bytes] | None = None, **changes: object) -> int:
        sync = Sync(
            ticket=self.ticket(),
            member_id=member_id,
            instance_id=None,
            generation=generation,
            protocol_type=None,
            protocol=None,
            assignments=tuple((parts or {}).items()),
        )
        return self.ask(replace(sync, **changes))

    def beat(self, member_id: str, generation: int, instance_id: str | None = None) -> ErrorCode:
        beat = Heartbeat(ticket=self.ticket(), member_id=member_id, instance_id=instance_id, generation=generation)
        answer = self.answers[self.ask(beat)]
        assert isinstance(answer, Beaten)
        return answer.error

    def leave(self, *leavers: tuple[str, str | None]) -> tuple[ErrorCode, ...]:
        answer = self.answers[self.ask(Leave(ticket=self.ticket(), leavers=leavers))]
        assert isinstance(answer, Left)
        return answer.errors

    def wait(self, span_us: int) -> None:
        """Let time pass, ticking whenever the group wants it."""
        end_us = self.now_us + span_us
        while self.deadline_us is not None and self.deadline_us <= end_us:
            self.now_us = max(self.now_us, self.deadline_us)
            self._take(self.group.tick(self.now_us))
        self.now_us = end_us

    def joined(self, ticket: int) -> Joined:
        answer = self.answers[ticket]
        assert isinstance(answer, Joined)
        return answer

    def synced(self, ticket: int) -> Synced:
        answer = self.answers[ticket]
        assert isinstance(answer, Synced)
        return answer

    def _take(self, outcome: Outcome) -> None:
        for ticket, answer in outcome.replies:
            assert ticket not in self.answers, "a second answer"
            self.answers[ticket] = answer
        self.records.extend(outcome.records)
        self.deadline_us = outcome.deadline_us


def new(**settings: int) -> Driver:
    return Driver(Group("group", **settings))


def stable(*member_ids: str, **changes: object) -> Driver:
    """A stable group of these members, the first one leading, in generation 1."""
    driver = new(initial_delay_us=SECOND)
    for member_id in member_ids:
        driver.join(new_id=member_id, **changes)
    driver.wait(SECOND)
    for member_id in reversed(member_ids):
        instance_id = changes.get("instance_id")
        assert instance_id is None or isinstance(instance_id, str)
        driver.sync(member_id, 1, {each: each.encode() for each in member_ids}, instance_id=instance_id)
    assert driver.group.state is State.STABLE
    return driver
