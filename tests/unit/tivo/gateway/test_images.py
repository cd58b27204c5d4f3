"""The state at a place, part by part."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tivo.gateway.images import MOST_FOLDING, MOST_OPEN, Images, Stretch
from tivo.model.errors import StoreError
from tivo.model.event import Cursor, Event, Page, ValueKind
from tivo.playback.facts import TopicRef
from tivo.store.base import Found
from tivo.store.image import FIRST
from tivo.store.memory import MemoryStore
from tivo.store.state import READ_EVENTS, Place

TOPIC = TopicRef("t", bytes(16), (0,))
EVENTS = tuple(
    Event(at, "t", 0, at, b"%04d" % (at % 3_000), b"1" if at % 7 else None, (), 0, ValueKind.JSON)
    for at in range(5_000)
)


class Counting(MemoryStore):
    """A store that counts how often events are read, and fails when told."""

    reads = 0
    away = False

    async def read(self, *args: Any, **bounds: Any) -> Found:
        self.reads += 1
        if self.away:
            raise StoreError("away")
        return await super().read(*args, **bounds)


async def filled() -> Counting:
    store = Counting()
    await store.write(Page(topic="t", topic_id=TOPIC.topic_id, partition=0, base=0, next=5_000, events=EVENTS))
    return store


async def images() -> Images:
    return Images(await filled())


async def read(images: Images, until: Cursor, *, upto: int = 5_000, max_bytes: int = 10**6) -> tuple[list[Event], int]:
    """All parts, and how many there were."""
    found: list[Event] = []
    after, parts = None, 0
    while parts == 0 or after is not None:
        place = Place(topic_id=TOPIC.topic_id, until=until, upto={0: upto})
        told = await images.part(place, Stretch(after or FIRST), limit=READ_EVENTS, max_bytes=max_bytes)
        found += told.events
        after, parts = told.next, parts + 1
    return found, parts


async def test_parts_are_together_the_last_event_of_every_key() -> None:
    found, parts = await read(await images(), Cursor(4_000, "t", 0, 4_000))

    assert [*EVENTS[1_001:4_001]] == sorted(found)
    assert parts > 1


async def test_a_part_is_no_larger_than_asked_for_but_has_one_event() -> None:
    found, parts = await read(await images(), Cursor(9, "t", 0, 9), max_bytes=1)

    assert (10, 10) == (len(found), parts)


async def test_what_lies_at_or_beyond_the_frontier_is_left_out() -> None:
    found, _ = await read(await images(), Cursor(4_000, "t", 0, 4_000), upto=20)

    assert [*EVENTS[:20]] == found


def place(until: int) -> Place:
    return Place(topic_id=TOPIC.topic_id, until=Cursor(until, "t", 0, until), upto={0: 5_000})


async def test_what_came_since_the_images_is_folded_once_for_all_parts() -> None:
    store = await filled()
    reading = Images(store)

    await read(reading, Cursor(4_000, "t", 0, 4_000), max_bytes=20_000)
    once = store.reads
    await read(reading, Cursor(4_000, "t", 0, 4_000), max_bytes=10**7)

    assert 2 * once == store.reads


async def test_of_states_read_in_part_so_many_are_held() -> None:
    store = await filled()
    reading = Images(store)
    parts = [await reading.part(place(at), Stretch(), limit=1, max_bytes=10**6) for at in range(10, 11 + MOST_OPEN)]
    known = store.reads

    for at in range(11, 11 + MOST_OPEN):
        await reading.part(place(at), Stretch(parts[at - 10].next or b""), limit=1, max_bytes=10**6)
    assert known == store.reads
    again = await reading.part(place(10), Stretch(parts[0].next or b""), limit=1, max_bytes=10**6)

    assert known < store.reads
    assert [EVENTS[1]] == again.events


async def test_a_store_that_is_away_is_told_and_asked_again_by_the_next_read() -> None:
    store = await filled()
    reading = Images(store)
    store.away = True
    with pytest.raises(StoreError, match="away"):
        await reading.part(place(10), Stretch(), limit=5, max_bytes=10**6)

    store.away = False

    assert [*EVENTS[:5]] == (await reading.part(place(10), Stretch(), limit=5, max_bytes=10**6)).events


async def test_a_viewer_that_vanishes_leaves_what_the_next_one_may_take() -> None:
    reading = await images()
    part = await reading.part(place(10), Stretch(), limit=5, max_bytes=10**6)
    rest = Stretch(part.next or b"")

    both = [await reading.part(place(10), rest, limit=5, max_bytes=10**6) for _ in range(2)]

    assert both[0] == both[1]
    assert [*EVENTS[5:10]] == both[0].events


async def test_a_state_that_nobody_asks_for_any_more_is_closed() -> None:
    store = await filled()
    reading = Images(store)
    asked, idle = [(await reading.part(place(at), Stretch(), limit=1, max_bytes=10**6)).next for at in (10, 11)]
    await reading.close_idle()
    asked = (await reading.part(place(10), Stretch(asked or b""), limit=1, max_bytes=10**6)).next
    await reading.close_idle()
    known = store.reads

    await reading.part(place(10), Stretch(asked or b""), limit=1, max_bytes=10**6)
    assert known == store.reads, "held for who asked meanwhile"
    await reading.part(place(11), Stretch(idle or b""), limit=1, max_bytes=10**6)

    assert known < store.reads


async def test_so_many_states_are_read_at_once_and_the_others_wait() -> None:
    class Slow(Counting):
        under_way = most = 0

        async def read(self, *args: Any, **bounds: Any) -> Found:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            for _ in range(5):
                await asyncio.sleep(0)
            self.under_way -= 1
            return await super().read(*args, **bounds)

    store = Slow()
    await store.write(Page(topic="t", topic_id=TOPIC.topic_id, partition=0, base=0, next=5_000, events=EVENTS))
    reading = Images(store)

    async with asyncio.TaskGroup() as tasks:
        for at in range(3 * MOST_FOLDING):
            tasks.create_task(reading.part(place(10 + at), Stretch(), limit=1, max_bytes=10**6))

    assert MOST_FOLDING == store.most


async def test_of_two_states_that_are_as_far_one_is_held_and_the_other_closed() -> None:
    closed = []

    class Noting(Images):
        def _state(self, place: Place, stretch: Stretch) -> AsyncGenerator[list[Event], None]:
            return noting(super()._state(place, stretch))

    async def noting(found: AsyncGenerator[list[Event], None]) -> AsyncGenerator[list[Event], None]:
        try:
            async for events in found:
                yield events
        finally:
            await found.aclose()
            closed.append(found)

    reading = Noting(await filled())
    held = [await reading.part(place(10), Stretch(), limit=5, max_bytes=10**6) for _ in range(2)]

    assert held[0] == held[1]
    assert 1 == len(closed)
