"""What a consumer group is asked, what it answers, and what it keeps in the log: plain values.

Times are steady µs, spans µs. A ticket names one request: the group answers each ticket once.
Metadata and assignments are bytes that only the clients of a group understand.
"""

from dataclasses import dataclass

from tivo.wire.error_codes import ErrorCode

Protocols = tuple[tuple[str, bytes], ...]
"""Assignment protocols that a member can follow, the preferred one first, each with the member's metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A consumer asks to be a member of the next generation.

    `new_member_id` is the id that it gets if it has none. `id_required`: it must come back with
    that id before it counts (KIP-394). `skips_assignment`: it understands that a leader may be
    told to assign nothing (KIP-814).
    """

    ticket: int
    member_id: str
    new_member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_us: int
    rebalance_timeout_us: int
    protocol_type: str
    protocols: Protocols
    id_required: bool
    skips_assignment: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """A member asks for its part; the leader brings everybody's."""

    ticket: int
    member_id: str
    instance_id: str | None
    generation: int
    protocol_type: str | None
    protocol: str | None
    assignments: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A member says that it lives."""

    ticket: int
    member_id: str
    instance_id: str | None
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Members go: (member id, instance id) each."""

    ticket: int
    leavers: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Answer to Join. `members` (id, instance id, metadata) is empty for all but the leader."""

    error: ErrorCode = ErrorCode.NONE
    member_id: str
    generation: int = -1
    protocol_type: str | None = None
    protocol: str | None = None
    leader: str = ""
    members: tuple[tuple[str, str | None, bytes], ...] = ()
    skip_assignment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """Answer to Sync."""

    error: ErrorCode = ErrorCode.NONE
    protocol_type: str | None = None
    protocol: str | None = None
    assignment: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beaten:
    """Answer to Heartbeat. REBALANCE_IN_PROGRESS tells the member to join again."""

    error: ErrorCode = ErrorCode.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Answer to Leave: one error per leaver, in their order."""

    errors: tuple[ErrorCode, ...]


Request = Join | Sync | Heartbeat | Leave
Answer = Joined | Synced | Beaten | Left


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """A member as the log keeps it."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_us: int
    session_timeout_us: int
    metadata: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    """A generation as the log keeps it: who is in it and who owns what."""

    group_id: str
    protocol_type: str
    generation: int
    protocol: str | None
    leader: str | None
    members: tuple[MemberRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a group wants done.

    Records are to be appended in order; replies may go out only when the records are on stable
    storage. `deadline_us` is the steady time of the next `tick`, None while nothing is awaited.
    """

    replies: tuple[tuple[int, Answer], ...] = ()
    records: tuple[GroupRecord, ...] = ()
    deadline_us: int | None = None
