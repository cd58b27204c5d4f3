"""The events next to a place, of the store and of what the log holds beyond it, as one page."""

from collections.abc import Iterable

from tivo.client.tail import TailAnswer
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Tail
from tivo.model.event import Cursor, Event, Frontier
from tivo.playback.effects import ReadNear, TailPlace
from tivo.playback.facts import NearRead
from tivo.playback.merge import weight
from tivo.store.base import Store

_SLICE_EVENTS = 2_000


class Near:
    """Reads to both sides of a place. The log is read from the frontier to its end: mostly that is very little."""

    def __init__(self, store: Store, tail: Tail, catalogue: Catalogue) -> None:
        self._store = store
        self._tail = tail
        self._catalogue = catalogue

    async def read(self, wanted: ReadNear) -> NearRead:
        """The page. Raises StoreError, BrokerError, UnknownTopic."""
        topic_id = wanted.topic.topic_id
        frontier = await self._store.frontier(topic_id)
        ends = await self._catalogue.log_ends(wanted.topic)
        found = await self._store.read(
            topic_id,
            wanted.window,
            upto=frontier,
            after=wanted.beside,
            limit=wanted.limit,
            max_bytes=wanted.max_bytes,
            reverse=wanted.reverse,
        )
        page = _Page(wanted)
        page.take(found.events)
        if not found.last:
            page.end_at(found.events[-1].cursor)
        looked_at = {**frontier, **await self._read_log(page, frontier, ends)}
        return NearRead(wanted.read, page.events, page.last, looked_at)

    async def _read_log(self, page: "_Page", frontier: Frontier, ends: Frontier) -> Frontier:
        """Take what the log holds beyond a frontier; how far it was read where it is longer than that."""
        left = _Left(frontier, ends)
        while places := left.places:
            answer = await self._tail.read(page.wanted.topic, places, max_bytes=page.wanted.max_bytes, wait=False)
            left.note(answer)
            page.take(event for each in answer.slices for event in each.events)
        return left.reached


class _Left:
    """What of the log is still to be read. As long as one partition moves none is given up: an answer has bounds, and
    the first that fill it leave nothing for the others, which are therefore asked for first in the next one."""

    def __init__(self, frontier: Frontier, ends: Frontier) -> None:
        self._ends = ends
        self._next: dict[int, int | None] = {p: frontier.get(p) for p, end in ends.items() if frontier.get(p, 0) < end}
        self.reached = {partition: frontier.get(partition, 0) for partition in self._next}

    @property
    def places(self) -> list[TailPlace]:
        """Where to go on; none once everything was read, or what is left does not move."""
        return [TailPlace(p, offset, self._ends[p], _SLICE_EVENTS) for p, offset in self._next.items()]

    def note(self, answer: TailAnswer) -> None:
        """Go on behind what was read."""
        stalled: dict[int, int | None] = {}
        moved: dict[int, int | None] = {}
        for each in answer.slices:
            following, before = max(each.next, each.log_start), self.reached[each.partition]
            self.reached[each.partition] = max(following, before)
            if following < self._ends[each.partition] and not each.truncated:
                (moved if following > before else stalled)[each.partition] = following
        anything = any(each.next > each.base for each in answer.slices) or bool(moved)
        self._next = {**stalled, **moved} if anything else {}


class _Page:
    """The nearest events of those taken, within the bounds of a read."""

    def __init__(self, wanted: ReadNear) -> None:
        self.wanted = wanted
        self.events: list[Event] = []
        self.last = True
        self._reach: Cursor | None = None

    def take(self, events: Iterable[Event]) -> None:
        """Put in those of some events that lie on this side of the place, and keep what is nearest."""
        fresh = [event for event in events if event.time_us in self.wanted.window and self._is_wanted(event.cursor)]
        if not fresh:
            return
        self.events = sorted([*self.events, *fresh], reverse=self.wanted.reverse)
        room, kept = self.wanted.max_bytes, 0
        for event in self.events[: self.wanted.limit]:
            if room <= 0:
                break
            room -= weight(event)
            kept += 1
        if kept < len(self.events):
            self.end_at(self.events[kept - 1].cursor)

    def end_at(self, cursor: Cursor) -> None:
        """Beyond this there is more, which is left to the next read."""
        self._reach, self.last = cursor, False
        self.events = [event for event in self.events if not self._is_beyond(event.cursor)]

    def _is_wanted(self, cursor: Cursor) -> bool:
        beside = self.wanted.beside
        return (cursor < beside if self.wanted.reverse else cursor > beside) and not self._is_beyond(cursor)

    def _is_beyond(self, cursor: Cursor) -> bool:
        if self._reach is None:
            return False
        return cursor < self._reach if self.wanted.reverse else cursor > self._reach
