"""The door to every store. A store joins by passing `tests/conformance/store`."""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from tivo.model.event import Cursor, Event, Frontier, Loss, Lost, Page
from tivo.model.timeline import Window

MAX_READ_BYTES = 4 << 20
"""A read ends here unless told otherwise: a value may have 1 MiB, and 500 of them are not to be in memory at once."""


class Written(StrEnum):
    """What a write did. All three leave the store holding everything below `page.next`."""

    STORED = "stored"
    TRIMMED = "trimmed"  # the first part was there already
    SKIPPED = "skipped"  # all of it was there already


class LedgerRow(NamedTuple):
    """Offsets that were written in one go: what they hold and from when to when.

    Per partition the rows follow each other without a hole: each begins where the one before it
    ends, the first where the store began. `merge` joins neighbours into one row. A row with a
    `loss` holds no event, and `why` tells of it at length. Times are those of the events, held or
    set aside; None where there were none, as in a page of natural holes, or where nobody saw them.
    """

    partition: int
    base: int
    next: int
    min_time_us: int | None
    max_time_us: int | None
    events: int
    loss: Loss | None = None
    why: str | None = None


class TopicStats(NamedTuple):
    """What a store knows of one topic. Times are None where it holds no event."""

    topic: str
    topic_id: bytes
    events: int
    value_bytes: int
    first_us: int | None
    last_us: int | None


class Owned(NamedTuple):
    """Who may write to a partition (`Page.owner_epoch`), and of which leader epoch its last page came."""

    owner_epoch: int
    leader_epoch: int


class Found(NamedTuple):
    """What a read found. `last`: there are no more; else the next read goes on behind the last of the events."""

    events: list[Event]
    last: bool


class Overview(NamedTuple):
    """Event counts over a window: `counts[i]` stands for start_us + i·width_us ≤ t < start_us + (i+1)·width_us."""

    start_us: int
    width_us: int
    counts: list[int]


class ImageHead(NamedTuple):
    """An image of a partition: the last event of every key with a time before `at_us`.

    It lacks no offset below `next`, the image frontier, and may hold some beyond. `raw_bytes`: of its events, as
    they are counted for pages (`page.row_bytes`).
    """

    image: int
    at_us: int
    next: int
    events: int
    raw_bytes: int


class Imaged(NamedTuple):
    """The images of a partition by time. `next`: the image frontier, None as long as nobody has looked.

    `version` counts up with every image put, every move of the image frontier and every cut: whoever builds images
    says which one he knows, and nothing is done where it is another by now.
    """

    next: int | None
    version: int
    heads: list[ImageHead]


