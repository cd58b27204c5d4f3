"""How far a topic has been sent and read: the values that reading starts from, and is counted in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from tivo.model.event import Cursor, Event, Frontier
from tivo.playback.merge import FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What of a topic has been sent: all below `base`, and all below `frontier` whose key is ≤ `cursor`."""

    base: Frontier = field(default_factory=dict)
    frontier: Frontier = field(default_factory=dict)
    cursor: Cursor = FIRST

    def holds(self, event: Event) -> bool:
        """Whether the event is among them."""
        if event.offset < self.base.get(event.partition, 0):
            return True
        return event.offset < self.frontier.get(event.partition, 0) and event.cursor <= self.cursor

    def covers(self, told: "Progress | None") -> bool:
        """Whether it says the same as one told before, but for the cursor."""
        return told is not None and (told.base, told.frontier) == (self.base, self.frontier)


class Bounds(NamedTuple):
    """How much one session reads ahead, over all its topics."""

    events: int = 2_000
    bytes: int = 4 << 20


class Plan(NamedTuple):
    """How a topic is read: how much ahead, which events (None: all), and up to which log ends, where they are known."""

    room: Bounds
    passes: Callable[[Event], bool] | None = None
    goal: Frontier | None = None


class Start(Enum):
    """Where the reading of a topic begins."""

    HISTORY = "history"  # in the store, open towards the live edge
    PAST = "past"  # in the store, and complete only when the log ends noted first have been read
    EDGE = "edge"  # at the log ends noted first


@dataclass(slots=True)
class Reach:
    """How far a partition of the log has been read: up to `next`, of `end` that are known.

    Reading began at `start`; None is the log start, wherever that is. `buffered` events of it are
    not sent yet. `stalled`: the last read did not move, so the next one waits.
    """

    start: int | None
    next: int | None
    end: int = -1
    buffered: int = 0
    stalled: bool = False

    @property
    def exhausted(self) -> bool:
        """Nothing is known to be unread. Before the first answer nothing is known at all."""
        return self.next is not None and self.next >= self.end >= 0

    def forget(self) -> None:
        """Where the log ends is not known any more."""
        self.end = -1
        self.stalled = False


def highest(one: Frontier, other: Frontier) -> dict[int, int]:
    """Per partition the higher of two offsets."""
    return {partition: max(one.get(partition, 0), other.get(partition, 0)) for partition in one.keys() | other.keys()}
