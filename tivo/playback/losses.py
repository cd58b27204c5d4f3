"""What is told of losses: by a track once each, by store or log; and of what was dropped for a slow viewer."""

from collections.abc import Iterable, Iterator, Mapping

from tivo.model.event import Event, Frontier, Lost, lost_between
from tivo.playback.notices import Gap
from tivo.playback.progress import highest


class Losses:
    """Gives what is to be told now.

    The store tells of everything below a frontier at once. In live, the log's losses are told as they
    are read; what has been read and not sent there is read again, and its losses with it.
    """

    __slots__ = ("_in_live", "_store_told")

    def __init__(self) -> None:
        self._store_told: dict[int, int] = {}
        self._in_live: dict[int, list[Lost]] = {}

    def asked_above(self, base: Frontier) -> dict[int, int]:
        """Per partition the offset below which nothing is left to ask the store for; all below `base` was sent."""
        return highest(base, self._store_told)

    def from_store(self, lost: Iterable[Lost], *, base: Frontier, upto: Frontier) -> list[Lost]:
        """What the store will never hold of base[p] ≤ offset < upto[p]."""
        told = self.asked_above(base)
        found = [
            piece
            for each in lost
            for piece in self._untold(each, told.get(each.partition, 0), upto.get(each.partition, 0))
        ]
        self._store_told = highest(self._store_told, upto)
        return found

    def from_log(self, partition: int, lost: Iterable[Lost], *, base: int, upto: int, live: bool) -> list[Lost]:
        """What the log cannot give of a partition's base ≤ offset < upto; in live it is remembered."""
        start = max(base, self._store_told.get(partition, 0))
        named = lost_between(lost, start, upto)
        found = [piece for each in named for piece in self._untold(each, start, upto)]
        if live:
            self._in_live.setdefault(partition, []).extend(named)
        return found

    def sent(self, unsent: Mapping[int, int]) -> None:
        """What lies before all that is unsent is not read again."""
        for partition, told in self._in_live.items():
            told[:] = [each for each in told if each.next > unsent.get(partition, 0)]

    def cut(self, partition: int, end: int) -> None:
        """The log ends earlier than it did: its offsets from there on will stand for other records."""
        self._store_told[partition] = min(self._store_told.get(partition, 0), end)
        self._in_live[partition] = [each for each in self._in_live.get(partition, ()) if each.next <= end]

    def live_begins(self) -> None:
        """Nothing is unsent."""
        self._in_live.clear()

    def _untold(self, lost: Lost, start: int, end: int) -> Iterator[Lost]:
        """The pieces of a loss between two offsets that were not told in live."""
        start, end = max(start, lost.base), min(end, lost.next)
        for told in self._in_live.get(lost.partition, ()):
            if told.base < end and told.next > start:
                if start < told.base:
                    yield lost._replace(base=start, next=told.base)
                start = told.next
        if start < end:
            yield lost._replace(base=start, next=end)


def slow_gaps(events: list[Event]) -> list[Gap]:
    """The gaps that name these events, one per run of offsets."""
    gaps: list[Gap] = []
    for topic, partition, offset in sorted((event.topic, event.partition, event.offset) for event in events):
        last = gaps[-1] if gaps else None
        if last is not None and (last.topic, last.partition, last.to_offset) == (topic, partition, offset):
            gaps[-1] = _gap(topic, partition, last.from_offset, offset + 1)
        else:
            gaps.append(_gap(topic, partition, offset, offset + 1))
    return gaps


def _gap(topic: str, partition: int, start: int, end: int) -> Gap:
    return Gap(topic=topic, partition=partition, from_offset=start, to_offset=end, reason="slow")
