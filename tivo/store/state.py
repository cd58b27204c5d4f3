"""The state of a topic at a place in its order: the last event of every key, out of images and the events since.

Of every partition the newest image before the place is taken, and folded with what images may lack
(late events, at or beyond the image frontier) and with what came between. So it is right whatever
images there are; they only make it quick.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from sys import maxsize
from typing import Any

from tivo.model.event import Cursor, Event, Frontier
from tivo.model.timeline import Window
from tivo.store.base import ImageHead, Store
from tivo.store.image import FIRST, FOLD_BYTES, Fold, behind, cut_before, latest, parts, place_of

READ_EVENTS = 2_000


class ImageGone(Exception):
    """An image was taken away while it was read; what was given so far is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the order of a topic: behind `until`, of what lies below a frontier."""

    topic_id: bytes
    until: Cursor
    upto: Frontier


def before(topic: str, time_us: int) -> Cursor:
    """The place right before a time: all events with earlier ones lie at or before it."""
    return Cursor(time_us - 1, topic, maxsize, maxsize)


async def state(
    store: Store, place: Place, *, start: bytes = FIRST, end: bytes | None = None, fold_bytes: int = FOLD_BYTES
) -> AsyncGenerator[list[Event], None]:
    """The last event of every key in start ≤ key < end, in the order of keys, a few thousand at a time.

    What memory it takes does not depend on how many keys there are. Of events that come into the store
    meanwhile, at or beyond the frontier, it may hold some.
    """
    at: bytes | None = start
    while at is not None:
        heads = await store.image_before(place.topic_id, _newest_us(place.until))
        heads = {partition: head for partition, head in heads.items() if partition in place.upto}
        fold = Fold(at, end, max_bytes=fold_bytes)
        await _fold_since(store, place, heads, fold)
        begin, at = at, None if fold.bound == end else fold.bound
        try:
            async with aclosing(layered(store, heads.values(), fold, begin)) as found:
                async for events in found:
                    yield events
                    begin = behind(place_of(events[-1]))
        except ImageGone:
            at = begin


async def layered(
    store: Store, heads: Iterable[ImageHead], fold: Fold, start: bytes = FIRST
) -> AsyncGenerator[list[Event], None]:
    """Images and a fold that holds what they lack: the last event of every key, in the order of keys.

    From a place on and up to the fold's bound. Raises ImageGone.
    """
    top = fold.in_order()
    layers = [_Layer(image=head.image, start=start) for head in heads]
    while True:
        for layer in layers:
            await layer.fill(store)
        edges = [behind(place_of(layer.events[-1])) for layer in layers if layer.events]
        edge = min((each for each in (*edges, fold.bound) if each is not None), default=None)
        known = cut_before(top, edge)
        events = latest(top[:known], *(layer.take(edge) for layer in layers))
        top = top[known:]
        for part in parts(events):
            yield list(part)
        if edge == fold.bound:
            return


async def window(
    store: Store, topic_id: bytes, window: Window, *, limit: int = READ_EVENTS, **bounds: Any
) -> AsyncGenerator[list[Event], None]:
    """The events of a window in playback order, page by page; bounds are those of `Store.read`."""
    after: Cursor | None = None
    while True:
        found = await store.read(topic_id, window, after=after, limit=limit, **bounds)
        if found.events:
            yield found.events
            after = found.events[-1].cursor
        if found.last:
            return


@dataclass(slots=True, kw_only=True)
class _Layer:
    """An image as far as it was read: `events` lie behind what was taken."""

    image: int
    start: bytes
    events: list[Event] = field(default_factory=list)
    ended: bool = False

    async def fill(self, store: Store) -> None:
        """Have events, or be at the end."""
        if self.events or self.ended:
            return
        found = await store.image_part(self.image, self.start)
        if found is None:
            raise ImageGone
        self.events, self.ended = found, not found
        if found:
            self.start = behind(place_of(found[-1]))

    def take(self, edge: bytes | None) -> list[Event]:
        at = cut_before(self.events, edge)
        taken, self.events = self.events[:at], self.events[at:]
        return taken


async def _fold_since(store: Store, place: Place, heads: Mapping[int, ImageHead], fold: Fold) -> None:
    """Fold in what images may lack, and all that came between them and the place."""
    lacking = {partition: head for partition, head in heads.items() if head.next < place.upto[partition]}
    if lacking:
        earlier = Window(None, max(head.at_us for head in lacking.values()))
        above = {partition: head.next for partition, head in lacking.items()}
        upto = {partition: place.upto[partition] for partition in lacking}
        async for events in window(store, place.topic_id, earlier, above=above, upto=upto, until=place.until):
            fold.take(events)
    for since_us in {head.at_us for head in heads.values()} | {None}:
        upto = {p: end for p, end in place.upto.items() if (heads[p].at_us if p in heads else None) == since_us}
        if upto:
            async for events in window(store, place.topic_id, Window(since_us), upto=upto, until=place.until):
                fold.take(events)


def _newest_us(until: Cursor) -> int:
    """The newest time that an image of a place may have: all its events lie at or before the place."""
    return until.time_us + 1 if until.partition == maxsize else until.time_us
