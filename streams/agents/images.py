"""Images: the last event of every key, every so many bytes and at bucket starts, built out of the store.

A turn of a partition brings its images up to the store's frontier. Late events are folded into the
images behind them; then the image frontier moves; then new images are put where enough has
gathered since the one before. After each of these steps what stands is right, so a builder may end
anywhere, and whoever comes next goes on. Whoever reads folds what images lack by himself: a builder
that is slow, or away, makes a seek slower and nothing else.
"""

import asyncio
import logging
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from streams.agents.persist import Keeper
from streams.images import Spacing, Stand, Superseded, fill
from streams.places import Places
from tivo import metrics
from tivo.model.errors import StoreError
from tivo.model.event import Event
from tivo.model.timeline import Window
from tivo.store.base import Store
from tivo.store.image import latest
from tivo.store.state import ImageGone, window

log = logging.getLogger(__name__)

TURN_EVERY_S = 5.0

PAUSE_S, MOST_PAUSES = 0.02, 10
"""While pages are being written the builder stands back before each of its reads, but not for ever."""


class ImageBuilder:
    """Builds the images of the partitions that this worker persists."""

    def __init__(self, store: Store, spacing: Spacing, *, stand_back: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._spacing = spacing
        self._stand_back = stand_back
        self._stands: dict[tuple[bytes, int], Stand] = {}
        self._troubles: dict[tuple[bytes, int], str] = {}

    async def turn(self, topic: str, topic_id: bytes, partition: int, upto: int) -> int | None:
        """Bring the images of a partition up to a frontier; the offsets that they lack of it then.

        None where others changed them meanwhile, or nothing is stored: it is looked at anew with the next
        turn. Raises StoreError.
        """
        key = (topic_id, partition)
        stand = self._stands.pop(key, None)
        if stand is None or stand.next > upto:
            stand = await self._look(topic, topic_id, partition)
        try:
            if stand.next < upto:
                await self._catch_up(stand, upto)
            for gap in stand.stirred():
                if self._spacing.is_due(stand, gap):
                    await fill(self._store, stand, gap, self._spacing, self._stand_back)
        except (Superseded, ImageGone):
            return None
        self._stands[key] = stand
        return max(upto - stand.next, 0)

    async def try_turn(self, topic: str, topic_id: bytes, partition: int, upto: int) -> int | None:
        """`turn`; what is the matter with the store is told once, and the partition waits for the next turn."""
        key = (topic_id, partition)
        try:
            lag = await self.turn(topic, topic_id, partition, upto)
        except StoreError as error:
            if self._troubles.get(key) != str(error):
                log.warning("%s/%d: its images wait: %s", topic, partition, error)
            self._troubles[key] = str(error)
            return None
        self._troubles.pop(key, None)
        return lag

    def forget(self, topic_id: bytes, partition: int) -> None:
        """Others build these images by now."""
        self._stands.pop((topic_id, partition), None)
        self._troubles.pop((topic_id, partition), None)

    @property
    def known(self) -> set[tuple[bytes, int]]:
        """The partitions that it stands in, or has trouble with."""
        return {*self._stands, *self._troubles}

    async def _look(self, topic: str, topic_id: bytes, partition: int) -> Stand:
        told = await self._store.imaged(topic_id, partition)
        return Stand(topic=topic, topic_id=topic_id, partition=partition, told=told)

    async def _catch_up(self, stand: Stand, upto: int) -> None:
        new = {"above": {stand.partition: stand.next}, "upto": {stand.partition: upto}}
        rows = await self._store.ledger(stand.topic_id, **new)
        await self._patch(stand, **new)
        if not await self._store.move_images(stand.topic_id, stand.partition, upto, version=stand.version):
            raise Superseded
        stand.moved(upto)
        stand.came(rows)

    async def _patch(self, stand: Stand, *, above: dict[int, int], upto: dict[int, int]) -> None:
        """Fold events that came late into the images behind them."""
        if not stand.heads:
            return
        earlier = Window(None, stand.heads[-1].at_us)
        async for events in window(self._store, stand.topic_id, earlier, above=above, upto=upto):
            await self._patch_with(stand, events)

    async def _patch_with(self, stand: Stand, late: Sequence[Event]) -> None:
        """Each late event goes into every image behind it, until one of them holds a later one of its key."""
        times_us = [event.time_us for event in late]
        under_way: list[Event] = []
        begin = 0
        for at in range(bisect_right([head.at_us for head in stand.heads], times_us[0]), len(stand.heads)):
            end = bisect_left(times_us, stand.heads[at].at_us)
            stand.came_late(at, late[begin:end])
            # all of them, however large: they are held as it is, and what is left out here no image ever gets
            under_way = await self._patch_image(stand, at, latest(under_way, late[begin:end]))
            begin = end
            if not under_way and begin == len(late):
                return

    async def _patch_image(self, stand: Stand, at: int, events: list[Event]) -> list[Event]:
        if not events:
            return []
        await self._stand_back()
        taken = await self._store.patch_image(stand.heads[at].image, events, version=stand.version)
        if taken is None:
            raise Superseded
        return taken


async def build_images(builder: ImageBuilder, places: Places, *, every_s: float = TURN_EVERY_S) -> None:
    """Give every partition that is placed its turn, again and again. Never ends by itself."""
    told: set[tuple[str, int]] = set()
    while True:
        for gone in told - {(tp.topic, tp.partition) for tp in places.frontiers()}:
            metrics.AGENT_IMAGE_LAG.remove(*gone)
            told.remove(gone)
        async for place, lag in turns(builder, places):
            metrics.AGENT_IMAGE_LAG.labels(*place).set(lag)
            told.add(place)
        await asyncio.sleep(every_s)


async def turns(builder: ImageBuilder, places: Places) -> AsyncGenerator[tuple[tuple[str, int], int], None]:
    """One turn of every partition that is placed; what its images lack then, as soon as it is known."""
    frontiers = {(places.id_of(tp), tp.partition): (tp.topic, frontier) for tp, frontier in places.frontiers().items()}
    for topic_id, partition in builder.known - frontiers.keys():
        builder.forget(topic_id, partition)
    for (placed_in, partition), (topic, frontier) in frontiers.items():
        assert placed_in is not None
        lag = await builder.try_turn(topic, placed_in, partition, frontier)
        if lag is not None:
            yield (topic, partition), lag


def standing_back(keeper: Keeper) -> Callable[[], Awaitable[None]]:
    """Lets pages on their way into the store go first."""

    async def stand_back() -> None:
        for _ in range(MOST_PAUSES):
            if not keeper.busy:
                return
            await asyncio.sleep(PAUSE_S)

    return stand_back
