"""The members of a consumer group, and what they have in common."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from tivo.broker.membership import Join, MemberRecord, Protocols
from tivo.model.timeline import SECOND_US
from tivo.wire.error_codes import ErrorCode

SHORTEST_REBALANCE_US = SECOND_US
"""So long members are waited for at least, whatever they allow."""

MEMBER_BYTES = 2_000
"""Memory that a member takes beside what it brings along."""

PROTOCOL_BYTES = 150
"""Memory that a protocol takes beside its name and metadata."""


@dataclass(slots=True, kw_only=True)
class Member:
    """A member as a group holds it. A parked request waits for the group, so the member counts as alive."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_us: int
    rebalance_timeout_us: int
    protocols: Protocols
    expires_us: int
    assignment: bytes = b""
    parked_join: int | None = None
    parked_sync: int | None = None
    has_synced: bool = False

    @classmethod
    def of_join(cls, join: Join, member_id: str, now_us: int) -> "Member":
        return cls(
            member_id=member_id,
            instance_id=join.instance_id,
            client_id=join.client_id,
            client_host=join.client_host,
            session_timeout_us=join.session_timeout_us,
            rebalance_timeout_us=join.rebalance_timeout_us,
            protocols=join.protocols,
            expires_us=now_us + join.session_timeout_us,
        )

    @classmethod
    def of_record(cls, record: MemberRecord, protocol: str, now_us: int) -> "Member":
        """A member read back after a restart: it gets a whole session to show itself."""
        return cls(
            member_id=record.member_id,
            instance_id=record.instance_id,
            client_id=record.client_id,
            client_host=record.client_host,
            session_timeout_us=record.session_timeout_us,
            rebalance_timeout_us=record.rebalance_timeout_us,
            protocols=((protocol, record.metadata),),
            expires_us=now_us + record.session_timeout_us,
            has_synced=True,
        )

    def record(self, protocol: str) -> MemberRecord:
        return MemberRecord(
            member_id=self.member_id,
            instance_id=self.instance_id,
            client_id=self.client_id,
            client_host=self.client_host,
            rebalance_timeout_us=self.rebalance_timeout_us,
            session_timeout_us=self.session_timeout_us,
            metadata=self.metadata(protocol),
            assignment=self.assignment,
        )

    def metadata(self, protocol: str) -> bytes:
        return dict(self.protocols)[protocol]

    @property
    def held_bytes(self) -> int:
        """What it makes the group hold: what it brought along, and its part of the partitions."""
        return brought_by(self) + len(self.assignment)

    @property
    def is_parked(self) -> bool:
        return self.parked_join is not None or self.parked_sync is not None

    def is_expired(self, now_us: int) -> bool:
        return not self.is_parked and now_us >= self.expires_us

    def seen(self, now_us: int) -> None:
        self.expires_us = now_us + self.session_timeout_us


class Members(dict[str, Member]):
    """Members by id, in the order in which they came."""

    def instance(self, instance_id: str | None) -> Member | None:
        """The static member of that instance id (KIP-345)."""
        if instance_id is None:
            return None
        return next((member for member in self.values() if member.instance_id == instance_id), None)

    def identify(self, member_id: str, instance_id: str | None) -> ErrorCode:
        """Whether a request speaks for a member: NONE, UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID for a former self."""
        member = self.get(member_id) if instance_id is None else self.instance(instance_id)
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return ErrorCode.NONE if member.member_id == member_id else ErrorCode.FENCED_INSTANCE_ID

    def replace(self, former: Member, member: Member) -> None:
        """Put a static member in the place of its former self."""
        everybody = [member if each is former else each for each in self.values()]
        self.clear()
        self.update((each.member_id, each) for each in everybody)

    def besides(self, join: Join) -> list[Member]:
        """Those that the joining consumer is not."""
        own = self.instance(join.instance_id)
        return [member for member in self.values() if member.member_id != join.member_id and member is not own]

    def vote(self) -> str:
        """The protocol that most members prefer among those that all of them follow."""
        shared = shared_protocols(self.values())
        votes = Counter(next(name for name, _ in member.protocols if name in shared) for member in self.values())
        return max(votes, key=lambda name: votes[name])

    @property
    def have_all_joined(self) -> bool:
        return all(member.parked_join is not None for member in self.values())

    @property
    def longest_rebalance_us(self) -> int:
        """What the members allow a rebalance; a group whose members allow none would be told the time for ever."""
        return max([SHORTEST_REBALANCE_US, *(member.rebalance_timeout_us for member in self.values())])


def brought_by(consumer: Join | Member) -> int:
    """Bytes that a consumer makes its group hold: itself, its names, and its protocols."""
    return MEMBER_BYTES + len(consumer.client_id) + len(consumer.instance_id or "") + size_of(consumer.protocols)


def size_of(protocols: Protocols) -> int:
    """Bytes of names and metadata, and what it takes to hold them: a client may name a million that bring nothing."""
    return sum(PROTOCOL_BYTES + len(name) + len(metadata) for name, metadata in protocols)


def shared_protocols(members: Collection[Member]) -> set[str]:
    """Protocols that all of some members (at least one) follow."""
    return set.intersection(*({name for name, _ in member.protocols} for member in members))
