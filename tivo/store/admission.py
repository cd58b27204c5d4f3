"""What a store does with a page that comes to it: one rule for every store."""

from bisect import bisect_left
from itertools import pairwise
from operator import lt

import msgspec

from tivo.model.errors import PageGap, RecordError, StalePage, StoreError
from tivo.model.event import Page
from tivo.model.timeline import MAX_TIME_US, MIN_TIME_US
from tivo.store.base import Written


def admit(page: Page, frontier: int | None, owner_epoch: int = 0) -> tuple[Written, Page]:
    """What becomes of a page at a partition's frontier, and what of it is to be written.

    The frontier is exclusive; None is unset, as far as the page's base. Raises PageGap where the page begins beyond it,
    StalePage where the partition has another owner epoch.
    Delivery is at least once and a page may come again with other boundaries, so offsets alone
    decide what is new.
    """
    if page.owner_epoch != owner_epoch:
        raise StalePage(topic=page.topic, partition=page.partition, owner_epoch=page.owner_epoch, held=owner_epoch)
    held = page.base if frontier is None else frontier
    if page.next <= held:
        return Written.SKIPPED, page
    if held == page.base:
        return Written.STORED, page
    if held < page.base:
        raise PageGap(topic=page.topic, partition=page.partition, frontier=held, base=page.base)
    first = bisect_left(page.events, held, key=lambda event: event.offset)
    return Written.TRIMMED, msgspec.structs.replace(page, base=held, events=page.events[first:])


def check_name(page: Page, name: str) -> None:
    """Raise StoreError where the page's topic id stands for a topic of another name."""
    if page.topic != name:
        raise StoreError(
            f"the topic with id {page.topic_id.hex()} is named {name!r} here, the page says {page.topic!r}"
        )


def verify(page: Page) -> None:
    """Check that a page is what it says: its events in offset order, of its topic and partition, between base and next.

    Raises RecordError naming what is not. A store that took such a page would answer by a frontier
    that does not tell what it holds.
    """
    if page.next < page.base or len(page.topic_id) != 16:
        raise RecordError(
            f"{_place(page)}: no page of topic id {page.topic_id.hex()!r} goes from {page.base} to {page.next}"
        )
    offsets = [page.base - 1, *[event.offset for event in page.events], page.next]
    if not all(map(lt, offsets, offsets[1:])):
        behind, offset = next(pair for pair in pairwise(offsets) if pair[0] >= pair[1])
        raise RecordError(
            f"{_place(page)}: offset {offset} does not follow {behind} in a page from {page.base} to {page.next}"
        )
    strangers = {event.topic for event in page.events} - {page.topic}
    strangers |= {str(partition) for partition in {event.partition for event in page.events} - {page.partition}}
    if strangers:
        raise RecordError(f"{_place(page)}: in its page stand events of {', '.join(sorted(strangers))}")
    times_us = [event.time_us for event in page.events]
    for time_us in (min(times_us, default=0), max(times_us, default=0)):
        if not MIN_TIME_US <= time_us <= MAX_TIME_US:
            raise RecordError(f"{_place(page)}: an event at {time_us} µs, outside of the years 1 to 9999")


def _place(page: Page) -> str:
    return f"{page.topic}/{page.partition}"
