"""The events next to a place: a part of what the log holds beyond the store, or a page of the store."""

import asyncio

from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Tail
from tivo.gateway.log_scan import gone_on, left_of, places
from tivo.model.errors import BrokerError
from tivo.model.event import Cursor
from tivo.playback.effects import ReadNear
from tivo.playback.facts import NearRead, Scanned, TopicRef
from tivo.store.base import Store

LOG_SECONDS = 8
"""How long the log may take for a part: less than a player waits for a read, which would blame the store."""


class Near:
    """Reads to both sides of a place. The log is read once, from the frontier to the ends noted first, part by part:
    mostly that is very little, but where the agent is hours behind no single read could hold it."""

    def __init__(self, store: Store, tail: Tail, catalogue: Catalogue, *, log_seconds: float = LOG_SECONDS) -> None:
        self._store = store
        self._tail = tail
        self._catalogue = catalogue
        self._log_seconds = log_seconds

    async def read(self, wanted: ReadNear) -> NearRead:
        """The next part of the log while there is one, else the page. Raises StoreError, BrokerError, UnknownTopic."""
        scanned = wanted.scanned or await self._begin(wanted.topic)
        if scanned.left:
            return await self._scan(wanted, scanned)
        found = await self._store.read(
            wanted.topic.topic_id,
            wanted.window,
            upto=scanned.stored,
            after=wanted.beside,
            limit=wanted.limit,
            max_bytes=wanted.max_bytes,
            reverse=wanted.reverse,
        )
        return NearRead(wanted.read, found.events, found.last, scanned.read)

    async def _begin(self, topic: TopicRef) -> Scanned:
        frontier = await self._store.frontier(topic.topic_id)
        ends = await self._catalogue.log_ends(topic)
        return Scanned(frontier, frontier, left_of(frontier, ends))

    async def _scan(self, wanted: ReadNear, scanned: Scanned) -> NearRead:
        asked = places(scanned.read, scanned.left)
        try:
            async with asyncio.timeout(self._log_seconds):
                answer = await self._tail.read(wanted.topic, asked, max_bytes=wanted.max_bytes, wait=False)
        except TimeoutError:
            message = f"the log of {wanted.topic.name!r} did not answer within {self._log_seconds} s"
            raise BrokerError(message) from None
        events = [event for each in answer.slices for event in each.events]
        found = [each for each in events if each.time_us in wanted.window and _is_wanted(each.cursor, wanted)]
        on = Scanned(scanned.stored, *gone_on(scanned.read, scanned.left, answer))
        return NearRead(wanted.read, sorted(found, reverse=wanted.reverse), False, on.read, on)


def _is_wanted(cursor: Cursor, wanted: ReadNear) -> bool:
    return cursor < wanted.beside if wanted.reverse else cursor > wanted.beside
