"""A consumer group's member on a `BrokerBench`: joins, syncs and lives through the broker's own messages."""

from dataclasses import dataclass
from typing import Any

from tests.support.broker import BrokerBench, Sent
from tivo.wire.messages.heartbeat import HeartbeatRequest
from tivo.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from tivo.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from tivo.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment


@dataclass(slots=True)
class GroupMember:
    """One member. `version` is that of JoinGroup."""

    bench: BrokerBench
    group_id: str = "g"
    member_id: str = ""
    instance_id: str | None = None
    generation: int = -1
    session_ms: int = 10_000
    rebalance_ms: int = 60_000
    metadata: bytes = b"topics"
    protocol_type: str = "consumer"
    protocols: tuple[str, ...] = ("range",)
    client_id: str = "test"

    def join(self, version: int = 9) -> Sent:
        return self.bench.send(
            JoinGroupRequest(
                group_id=self.group_id,
                session_timeout_ms=self.session_ms,
                rebalance_timeout_ms=self.rebalance_ms,
                member_id=self.member_id,
                group_instance_id=self.instance_id,
                protocol_type=self.protocol_type,
                protocols=[JoinGroupRequestProtocol(name=name, metadata=self.metadata) for name in self.protocols],
            ),
            version,
            client_id=self.client_id,
        )

    def take(self, joined: Any) -> None:
        """Be who the response says."""
        self.member_id, self.generation = joined.member_id, joined.generation_id

    def sync(self, parts: dict[str, bytes] | None = None, version: int = 5) -> Sent:
        return self.bench.send(
            SyncGroupRequest(
                group_id=self.group_id,
                generation_id=self.generation,
                member_id=self.member_id,
                group_instance_id=self.instance_id,
                assignments=[
                    SyncGroupRequestAssignment(member_id=member_id, assignment=part)
                    for member_id, part in (parts or {}).items()
                ],
            ),
            version,
        )

    def settle(self) -> None:
        """Become the only member of a stable group, in generation 1 if the group is new."""
        joining = self.join()
        if self.instance_id is None:  # it has to come back with its id
            self.take(joining.response)
            joining = self.join()
        self.bench.runtime.forward(1_000_000)
        self.take(joining.response)
        synced = self.sync({self.member_id: b"everything"})
        self.bench.runtime.work()
        assert synced.response.error_code == 0, synced.response

    def beat(self, version: int = 4) -> int:
        return int(
            self.bench.ask(
                HeartbeatRequest(
                    group_id=self.group_id,
                    generation_id=self.generation,
                    member_id=self.member_id,
                    group_instance_id=self.instance_id,
                ),
                version,
            ).error_code
        )

    def leave(self) -> int:
        identity = MemberIdentity(member_id=self.member_id, group_instance_id=self.instance_id)
        return int(self.bench.ask(LeaveGroupRequest(group_id=self.group_id, members=[identity])).members[0].error_code)
