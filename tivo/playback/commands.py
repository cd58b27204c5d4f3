"""What a viewer asks: the commands of the protocol, decoded and checked, their times not resolved yet.

`protocol.decode` makes them from JSON; `Session.receive` takes them. A time that counts from now or
from the position is kept as it was said and resolved when the session receives it, which alone
knows both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar, NamedTuple, TypeAlias

from tivo.model.event import Cursor


class At(NamedTuple):
    """An absolute time."""

    time_us: int


class FromNow(NamedTuple):
    """A time counted from the wall clock; `now` is an offset of 0."""

    offset_us: int


class FromPosition(NamedTuple):
    """A time counted from the position."""

    offset_us: int


class Place(StrEnum):
    """The times that have a name: the two ends of what there is, or no bound at all."""

    BEGINNING = "beginning"
    END = "end"
    UNBOUNDED = "unbounded"


Time: TypeAlias = At | FromNow | FromPosition | Place


class Batches(NamedTuple):
    """So many batches on from the position, or back where negative: a batch is all events of one instant."""

    number: int


Position: TypeAlias = Time | Batches
"""Where to be. Only a position is counted in batches, a bound of the window is a time."""


class StepBy(StrEnum):
    """What a step counts."""

    EVENT = "event"
    BATCH = "batch"


class Speed(NamedTuple):
    """Event seconds per steady second, exact: 7.3 is 73/10."""

    factor: Fraction


class Fit(NamedTuple):
    """The whole window in this many steady microseconds."""

    duration_us: int


class Rate(NamedTuple):
    """Events per second, evenly spaced, event times ignored."""

    per_second: Fraction


class Unlimited(NamedTuple):
    """As fast as the viewer takes it."""


Pacing: TypeAlias = Speed | Fit | Rate | Unlimited


class Loop(NamedTuple):
    """How many turns a window is played; None is for ever, 1 is no loop. `gap_us` of steady time lie between two."""

    turns: int | None = 1
    gap_us: int = 0


class EndAction(StrEnum):
    """What happens when the window has been played."""

    PAUSE = "pause"
    TAIL = "tail"
    CLOSE = "close"


class OnSlow(StrEnum):
    """What happens when the viewer takes frames slower than they are due."""

    STRETCH = "stretch"
    DROP = "drop"
    CLOSE = "close"


class Frames(StrEnum):
    """A frame per instant, or one per 16 ms."""

    EXACT = "exact"
    COALESCE = "coalesce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The controls that a command names; None is a control that it does not name.

    0 switches `max_gap_us`, `min_gap_us`, `max_rate`, `catch_up` and `clock_hz` off; an empty `keys`
    lets every key pass, an empty `where` every event.
    """

    start: Time | None = None
    end: Time | None = None
    pos: Position | None = None
    pacing: Pacing | None = None
    max_gap_us: int | None = None
    min_gap_us: int | None = None
    max_rate: Fraction | None = None
    loop: Loop | None = None
    end_action: EndAction | None = None
    image: bool | None = None
    keys: tuple[str, ...] | None = None
    where: str | None = None
    catch_up: Fraction | None = None
    on_slow: OnSlow | None = None
    frames: Frames | None = None
    clock_hz: Fraction | None = None

    @property
    def window(self) -> bool:
        """Whether it names a bound of the window."""
        return self.start is not None or self.end is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`id` is echoed in the answer; `ignored` are the fields that nobody knows, told in the ack."""

    action: ClassVar[str]
    id: str | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Play(Command):
    """Apply the controls as one step, then run. Bare: go on, or start again at the end."""

    action = "play"
    change: Change = field(default_factory=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Command):
    """Hold the position."""

    action = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Command):
    """End the playback and free what it holds; the socket stays."""

    action = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek(Command):
    """Move the position. A playing session keeps playing, a tailing one goes to playing."""

    action = "seek"
    to: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Command):
    """While paused: exactly `n` more units. Backwards, where `n` is negative, it is a seek to the unit before."""

    action = "step"
    n: int
    by: StepBy = StepBy.EVENT


@dataclass(frozen=True, slots=True, kw_only=True)
class SetControls(Command):
    """Change controls without changing the state."""

    action = "set"
    change: Change = field(default_factory=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail(Command):
    """Go to the live edge, or follow it at a fixed distance."""

    action = "tail"
    delay_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Command):
    """Add topics, by name or glob, at the present position."""

    action = "subscribe"
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Command):
    """Take away topics or globs that were subscribed to, as they were written then."""

    action = "unsubscribe"
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskState(Command):
    """Tell the state."""

    action = "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOverview(Command):
    """Count events per bucket and topic; without bounds, over the session's window."""

    action = "overview"
    start: Time | None = None
    end: Time | None = None
    buckets: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTopics(Command):
    """List the topics with first and last time."""

    action = "topics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Command):
    """Go on right behind the last event received, on any gateway.

    `cursor` is the last token seen, `after` the last event in order since then, `offsets` the next
    offset per topic and partition in live.
    """

    action = "resume"
    cursor: str
    after: Cursor | None = None
    offsets: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    change: Change = field(default_factory=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Command):
    """The viewer has taken every frame up to `n`. Not answered."""

    action = "ack"
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Command):
    """A command that could not be decoded, to be answered in its turn with an error."""

    action = "refused"
    named: str | None
    code: str
    field: str | None
    message: str
