"""What the world reports to a session. All but `Woke`, the outbox's and the catalogue's answer a read by its id.

An answer to a read that the session does not wait for any more is stale and changes nothing, so a
player may answer late, twice or after a cancel without harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from tivo.model.event import Event, Frontier, Lost


class TopicRef(NamedTuple):
    """A topic as it stands in the log: its name, its id (a topic made anew has another) and its partitions."""

    name: str
    topic_id: bytes
    partitions: tuple[int, ...]


Catalogue: TypeAlias = Mapping[str, TopicRef]
"""Every topic that viewers may see, by name; internal ones are left out."""


class Source(StrEnum):
    """The neighbour that failed."""

    STORE = "store"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class TopicsChanged:
    """A topic was made, deleted or made anew, or got partitions. The whole catalogue as it is now."""

    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class BoundsRead:
    """Answers ReadBounds: per partition the log end (exclusive), taken after the read was asked for."""

    read: int
    ends: Frontier


@dataclass(frozen=True, slots=True)
class FrontierRead:
    """Answers ReadFrontier: the store's frontier, taken after the read was asked for, and what it lost below it.

    Only what lies in the window, or may have lain there, is lost to it.
    """

    read: int
    frontier: Frontier
    lost: Sequence[Lost] = ()


@dataclass(frozen=True, slots=True)
class PageRead:
    """Answers ReadPage. `last`: there are no more behind these; a page may be short, even empty, and not the last."""

    read: int
    events: list[Event]
    last: bool


class TailSlice(NamedTuple):
    """What a partition of the log holds from a place on.

    `base` is where the slice begins: the offset asked for, or the log start where none was given.
    `next` is the offset behind it; natural holes (compaction, transaction markers) count as read,
    so an empty slice may have moved. Where the log was trimmed beyond the offset asked for, the
    slice is empty with next = base = that offset, and `log_start` tells. Where the broker refuses
    the offset because its log ends before it, `truncated` is set and `log_end` is that end; a
    `log_end` that is merely old and below the offset is not that. `lost` are offsets inside of the
    slice that cannot be given: what stands there is broken.
    """

    partition: int
    base: int
    next: int
    log_start: int
    log_end: int
    events: tuple[Event, ...] | list[Event] = ()
    truncated: bool = False
    lost: Sequence[Lost] = ()


@dataclass(frozen=True, slots=True)
class TailRead:
    """Answers ReadTail: a slice for each place asked for that has anything to tell; a place left out has not moved.

    `behind`: some of it had to be read from the log, because the live ring does not reach back so far.
    """

    read: int
    slices: list[TailSlice]
    behind: bool = False


class Scanned(NamedTuple):
    """How far a topic was looked through: its store below `stored`, its log from there to `read`, but not what is
    `left`, per partition the log end noted first; in this order it is asked for."""

    stored: Frontier
    read: Frontier
    left: Frontier


@dataclass(frozen=True, slots=True)
class NearRead:
    """Answers ReadNear, nearest first. `last`: there are no more beyond these.

    `frontier` is per partition the offset below which everything was looked at. `scanned`: these are a part of the log,
    which is in no order of time; what is stored next to the place is still to be read.
    """

    read: int
    events: Sequence[Event]
    last: bool
    frontier: Frontier
    scanned: Scanned | None = None


@dataclass(frozen=True, slots=True)
class ImageRead:
    """Answers ReadImage. `after` is where the next part begins, None behind the last one.

    An event without a value is that of a key whose last record deleted it.
    """

    read: int
    events: Sequence[Event]
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers Ask with what goes into the ack, JSON-ready."""

    read: int
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """A read failed. The session asks again by itself, later and with another id."""

    read: int
    source: Source
    message: str


@dataclass(frozen=True, slots=True)
class Woke:
    """The time last asked for by WakeAt has come. Waking early or without need is harmless."""


@dataclass(frozen=True, slots=True)
class OutboxFull:
    """The outbox holds more than its high mark: send no events until it has drained."""


@dataclass(frozen=True, slots=True)
class OutboxDrained:
    """The outbox fell below its low mark."""


ReadAnswer: TypeAlias = BoundsRead | FrontierRead | PageRead | TailRead | ReadFailed
"""What answers a read of the store or the log."""

Fact: TypeAlias = TopicsChanged | ReadAnswer | NearRead | ImageRead | Answered | Woke | OutboxFull | OutboxDrained
