"""A process that writes to a store until it is killed: `python -m tests.conformance.store.writing URL`.

Two partitions in turn, a few events a page, merged now and then. Every line tells the frontiers
that a write has returned for.
"""

import asyncio
import sys

from tests.conformance.store.stores import BUCKET_US, TOPIC_ID, page
from tests.conformance.store.stores import event as event_at
from tivo.model.event import Event, Page
from tivo.model.timeline import SECOND_US
from tivo.store.open import open_store


def event(partition: int, offset: int) -> Event:
    """Every seventh one is late, by up to six seconds."""
    late_us = offset % 6 * SECOND_US if offset % 7 == 0 else 0
    return event_at(offset, offset * SECOND_US // 20 - late_us, partition=partition)


def page_from(partition: int, base: int) -> Page:
    return page(*(event(partition, offset) for offset in range(base, base + 1 + base % 5)))


async def write(url: str) -> None:
    async with open_store(url, bucket_us=BUCKET_US) as store:
        frontier = {0: 0, 1: 0} | await store.frontier(TOPIC_ID)
        turn = 0
        while True:
            pages = [page_from(partition, base) for partition, base in frontier.items()]
            await store.write_all(pages)
            frontier = {page.partition: page.next for page in pages}
            print(frontier[0], frontier[1], flush=True)
            turn += 1
            if turn % 25 == 0:
                await store.merge(before_us=frontier[0] * SECOND_US // 20 - BUCKET_US, limit=200)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
