"""The state of a topic at a place as a session begins with it: of the store, and of what the log holds beyond it."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass

from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Tail
from tivo.gateway.images import FOLD_BYTES, Images, Stretch
from tivo.gateway.unstored import unstored
from tivo.model.event import Event, Frontier
from tivo.playback.effects import ReadImage
from tivo.playback.facts import ImageRead, TopicRef
from tivo.store.base import MAX_READ_BYTES, Store
from tivo.store.image import FIRST, Fold, behind, cut_before, latest, parts, place_of
from tivo.store.state import Place, state

PART_EVENTS = 256
"""Events in a part at most, as in a frame: what takes longer to encode makes the frames of others late."""

_HALF = FOLD_BYTES // 2
"""What is folded out of the store, and what out of the log, take together what a state may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot(Place):
    """A place for a session: `upto` holds for the log too. An empty one holds nothing back."""

    topic: TopicRef


class States(Images):
    """Images whose parts for a session hold the log's end too. Where the log ends is asked once a reading."""

    def __init__(self, store: Store, tail: Tail, catalogue: Catalogue) -> None:
        super().__init__(store)
        self._tail = tail
        self._catalogue = catalogue

    async def read(self, wanted: ReadImage) -> ImageRead:
        """The next part. Raises StoreError, BrokerError, UnknownTopic."""
        topic = wanted.topic
        place = _Spot(topic_id=topic.topic_id, until=wanted.until, upto=wanted.upto, topic=topic)
        stretch = Stretch(FIRST if wanted.after is None else wanted.after)
        part = await self.part(place, stretch, limit=PART_EVENTS, max_bytes=wanted.max_bytes)
        return ImageRead(wanted.read, part.events, part.next)

    def _state(self, place: Place, stretch: Stretch) -> AsyncGenerator[list[Event], None]:
        return self._whole(place, stretch) if isinstance(place, _Spot) else super()._state(place, stretch)

    async def _whole(self, spot: _Spot, stretch: Stretch) -> AsyncGenerator[list[Event], None]:
        frontier = await self._store.frontier(spot.topic_id)
        ends = _bounded(await self._catalogue.log_ends(spot.topic), spot.upto)
        stored = Place(topic_id=spot.topic_id, until=spot.until, upto=_bounded(frontier, spot.upto))
        at: bytes | None = stretch.start
        while at is not None:
            fold = Fold(at, stretch.end, max_bytes=_HALF)
            async for events in unstored(self._tail, spot.topic, frontier, ends, max_bytes=MAX_READ_BYTES):
                fold.take(event for event in events if event.cursor <= spot.until)
            below = state(self._store, stored, start=at, end=fold.bound, fold_bytes=_HALF)
            async with aclosing(below) as found:
                async for part in _merged(found, fold.in_order()):
                    yield part
            at = None if fold.bound == stretch.end else fold.bound


def _bounded(ends: Frontier, upto: Frontier) -> dict[int, int]:
    return {partition: min(end, upto.get(partition, 0)) for partition, end in ends.items()} if upto else dict(ends)


async def _merged(found: AsyncIterable[list[Event]], top: list[Event]) -> AsyncGenerator[list[Event], None]:
    """Two runs in the order of keys as one: of every key the later event."""
    async for events in found:
        known = cut_before(top, behind(place_of(events[-1])))
        yield latest(top[:known], events)
        top = top[known:]
    for part in parts(top):
        yield list(part)
