"""What a viewer is told: the notices of the protocol as values. `encoding.encode` makes their JSON.

The names of fields are those of the protocol. Times are integer microseconds.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import msgspec

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


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that a viewer is told; `type` is its type in the protocol.

    Structs of msgspec: a frame is made for every event, in a quarter of the time of a frozen dataclass.
    """

    type: ClassVar[str]


class Hello(Notice, frozen=True, kw_only=True):
    """The first notice on a socket."""

    type = "hello"
    protocol: str
    server: str
    sid: str
    now_us: int
    limits: Mapping[str, Any]
    topics: Sequence[str]


class State(Notice, frozen=True, kw_only=True):
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


class Acked(Notice, frozen=True, kw_only=True):
    """A command was done."""

    type = "ack"
    id: str | None
    action: str
    state: State
    result: Mapping[str, Any] | None = None
    ignored: Sequence[str] = ()


class Failed(Notice, frozen=True, kw_only=True):
    """A command was refused and nothing changed, or (without action) something went wrong by itself."""

    type = "error"
    id: str | None = None
    action: str | None = None
    code: str
    message: str
    field: str | None = None
    fatal: bool = False
    retry_ms: int | None = None


class Reset(Notice, frozen=True, kw_only=True):
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


class Events(Notice, frozen=True, kw_only=True):
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
        return msgspec.structs.replace(self, cursor=cursor)


class Image(Notice, frozen=True, kw_only=True):
    """The state at the position: the last event of every key, in parts. A key that is in none has no value yet."""

    type = "image"
    epoch: int
    pos_us: int | None
    events: Sequence[Shown]
    part: int
    last: bool


class Clock(Notice, frozen=True, kw_only=True):
    """How the position moves. `speed` is the effective one, None while unlimited."""

    type = "clock"
    pos_us: int | None
    wall_us: int
    speed: Fraction | None
    slip_ms: int
    lag_ms: int | None
    fraction: float | None
    eta_ms: int | None


class Looped(Notice, frozen=True, kw_only=True):
    """A turn of the loop begins."""

    type = "loop"
    iteration: int
    of: int | None


class Skipped(Notice, frozen=True, kw_only=True):
    """A silence was cut."""

    type = "skip"
    from_us: int
    to_us: int


class CaughtUp(Notice, frozen=True, kw_only=True):
    """Nothing is unsent: from here on events come as they arrive."""

    type = "caught_up"
    time_us: int
    offsets: Mapping[str, Mapping[int, int]]


class FellBehind(Notice, frozen=True, kw_only=True):
    """The live edge has moved on; events come from the log or the store until `caught_up`."""

    type = "fell_behind"
    time_us: int
    offsets: Mapping[str, Mapping[int, int]]


class Gap(Notice, frozen=True, kw_only=True):
    """Records that were due and do not come: from_offset ≤ offset < to_offset."""

    type = "gap"
    topic: str
    partition: int
    from_offset: int
    to_offset: int
    reason: GapReason


class Ended(Notice, frozen=True, kw_only=True):
    """The window has been played."""

    type = "end"
    iteration: int


class Bye(Notice, frozen=True, kw_only=True):
    """The socket closes next."""

    type = "bye"
    code: int
    reason: str


LASTING = (Hello, Acked, Failed, Gap, Bye)
"""What is told to a viewer even where the epoch that it was told in is over; the rest is stale then."""
