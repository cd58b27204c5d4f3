"""A process that writes to a store and builds its images until it is killed: `python -m … URL`.

Every line tells that a turn is done, and what the images lack then.
"""

import asyncio
import sys

from streams.agents.images import ImageBuilder
from streams.images import Spacing
from tests.conformance.store.stores import BUCKET_US, TOPIC, TOPIC_ID, page
from tests.conformance.store.writing import event
from tivo.model.event import Event, Page
from tivo.store.open import open_store


def keyed(offset: int) -> Event:
    """An event of one of thirteen keys, every eleventh deletes it."""
    made = event(0, offset)
    value = None if offset % 11 == 0 else b"%d" % offset
    return Event(made.time_us, TOPIC, 0, offset, b"key %d" % (offset % 13), value, (), 0, made.kind)


def page_from(base: int) -> Page:
    return page(*(keyed(offset) for offset in range(base, base + 40)))


async def at_once() -> None:
    """Stand back for nobody."""


async def build(url: str) -> None:
    async with open_store(url, bucket_us=BUCKET_US) as store:
        builder = ImageBuilder(store, Spacing(every_bytes=2_000, bucket_us=BUCKET_US), stand_back=at_once)
        frontier = (await store.frontier(TOPIC_ID)).get(0, 0)
        while True:
            await store.write(page_from(frontier))
            frontier += 40
            print(await builder.turn(TOPIC, TOPIC_ID, 0, frontier), flush=True)


if __name__ == "__main__":
    asyncio.run(build(sys.argv[1]))
