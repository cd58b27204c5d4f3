"""The store that forgets: everything in this process's memory. For tests, and for trying things out."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from tivo.model.event import Cursor, Event, Frontier, Loss, Lost, Page
from tivo.model.timeline import Window
from tivo.store.admission import admit, check_name, verify
from tivo.store.base import (
    MAX_READ_BYTES,
    Found,
    Imaged,
    ImageHead,
    LedgerRow,
    Overview,
    Owned,
    Store,
    TopicStats,
    Written,
)
from tivo.store.ledger import LossRow, lost, row_of_loss
from tivo.store.memory_images import MemoryImages
from tivo.store.overview import slices
from tivo.store.selection import Selection, end


@dataclass(slots=True)
class _Topic:
    name: str
    frontier: dict[int, int] = field(default_factory=dict)
    owned: dict[int, Owned] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)  # in playback order
    ledger: list[LedgerRow] = field(default_factory=list)
    losses: list[LedgerRow] = field(default_factory=list)  # rows of the ledger
    set_aside: list[Page] = field(default_factory=list)


class MemoryStore(Store):
    """Keeps every event in one sorted list per topic."""

    def __init__(self) -> None:
        self._topics: dict[bytes, _Topic] = {}
        self._images = MemoryImages()

    async def write(self, page: Page) -> Written:
        return (await self.write_all([page]))[0]

    async def write_all(self, pages: list[Page]) -> list[Written]:
        ahead: dict[tuple[bytes, int], int | None] = {}
        admitted = []
        for page in pages:
            verify(page)
            place = (page.topic_id, page.partition)
            written, rest = admit(page, ahead.get(place, self._frontier(page)), self._owner_epoch(page))
            if written is not Written.SKIPPED:
                ahead[place] = rest.next
            admitted.append((written, rest))
        for written, rest in admitted:
            if written is not Written.SKIPPED:
                self._hold(rest)
        return [written for written, _ in admitted]

    async def read(  # noqa: PLR0913  the door's
        self,
        topic_id: bytes,
        window: Window,
        *,
        above: Frontier | None = None,
        upto: Frontier | None = None,
        after: Cursor | None = None,
        until: Cursor | None = None,
        limit: int,
        max_bytes: int = MAX_READ_BYTES,
        reverse: bool = False,
    ) -> Found:
        asked = Selection(window=window, above=above, upto=upto, after=after, until=until, reverse=reverse)
        topic = self._topics.get(topic_id)
        return end(asked.take(topic.events, limit + 1) if topic else [], limit=limit, max_bytes=max_bytes)

    async def topics(self) -> list[TopicStats]:
        return sorted(_stats(topic_id, topic) for topic_id, topic in self._topics.items())

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        topic = self._topics.get(topic_id)
        return dict(topic.frontier) if topic else {}

    async def owned(self, topic_id: bytes) -> dict[int, Owned]:
        topic = self._topics.get(topic_id)
        return dict(topic.owned) if topic else {}

    async def cut(self, topic_id: bytes, partition: int, at: int) -> int:
        topic = self._topics.get(topic_id)
        if topic is None or partition not in topic.frontier:
            return 0
        owner_epoch, leader_epoch = topic.owned[partition]
        if topic.frontier[partition] <= at:
            return owner_epoch
        dropped = [event for event in topic.events if event.partition == partition and event.offset >= at]
        self._images.cut((topic_id, partition), at, min((event.time_us for event in dropped), default=None))
        topic.events = [event for event in topic.events if event.partition != partition or event.offset < at]
        held = [row for row in topic.ledger if row.partition != partition or row.base < at]
        topic.ledger = [_shortened(row, at, topic.events) if row.partition == partition else row for row in held]
        topic.losses = [row for row in topic.ledger if row.loss is not None]
        topic.frontier[partition] = at
        topic.owned[partition] = Owned(owner_epoch + 1, leader_epoch)
        return owner_epoch + 1

    async def ledger(self, topic_id: bytes, *, above: Frontier, upto: Frontier) -> list[LedgerRow]:
        topic = self._topics.get(topic_id)
        return sorted(
            (row for row in (topic.ledger if topic else []) if _touches(row, above, upto)),
            key=lambda row: (row.partition, row.base),
        )

    async def overview(self, topic_id: bytes, window: Window, buckets: int) -> Overview:
        cut = slices(window, buckets)
        topic = self._topics.get(topic_id)
        counts = [0] * cut.number
        for event in Selection(window=window).take(topic.events, len(topic.events)) if topic else ():
            counts[(event.time_us - cut.start_us) // cut.width_us] += 1
        return Overview(cut.start_us, cut.width_us, counts)

    async def lost(self, topic_id: bytes, window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
        topic = self._topics.get(topic_id)
        rows = sorted(_bounded(row, topic.ledger) for row in topic.losses) if topic else []
        return lost(rows, window, above=above, upto=upto)

    async def quarantine(self, page: Page, loss: Loss, why: str) -> None:
        written, rest = admit(page, self._frontier(page), self._owner_epoch(page))
        if written is Written.SKIPPED:
            return
        topic = self._topics.setdefault(rest.topic_id, _Topic(rest.topic))
        topic.frontier[rest.partition] = rest.next
        topic.owned[rest.partition] = Owned(rest.owner_epoch, rest.leader_epoch)
        topic.losses.append(row_of_loss(rest, loss, why))
        topic.ledger.append(topic.losses[-1])
        if rest.events:
            topic.set_aside.append(rest)

    async def merge(self, *, before_us: int, limit: int) -> int:
        return 0

    async def imaged(self, topic_id: bytes, partition: int) -> Imaged:
        return self._images.imaged((topic_id, partition))

    async def image_before(self, topic_id: bytes, time_us: int) -> dict[int, ImageHead]:
        return self._images.before(topic_id, time_us)

    async def image_part(self, image: int, start: bytes) -> list[Event] | None:
        return self._images.part(image, start)

    async def put_image(
        self, topic_id: bytes, partition: int, at_us: int, parts: AsyncIterator[Sequence[Event]], *, version: int
    ) -> ImageHead | None:
        if not self._is_held(topic_id, partition):
            return None
        return await self._images.put((topic_id, partition), at_us, parts, version)

    async def patch_image(self, image: int, events: Sequence[Event], *, version: int) -> list[Event] | None:
        return self._images.patch(image, events, version)

    async def move_images(self, topic_id: bytes, partition: int, upto: int, *, version: int) -> bool:
        return self._is_held(topic_id, partition) and self._images.move((topic_id, partition), upto, version)

    async def close(self) -> None:
        """Nothing is held open; what was written can still be read."""

    def _is_held(self, topic_id: bytes, partition: int) -> bool:
        topic = self._topics.get(topic_id)
        return topic is not None and partition in topic.frontier

    def _frontier(self, page: Page) -> int | None:
        topic = self._topics.get(page.topic_id)
        if topic is None:
            return None
        check_name(page, topic.name)
        return topic.frontier.get(page.partition)

    def _owner_epoch(self, page: Page) -> int:
        topic = self._topics.get(page.topic_id)
        return 0 if topic is None else topic.owned.get(page.partition, Owned(0, -1)).owner_epoch

    def _hold(self, page: Page) -> None:
        topic = self._topics.setdefault(page.topic_id, _Topic(page.topic))
        events = sorted(page.events)
        start = bisect_left(topic.events, events[0]) if events else len(topic.events)
        topic.events[start:] = sorted([*topic.events[start:], *events])
        topic.frontier[page.partition] = page.next
        topic.owned[page.partition] = Owned(page.owner_epoch, page.leader_epoch)
        first_us, last_us = (events[0].time_us, events[-1].time_us) if events else (None, None)
        topic.ledger.append(LedgerRow(page.partition, page.base, page.next, first_us, last_us, len(events)))


def _shortened(row: LedgerRow, at: int, events: list[Event]) -> LedgerRow:
    if row.next <= at:
        return row
    held = [event for event in events if event.partition == row.partition and row.base <= event.offset < at]
    return row._replace(next=at, events=0 if row.loss is not None else len(held))


def _bounded(row: LedgerRow, ledger: list[LedgerRow]) -> LossRow:
    assert row.loss is not None
    found = LossRow(row.partition, row.base, row.next, row.loss, row.min_time_us, row.max_time_us)
    if row.min_time_us is not None:
        return found
    timed = [other for other in ledger if other.partition == row.partition and other.min_time_us is not None]
    before_us = next((other.min_time_us for other in reversed(timed) if other.base < row.base), None)
    return found.between(before_us, next((other.max_time_us for other in timed if other.base > row.base), None))


def _touches(row: LedgerRow, above: Frontier, upto: Frontier) -> bool:
    low, high = above.get(row.partition, 0), upto.get(row.partition, 0)
    return low < high and low < row.next and row.base < high


def _stats(topic_id: bytes, topic: _Topic) -> TopicStats:
    events = topic.events
    return TopicStats(
        topic=topic.name,
        topic_id=topic_id,
        events=len(events),
        value_bytes=sum(len(event.value or b"") for event in events),
        first_us=events[0].time_us if events else None,
        last_us=events[-1].time_us if events else None,
    )
