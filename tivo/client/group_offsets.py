"""How far a consumer group has come, and where it should go on instead (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tivo.model.errors import RequestError, UnknownTopic
from tivo.model.timeline import from_rfc_3339, parse_offset


class Spot(NamedTuple):
    """A partition by its topic's name."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a group has come in a partition: `committed` is the next offset that it reads, None where it has none.

    The log reaches from `start` to before `end`, the high watermark; both are None for a topic that is gone.
    `behind_us` is how much older the next record is than the newest, None where that is not known; `member` who reads
    it now.
    """

    spot: Spot
    committed: int | None
    start: int | None
    end: int | None
    behind_us: int | None = None
    member: str | None = None

    @property
    def lag(self) -> int | None:
        """Records that it has not read yet; None where one of both ends is not known."""
        if self.committed is None or self.end is None:
            return None
        return max(self.end - self.committed, 0)


@dataclass(frozen=True, slots=True)
class Earliest:
    """The first record that the log still has."""


@dataclass(frozen=True, slots=True)
class Latest:
    """Behind the last record."""


@dataclass(frozen=True, slots=True)
class At:
    """An offset."""

    offset: int


@dataclass(frozen=True, slots=True)
class AtTime:
    """The first record at or after a time."""

    time_us: int


@dataclass(frozen=True, slots=True)
class By:
    """So many records on from where the group is; back where it is negative."""

    records: int


Target: TypeAlias = Earliest | Latest | At | AtTime | By


class Move(NamedTuple):
    """Where a group goes on in a partition, and where it would have."""

    spot: Spot
    before: int | None
    after: int


def target(to: str | None, by: int | None, *, now_us: int) -> Target:
    """What a person asks for: `to` is earliest, latest, an offset or a time. Raises RequestError."""
    if (to is None) == (by is None):
        raise RequestError("a reset goes either to a place or by a number of records: give one of both")
    if by is not None:
        return By(by)
    assert to is not None
    if to in ("earliest", "latest"):
        return Earliest() if to == "earliest" else Latest()
    if to.isascii() and to.isdigit():
        return At(int(to))
    offset_us = parse_offset(to)
    if offset_us is not None:
        return AtTime(now_us + offset_us)
    try:
        return AtTime(from_rfc_3339(to))
    except ValueError:
        raise RequestError(
            f"{to!r} is neither earliest, latest, an offset, nor a time such as 2016-01-15T14:32:24Z or -3d"
        ) from None


def chosen(wanted: Sequence[str], committed: Collection[Spot], partitions: Mapping[str, Collection[int]]) -> list[Spot]:
    """The partitions that a reset is for: those named (`topic` or `topic/partition`), else all that are committed.

    `partitions` are those of the topics that there are. Raises UnknownTopic, or RequestError where there are none.
    """
    there = {Spot(topic, number) for topic, numbers in partitions.items() for number in numbers}
    found = set() if wanted else there.intersection(committed)
    if not wanted and not found:
        raise RequestError("the group has committed nothing in any topic there is; name topics with --topic")
    for name in wanted:
        named = {spot for spot in there if name in (spot.topic, str(spot))}
        if not named:
            raise UnknownTopic(name)
        found |= named
    return sorted(found)


def moves(goal: Target, standings: Sequence[Standing], at_time: Mapping[Spot, int]) -> list[Move]:
    """Where each partition goes on, within what its log has. `at_time` are the offsets of the time, where there is one.

    Raises RequestError where records are to be counted from nowhere.
    """
    return [Move(each.spot, each.committed, _after(goal, each, at_time)) for each in standings]


def _after(goal: Target, standing: Standing, at_time: Mapping[Spot, int]) -> int:
    start, end = standing.start, standing.end
    assert start is not None and end is not None, f"{standing.spot} is there"
    match goal:
        case Earliest():
            wanted = start
        case Latest():
            wanted = end
        case At():
            wanted = goal.offset
        case AtTime():
            wanted = at_time.get(standing.spot, end)
        case _:
            if standing.committed is None:
                raise RequestError(f"{standing.spot}: the group has committed no offset to count from")
            wanted = standing.committed + goal.records
    return min(max(wanted, start), end)
