"""What the image of an epoch owes: told out of the token of its reset and what store and log hold at that moment."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tests.conformance.playback.world import World
from tivo.model.event import Event, Frontier
from tivo.playback.cursor import Standing, from_token
from tivo.playback.merge import FIRST
from tivo.playback.notices import Reset
from tivo.playback.progress import highest

Before = Callable[[Event], bool]
Key = tuple[bytes, bytes | None]
"""(topic id, key)"""


@dataclass(frozen=True)
class Owed:
    """Whether an event lies before an epoch's place, by topic id; and the last one of every key that was held then."""

    before: Mapping[bytes, Before]
    held: Mapping[Key, Event]


def owed(world: World, reset: Reset) -> Owed:
    """What the image behind a reset has to be."""
    standing = from_token(reset.cursor)
    before: dict[bytes, Before] = {}
    held: dict[Key, Event] = {}
    for name, kept in standing.topics.items():
        lies = before[kept.topic_id] = before_place(standing, name)
        if kept.base and standing.behind(None) > FIRST:
            before[kept.topic_id] = _below(highest(kept.base, kept.frontier))
        everything = world.held(world.ever[kept.topic_id].ref)
        held |= {(kept.topic_id, key): event for key, event in last_of(filter(lies, everything)).items()}
    return Owed(before, held)


def last_of(events: Iterable[Event]) -> dict[bytes | None, Event]:
    """The last event of every key."""
    return {event.key: event for event in sorted(events)}


def _below(ends: Frontier) -> Before:
    return lambda event: event.offset < ends.get(event.partition, 0)


def before_place(standing: Standing, name: str) -> Before:
    kept, from_us = standing.topics[name], standing.from_us
    progress = standing.progress(name, None, {})
    if kept.edge:
        return lambda event: True
    if kept.base or kept.frontier:
        return progress.holds
    return lambda event: from_us is not None and event.time_us < from_us