class Store(Protocol):
    """Holds events by topic *id* (a topic made anew starts at offset 0 again) and time.

    Every method raises StoreError where the store is away or damaged. The frontier only grows,
    and the events below it never change, but for `cut`; so whoever takes a frontier and then reads
    up to it sees one state, whatever is written meanwhile. An async context manager that closes itself.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def write(self, page: Page) -> Written:
        """Hold a page and move the frontier to `page.next`, in one transaction.

        The frontier is compared with the page's base: equal (or unset) writes, at or beyond
        `page.next` skips, between them trims. Short of the base raises PageGap and writes nothing;
        so does, as StalePage, a page of another owner epoch than the partition's.
        A page that contradicts itself (an offset outside of it, an event of another topic) raises
        RecordError; `quarantine` takes it.
        """
        ...

    async def write_all(self, pages: list[Page]) -> list[Written]:
        """`write` each page in turn, all in one transaction; a PageGap writes none of them."""
        ...

    async def read(  # noqa: PLR0913  each bound is one that the handoff needs
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
        """The first `limit` events of a window in playback order (the last ones, newest first, where `reverse`).

        Only events with above[p] ≤ offset < upto[p] (a partition missing from `above` starts at
        0, one missing from a given `upto` holds nothing) and with after < cursor ≤ until. Where
        `reverse`, both bound from above: cursor < after and cursor ≤ until. Ends behind the event
        with which keys, values and headers pass `max_bytes`, so at least one event comes.
        """
        ...

    async def topics(self) -> list[TopicStats]:
        """All topics that the store holds anything of, by name."""
        ...

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        """The frontier of a topic; empty where nothing was ever written."""
        ...

    async def owned(self, topic_id: bytes) -> dict[int, Owned]:
        """Per partition, who may write to it; empty where nothing was ever written."""
        ...

    async def cut(self, topic_id: bytes, partition: int, at: int) -> int:
        """Drop what is held at or beyond an offset: the log has lost it, and will use these offsets again.

        The frontier is `at` then and the owner epoch, which is returned, one higher: pages that are
        still on their way are refused. Where the frontier lies there or lower, nothing happens. What
        was set aside in quarantine is kept; images of any of these events go.
        """
        ...

    async def ledger(self, topic_id: bytes, *, above: Frontier, upto: Frontier) -> list[LedgerRow]:
        """The rows that touch offsets in above[p] ≤ offset < upto[p], by partition and base; cheap, it reads no events.

        Tells whether events in a range of offsets may lie at or before a time, and which offsets
        were set aside. A partition missing from `above` starts at 0, one missing from `upto` has none.
        """
        ...

    async def overview(self, topic_id: bytes, window: Window, buckets: int) -> Overview:
        """Counts over at most `buckets` even slices of a bounded window, mostly laid out from 1970 (`overview.slices`).

        The first and the last slice may reach beyond the window; only events inside it are counted.
        """
        ...

    async def lost(self, topic_id: bytes, window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
        """The losses in above[p] ≤ offset < upto[p] that may concern a window, by partition and base. Cheap.

        Where the times are known (`LedgerRow`) they decide. Offsets lost unseen may have lain anywhere
        between the first time of the nearest row before them that has times and the last one of the
        nearest behind, unbounded where there is none. A partition missing from `above` starts at 0,
        one missing from `upto` has none. Ranges are clipped to these bounds, and neighbours that
        were lost for the same reason are one.
        """
        ...

    async def quarantine(self, page: Page, loss: Loss, why: str) -> None:
        """Note that the offsets of a page will never be held, and move the frontier past them.

        Compares the frontier as `write` does. The page's events, as far as anything can be told of
        them, are set aside and never deleted; a page without events tells of offsets that nobody saw.
        """
        ...

    async def merge(self, *, before_us: int, limit: int) -> int:
        """Rewrite up to `limit` small pages into larger ones, oldest buckets first; how many went.

        A bucket that ended before the time is merged whole, a later one once enough small pages
        have gathered in it. Readers see the same events. Call again at once while it returns
        `limit` or more, later where it returns less.
        """
        ...

    async def imaged(self, topic_id: bytes, partition: int) -> Imaged:
        """The images of a partition, for whoever builds them; `store.state` reads them."""
        ...

    async def image_before(self, topic_id: bytes, time_us: int) -> dict[int, ImageHead]:
        """Per partition that has one, the newest image at or before a time."""
        ...

    async def image_part(self, image: int, start: bytes) -> list[Event] | None:
        """The next events of an image in the order of keys, from a place in that order on (`image.key_order`).

        As many as one part holds, none behind the last. None where the image is gone: a cut took it.
        """
        ...

    async def put_image(
        self, topic_id: bytes, partition: int, at_us: int, parts: AsyncIterator[Sequence[Event]], *, version: int
    ) -> ImageHead | None:
        """Hold an image, which lacks no offset below the image frontier. None where the version was another.

        The parts come in the order of keys, and are held one by one; the image can be read once all of
        them are, and takes the place of one at the same time. The version is one higher then.
        """
        ...

    async def patch_image(self, image: int, events: Sequence[Event], *, version: int) -> list[Event] | None:
        """Fold late events, one a key and in the order of keys, into an image: those that are now in it.

        None where the partition's version is another, or the image is gone; some may be in it then.
        """
        ...

    async def move_images(self, topic_id: bytes, partition: int, upto: int, *, version: int) -> bool:
        """Set the image frontier, now that no image lacks an offset below it. The version is one higher then.

        False where it was another, or the partition is not held.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...
