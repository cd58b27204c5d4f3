"""Where images go: what a builder knows of one partition, and how a gap between two images is filled."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from math import inf

from tivo import metrics
from tivo.model.bucket import bucket_start
from tivo.model.event import Event
from tivo.model.timeline import Window
from tivo.store.base import Imaged, ImageHead, LedgerRow, Store
from tivo.store.image import Fold
from tivo.store.page import row_bytes
from tivo.store.state import READ_EVENTS, Place, before, layered, state, window

COST = 7
"""An image is put once the events since the one before take so many times its bytes. Packed they are a third of it, so
images are 5 % of what came at most; and a seek reads no more than eight images' worth, or `every_bytes`."""

GUESSED_BYTES = 200
"""What an event of a partition is taken to have as long as none was seen."""


class Superseded(Exception):
    """Others changed the images of this partition meanwhile, or its end was cut off."""


class Stand:
    """What a builder knows of one partition: its images by time, and what gathered in the gaps before and behind each.

    The gap before `heads[i]` is number i, the last one is open. What came into it is counted for late
    events and guessed for others, until it is measured by reading it.
    """

    def __init__(self, *, topic: str, topic_id: bytes, partition: int, told: Imaged) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partition = partition
        self.next = told.next or 0
        self.version = told.version
        self.heads = list(told.heads)
        self.gathered = [0.0] * len(told.heads) + [inf]
        self.last_us: int | None = None
        self.looked_us: int | None = None
        self._event_bytes: float = GUESSED_BYTES
        self._stirred: set[int] = set()

    def stirred(self) -> list[int]:
        """The gaps to look at, the last one first: the open one, and those that events came into late."""
        gaps = sorted({*self._stirred, len(self.heads)}, reverse=True)
        self._stirred.clear()
        return gaps

    def moved(self, upto: int) -> None:
        """The image frontier has moved."""
        self.next = upto
        self.version += 1

    def came(self, rows: Sequence[LedgerRow]) -> None:
        """These are new; most of their events lie in the open gap."""
        self.gathered[-1] += sum(row.events for row in rows) * self._event_bytes
        for row in rows:
            if row.max_time_us is not None:
                self.last_us = row.max_time_us if self.last_us is None else max(self.last_us, row.max_time_us)

    def came_late(self, gap: int, events: Sequence[Event]) -> None:
        """These came into a gap between two images, or before the first."""
        if events:
            self.gathered[gap] += sum(map(row_bytes, events))
            self._stirred.add(gap)

    def put(self, gap: int, head: ImageHead) -> None:
        """A gap has an image in it now."""
        self.heads.insert(gap, head)
        self.gathered.insert(gap, 0)
        self.version += 1

    def measured(self, gap: int, gathered: float, event_bytes: float | None) -> None:
        """What is in a gap now, and what an event in it has."""
        self.gathered[gap] = gathered
        self._event_bytes = event_bytes or self._event_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """How far images lie from each other."""

    every_bytes: int
    bucket_us: int

    @property
    def read_events(self) -> int:
        """Events between two of which an image may be put."""
        return max(1, min(READ_EVENTS, self.every_bytes // GUESSED_BYTES))

    def due_bytes(self, stand: Stand, gap: int) -> int:
        """So many bytes after an image the next one is due."""
        return max(self.every_bytes, self.least_bytes(stand, gap))

    def least_bytes(self, stand: Stand, gap: int) -> int:
        """So many bytes after an image the next one is worth what it costs."""
        return COST * stand.heads[gap - 1].raw_bytes if gap else 1

    def is_due(self, stand: Stand, gap: int) -> bool:
        """Whether a gap is to be read: enough is in it, or it is the open one and a bucket has begun in it."""
        has_begun = gap == len(stand.heads) and self._bucket_has_begun(stand)
        least = self.least_bytes(stand, gap) if has_begun else self.due_bytes(stand, gap)
        return stand.gathered[gap] >= least

    def _bucket_has_begun(self, stand: Stand) -> bool:
        """Whether the newest event lies in a bucket that no look has seen yet."""
        if stand.last_us is None:
            return False
        bucket_us, looked_us = bucket_start(stand.last_us, self.bucket_us), stand.looked_us
        stand.looked_us = bucket_us
        return (looked_us is None or looked_us < bucket_us) and all(head.at_us < bucket_us for head in stand.heads[-1:])

    def between(self, stand: Stand, gap: int, gathered: int, last_us: int, first_us: int) -> int | None:
        """The time of an image between two events that follow each other; None for none."""
        bucket_us = bucket_start(first_us, self.bucket_us)
        if last_us < bucket_us and gathered >= self.least_bytes(stand, gap):
            return bucket_us
        return first_us if last_us < first_us and gathered >= self.due_bytes(stand, gap) else None

    def pieces(self, events: Sequence[Event]) -> Iterator[Sequence[Event]]:
        """Events in playback order, cut at bucket starts."""
        first = 0
        if bucket_start(events[0].time_us, self.bucket_us) != bucket_start(events[-1].time_us, self.bucket_us):
            for at in range(1, len(events)):
                bucket_us = bucket_start(events[at].time_us, self.bucket_us)
                if events[at - 1].time_us < bucket_us:
                    yield events[first:at]
                    first = at
        yield events[first:]


async def fill(
    store: Store, stand: Stand, gap: int, spacing: Spacing, stand_back: Callable[[], Awaitable[None]]
) -> None:
    """Read a gap in playback order, and put images into it. Raises Superseded, ImageGone."""
    filling = _Filling(store, stand, gap, spacing)
    start_us = stand.heads[gap - 1].at_us if gap else None
    end_us = stand.heads[gap].at_us if gap < len(stand.heads) else None
    upto = {stand.partition: stand.next}
    found = window(store, stand.topic_id, Window(start_us, end_us), limit=spacing.read_events, upto=upto)
    async with aclosing(found):
        async for events in found:
            await stand_back()
            for piece in spacing.pieces(events):
                await filling.take(piece)
    filling.end()


class _Filling:
    """A gap as far as it was read: what came since the image before it, folded."""

    def __init__(self, store: Store, stand: Stand, gap: int, spacing: Spacing) -> None:
        self._store = store
        self._stand = stand
        self._gap = gap
        self._spacing = spacing
        self._last_us: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._fold, self._gathered, self._seen = Fold(), 0, 0

    async def take(self, piece: Sequence[Event]) -> None:
        """Fold the next events in, behind an image where one is due before them."""
        first_us = piece[0].time_us
        if self._last_us is not None:
            at_us = self._spacing.between(self._stand, self._gap, self._gathered, self._last_us, first_us)
            if at_us is not None:
                await self._put(at_us)
        self._fold.take(piece)
        self._gathered += sum(map(row_bytes, piece))
        self._seen += len(piece)
        self._last_us = piece[-1].time_us

    def end(self) -> None:
        """There are no more. A gap that could not be cut is read again once half as much came as makes one due."""
        due_bytes = self._spacing.due_bytes(self._stand, self._gap)
        left = self._gathered if self._gathered < due_bytes else due_bytes / 2
        self._stand.measured(self._gap, left, self._gathered / self._seen if self._seen else None)

    async def _put(self, at_us: int) -> None:
        stand, gap = self._stand, self._gap
        place = Place(topic_id=stand.topic_id, until=before(stand.topic, at_us), upto={stand.partition: stand.next})
        is_whole = self._fold.bound is None  # else it has let go of keys, and they are read again bit by bit
        images = stand.heads[gap - 1 : gap] if gap else []
        events = layered(self._store, images, self._fold) if is_whole else state(self._store, place)
        async with aclosing(events):
            head = await self._store.put_image(stand.topic_id, stand.partition, at_us, events, version=stand.version)
        if head is None:
            raise Superseded
        stand.put(gap, head)
        metrics.AGENT_IMAGES.labels(stand.topic).inc()
        self._gap += 1
        self._begin()
