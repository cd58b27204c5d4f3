"""Finds the place so many events or batches before or behind another, over several topics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tivo.model.event import Cursor, Event, Frontier
from tivo.model.timeline import Window
from tivo.playback.commands import StepBy
from tivo.playback.effects import ReadNear
from tivo.playback.facts import NearRead, Scanned, TopicRef
from tivo.playback.merge import behind, order_key
from tivo.playback.progress import Bounds

_LEAST, _MOST = 16, 2_000
_AT_ONCE = 4
_PAGE_BYTES = Bounds().bytes // _AT_ONCE
"""However many topics there are, so many reads are under way, which together are as large as what is read ahead."""


@dataclass(slots=True)
class _Side:
    """How far a topic has been read: its log as far as `scanned`, then its store to `beside`, and no further where it
    is `over`."""

    topic: TopicRef
    beside: Cursor
    limit: int
    over: bool = False
    waiting: bool = False
    scanned: Scanned | None = None
    frontier: Frontier | None = None

    def note(self, fact: NearRead) -> None:
        """Go on behind what was read."""
        self.waiting = False
        if fact.scanned is not None or self.frontier is None:
            self.frontier = fact.frontier
        if fact.scanned is not None:
            self.scanned = fact.scanned
            return
        self.over = fact.last
        self.limit = min(_MOST, 2 * self.limit)
        if fact.events:
            self.beside = order_key(fact.events[-1])


class Search:
    """The `wanted` units nearest to a place, that itself left out: the order keys where events or batches begin.

    However large a batch is, it is one unit; so what is kept is bounded by what is wanted.
    """

    def __init__(  # noqa: PLR0913  what is looked for, and from where
        self,
        topics: Mapping[str, TopicRef],
        window: Window,
        passes: Callable[[Event], bool] | None,
        *,
        beside: Cursor,
        wanted: int,
        by: StepBy,
        reverse: bool,
    ) -> None:
        limit = min(_MOST, max(_LEAST, wanted))
        self._sides = {name: _Side(topic, beside, limit) for name, topic in topics.items()}
        self._window = window
        self._passes = passes
        self._wanted = wanted
        self._by = by
        self._reverse = reverse
        self._waiting: dict[int, _Side] = {}
        self._units: list[Cursor] = []

    @property
    def waiting(self) -> tuple[int, ...]:
        """The reads under way."""
        return tuple(self._waiting)

    @property
    def frontiers(self) -> dict[str, Frontier]:
        """Per topic the offsets below which everything was looked at."""
        return {name: side.frontier or {} for name, side in self._sides.items()}

    @property
    def found(self) -> list[Cursor] | None:
        """The units, nearest first, fewer where there are no more; None while something has to be read."""
        return None if any(self._lacks(side) for side in self._sides.values()) else self._units

    def reads(self, ids: Iterator[int]) -> list[ReadNear]:
        """The reads that are needed now, as many as may be under way."""
        wanted: list[ReadNear] = []
        for side in self._sides.values():
            if len(self._waiting) == _AT_ONCE:
                break
            if side.waiting or not self._lacks(side):
                continue
            side.waiting = True
            read = next(ids)
            self._waiting[read] = side
            wanted.append(
                ReadNear(
                    read=read,
                    topic=side.topic,
                    window=self._narrowed(),
                    beside=side.beside,
                    reverse=self._reverse,
                    limit=side.limit,
                    max_bytes=_PAGE_BYTES,
                    scanned=side.scanned,
                )
            )
        return wanted

    def take(self, fact: NearRead) -> bool:
        """Take an answer; whether it was one to this search."""
        side = self._waiting.pop(fact.read, None)
        if side is None:
            return False
        side.note(fact)
        fresh = {self._unit(event) for event in fact.events if self._passes is None or self._passes(event)}
        self._units = sorted(fresh.union(self._units), reverse=self._reverse)[: self._wanted]
        return True

    def _unit(self, event: Event) -> Cursor:
        return order_key(event) if self._by is StepBy.EVENT else behind(event.time_us - 1)

    @property
    def _furthest(self) -> Cursor | None:
        """Nothing beyond this unit is wanted; None while there are too few."""
        return self._units[-1] if len(self._units) == self._wanted else None

    def _lacks(self, side: _Side) -> bool:
        furthest = self._furthest
        if side.over or furthest is None:
            return not side.over
        return side.beside > furthest if self._reverse else side.beside < furthest

    def _narrowed(self) -> Window:
        """What may still hold something nearer than what is known."""
        furthest, window = self._furthest, self._window
        if furthest is None:
            return window
        if self._reverse:
            return Window(furthest.time_us, window.end_us)
        return Window(window.start_us, furthest.time_us + 1)
