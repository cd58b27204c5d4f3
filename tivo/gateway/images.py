"""The state of a topic at a place, in parts, as the store tells it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from typing import NamedTuple, TypeAlias

from tivo.model.event import Cursor, Event
from tivo.store.base import Store
from tivo.store.image import FIRST, place_of
from tivo.store.page import row_bytes
from tivo.store.state import Place, state

FOLD_BYTES = 16 << 20
"""Memory that one reader folds in: of more keys than that, it reads a stretch after the other."""

MOST_OPEN = 4
"""States held open that were read in part: 64 MiB together."""

MOST_FOLDING = 4
"""States read from at once, 64 MiB together; who comes then waits."""

IDLE_S = 15
"""A state that nobody asks for any more is closed after so long, or twice as long."""


class Stretch(NamedTuple):
    """Places in the order of keys, start ≤ place < end; None is the end of that order."""

    start: bytes = FIRST
    end: bytes | None = None


class Part(NamedTuple):
    """Events in the order of keys. `next`: where the rest begins, None where there is none."""

    events: list[Event]
    next: bytes | None


class Images:
    """Reads states out of images and events of the store.

    What was read in part is held open for whoever asks for the next part: what came since the images is folded once.
    Where it was closed meanwhile it is folded again. No state is held while a client takes what it was given.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: OrderedDict[_Asked, _Reading] = OrderedDict()
        self._idle: set[_Asked] = set()  # of those open, whom nobody has asked for since `close_idle`
        self._folding = asyncio.Semaphore(MOST_FOLDING)

    async def part(self, place: Place, stretch: Stretch, *, limit: int, max_bytes: int) -> Part:
        """The first `limit` events of a stretch; fewer where they would be larger, but one at least."""
        async with self._folding:
            reading = self._open.pop(_asked(place, stretch), None) or _Reading(self._state(place, stretch))
            try:
                part = await reading.part(limit=limit, max_bytes=max_bytes)
            except BaseException:
                await reading.close()
                raise
            if part.next is not None:
                await self._hold(_asked(place, Stretch(part.next, stretch.end)), reading)
        return part

    async def run(self) -> None:
        """Close what nobody asks for any more. Never ends by itself."""
        while True:
            await asyncio.sleep(IDLE_S)
            await self.close_idle()

    async def close_idle(self) -> None:
        """Close the states that nobody has asked for since this was called before."""
        closing = [self._open.pop(asked) for asked in self._idle & self._open.keys()]
        self._idle = set(self._open)
        for reading in closing:
            await reading.close()

    async def _hold(self, asked: "_Asked", reading: "_Reading") -> None:
        """Hold a state open, in place of one that is as far: two clients may read alike."""
        closing = [former] if (former := self._open.pop(asked, None)) else []
        self._open[asked] = reading
        self._idle.discard(asked)
        while len(self._open) > MOST_OPEN:
            closing.append(self._open.popitem(last=False)[1])
        for each in closing:
            await each.close()

    def _state(self, place: Place, stretch: Stretch) -> AsyncGenerator[list[Event], None]:
        return state(self._store, place, start=stretch.start, end=stretch.end, fold_bytes=FOLD_BYTES)


class _Reading:
    """A state as far as it was read: `_ahead` came and was not given yet."""

    def __init__(self, found: AsyncGenerator[list[Event], None]) -> None:
        self._found = found
        self._ahead: list[Event] = []

    async def part(self, *, limit: int, max_bytes: int) -> Part:
        events: list[Event] = []
        size = 0
        while ahead := self._ahead or await anext(self._found, []):
            for at, event in enumerate(ahead):
                size += row_bytes(event)
                if events and (len(events) == limit or size > max_bytes):
                    self._ahead = ahead[at:]
                    return Part(events, place_of(event))
                events.append(event)
            self._ahead = []
        return Part(events, None)

    async def close(self) -> None:
        await self._found.aclose()


_Asked: TypeAlias = tuple[bytes, Cursor, tuple[tuple[int, int], ...], Stretch]


def _asked(place: Place, stretch: Stretch) -> _Asked:
    return place.topic_id, place.until, tuple(sorted(place.upto.items())), stretch
