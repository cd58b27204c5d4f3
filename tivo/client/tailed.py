"""A topic whose live edge is wanted."""

import asyncio

from tivo.client.ring import Ring
from tivo.model.errors import UnknownTopic
from tivo.playback.facts import TopicRef


class Tailed:
    """A topic, its ring once that has begun, and those who wait for it. `tails` counts who tails it now."""

    def __init__(self, topic: TopicRef) -> None:
        self.topic = topic
        self.ring: Ring | None = None
        self.tails = 0
        self.idle_from_us = 0
        self.read_us = 0
        self.changes = 0
        self._ended = False
        self._waiting: list[asyncio.Future[None]] = []

    def begin(self, ring: Ring) -> None:
        self.ring = ring
        self.change()

    def end(self) -> None:
        self._ended = True
        self.change()

    def change(self) -> None:
        self.changes += 1
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def joined(self) -> Ring:
        """The ring, as soon as it has begun. Raises UnknownTopic where the topic has ended."""
        while self.ring is None and not self._ended:
            await self.changed_since(self.changes)
        if self._ended:
            raise UnknownTopic(self.topic.name)
        assert self.ring is not None
        return self.ring

    async def changed_since(self, seen: int) -> None:
        if self.changes != seen:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter
