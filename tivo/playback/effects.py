"""What a session wants done, in order. The player does it and answers each read with its fact.

Reads carry ids that only grow. Each is answered once, by its fact or by ReadFailed, unless it was
cancelled. They are independent: a player runs them side by side and answers as they come.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tivo.model.event import Cursor, Frontier
from tivo.model.timeline import Window
from tivo.playback.facts import Scanned, TopicRef
from tivo.playback.notices import Events, Notice


@dataclass(frozen=True, slots=True)
class ReadBounds:
    """Ask the log where the partitions of a topic end now. → BoundsRead"""

    read: int
    topic: TopicRef


@dataclass(frozen=True, slots=True)
class ReadFrontier:
    """Ask the store for the frontier of a topic now, and for what it will never hold of a window. → FrontierRead

    Of this only what lies at or beyond `above`: the rest has been told.
    """

    read: int
    topic: TopicRef
    window: Window
    above: Frontier


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """Read events from the store: `Store.read` with these bounds. → PageRead

    At most `limit` events, and no more behind the one that takes them past `max_bytes`.
    """

    read: int
    topic: TopicRef
    window: Window
    above: Frontier
    upto: Frontier
    after: Cursor | None
    until: Cursor | None
    limit: int
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNear:
    """Read the events of a window next to a place, nearest first: those before it, or behind it. → NearRead

    First, in so many reads as it takes, of what the log holds beyond the store, `scanned` being what the read before
    told (None: the first); then of the store, `limit` at most. The place itself is left out. No more events behind the
    one that takes them past `max_bytes`.
    """

    read: int
    topic: TopicRef
    window: Window
    beside: Cursor
    reverse: bool
    limit: int
    max_bytes: int
    scanned: Scanned | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadImage:
    """Read the last event of every key whose order key is ≤ `until`, of the offsets below `upto`. → ImageRead

    Of the store and of what the log holds beyond it. A partition that `upto` does not name has none, but
    an empty one holds nothing back. In parts, in order of key: the one behind `after`, as the part before
    told it (None: the first).
    """

    read: int
    topic: TopicRef
    until: Cursor
    upto: Frontier
    after: bytes | None
    max_bytes: int


class TailPlace(NamedTuple):
    """Where to read a partition of the log: from `offset` (None: the log start), below `upto` (None: no bound).

    At most `limit` events.
    """

    partition: int
    offset: int | None
    upto: int | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTail:
    """Read a topic's log at these places, from the live ring where it reaches back, else from the log. → TailRead

    Where `wait`, the answer comes when some place has moved, was trimmed or truncated; otherwise it
    comes at once, with a slice for every place, empty ones too: that is how log ends become known.
    All slices together hold about `max_bytes`, each at least one event where there is one.
    """

    read: int
    topic: TopicRef
    places: tuple[TailPlace, ...]
    max_bytes: int
    wait: bool


class OverviewQuestion(NamedTuple):
    """Event counts of these topics over a window, in at most `buckets` slices."""

    topics: tuple[TopicRef, ...]
    window: Window
    buckets: int


class TopicsQuestion(NamedTuple):
    """These topics with their first and last time."""

    topics: tuple[TopicRef, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Find out what a viewer asked for. → Answered"""

    read: int
    question: OverviewQuestion | TopicsQuestion


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody waits for these reads any more: stop them where that is easy, answer none of them."""

    reads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenTail:
    """Keep the live ring of this topic filled from now on: the session is near the live edge."""

    topic: TopicRef


@dataclass(frozen=True, slots=True)
class CloseTail:
    """The session does not need the live ring of this topic any more."""

    topic: TopicRef


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Report Woke at this steady time, in place of the time asked for before; None: do not wake me."""

    steady_us: int | None


@dataclass(frozen=True, slots=True)
class Send:
    """Put a frame of events into the outbox."""

    frame: Events


@dataclass(frozen=True, slots=True)
class Tell:
    """Put a notice into the outbox, behind what is in it."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class Discard:
    """Drop what is still in the outbox and not `LASTING`: it belongs to epochs before this one.

    Frames alone would not do: a state or `caught_up` behind them says that they were sent, and a
    viewer that resumes by it would miss them.
    """

    before_epoch: int


@dataclass(frozen=True, slots=True)
class Close:
    """Send what is in the outbox as far as it goes within a second, then close the socket."""

    code: int
    reason: str


Effect: TypeAlias = (
    ReadBounds
    | ReadFrontier
    | ReadPage
    | ReadTail
    | ReadNear
    | ReadImage
    | Ask
    | Cancel
    | OpenTail
    | CloseTail
    | WakeAt
    | Send
    | Tell
    | Discard
    | Close
)
