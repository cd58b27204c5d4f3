"""What a viewer is told: the notices of the protocol as values. `encoding.encode` makes their JSON.

The names of fields are those of the protocol. Times are integer microseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from tivo.model.event import Event


class Status(StrEnum):
    PAUSED = "paused"
    PLAYING = "playing"
    TAILING = "tailing"
    BUFFERING = "buffering"
    ENDED = "ended"


Cause: TypeAlias = Literal["client", "end", "loop", "catch_up", "slow", "error"]
ResetWhy: TypeAlias = Literal["play", "seek", "loop", "window", "subscribe", "topics"]
GapReason: TypeAlias = Literal["retention", "expired", "deleted", "quarantine", "slow", "truncated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Anything that a viewer is told; `type` is its type in the protocol."""

    type: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Notice):
    """The first notice on a socket."""

    type = "hello"
    protocol: str
    server: str
    sid: str
    now_us: int
    limits: Mapping[str, Any]
    topics: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class State(Notice):
    """Where the session stands, with every control as it was resolved."""

    type = "state"
    status: Status
    cause: Cause
    start_us: int | None
    end_us: int | None
    pos_us: int | None
    speed: Fraction | None
    iteration: int
    epoch: int
    cursor: str
    controls: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked(Notice):
    """A command was done."""

    type = "ack"
    id: str | None
    action: str
    state: State
    result: Mapping[str, Any] | None = None
    ignored: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Notice):
    """A command was refused and nothing changed, or (without action) something went wrong by itself."""

    type = "error"
    id: str | None = None
    action: str | None = None
    code: str
    message: str
    field: str | None = None
    fatal: bool = False
    retry_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Notice):
    """Clear what is shown: a new epoch begins. It brings a cursor, so that no cursor of an old epoch outlives it."""

    type = "reset"
    epoch: int
    pos_us: int | None
    why: ResetWhy
    cursor: str


class Shown(NamedTuple):
    """An event in a frame: its topic's id, the wall time it was due, and whether it is out of its order."""

    event: Event
    topic_id: bytes
    due_us: int
    mark: Literal["", "late", "early"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events(Notice):
    """A frame. `n` grows by one per frame; `due_us` and `late_us` are those of its first event."""

    type = "events"
    epoch: int
    n: int
    due_us: int
    late_us: int
    iteration: int
    live: bool
    thinned: int
    cursor: str | None
    events: Sequence[Shown]

    def with_cursor(self, cursor: str) -> "Events":
        """The same frame, carrying a cursor."""
        return replace(self, cursor=cursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Notice):
    """How the position moves. `speed` is the effective one, None while unlimited."""

    type = "clock"
    pos_us: int | None
    wall_us: int
    speed: Fraction | None
    slip_ms: int
    lag_ms: int | None
    fraction: float | None
    eta_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looped(Notice):
    """A turn of the loop begins."""

    type = "loop"
    iteration: int
    of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Notice):
    """A silence was cut."""

    type = "skip"
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp(Notice):
    """Nothing is unsent: from here on events come as they arrive."""

    type = "caught_up"
    time_us: int
    offsets: Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FellBehind(Notice):
    """The live edge has moved on; events come from the log or the store until `caught_up`."""

    type = "fell_behind"
    time_us: int
    offsets: Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Notice):
    """Records that were due and do not come: from_offset ≤ offset < to_offset."""

    type = "gap"
    topic: str
    partition: int
    from_offset: int
    to_offset: int
    reason: GapReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Notice):
    """The window has been played."""

    type = "end"
    iteration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bye(Notice):
    """The socket closes next."""

    type = "bye"
    code: int
    reason: str


LASTING = (Hello, Acked, Failed, Gap, Bye)
"""What is told to a viewer even where the epoch that it was told in is over; the rest is stale then."""
