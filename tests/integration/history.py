"""What producers were told and what the store holds, compared value by value (pure)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tivo.model.event import Event

Place = tuple[int, int]
"""Partition and offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with a store; nothing, where every field is empty."""

    missing: list[Place] = field(default_factory=list)
    doubled: list[Place] = field(default_factory=list)
    wrong: list[Place] = field(default_factory=list)


def compare(acknowledged: Mapping[Place, bytes], stored: Iterable[Event]) -> Verdict:
    """Every acknowledged record must be stored once, with its value. What was never acknowledged may be stored too."""
    events = list(stored)
    times = Counter((event.partition, event.offset) for event in events)
    return Verdict(
        missing=sorted(place for place in acknowledged if place not in times),
        doubled=sorted(place for place, count in times.items() if count > 1),
        wrong=sorted(
            (event.partition, event.offset)
            for event in events
            if acknowledged.get((event.partition, event.offset), event.value) != event.value
        ),
    )
