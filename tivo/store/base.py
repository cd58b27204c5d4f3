"""The door to every store. A store joins by passing `tests/conformance/store`."""

from enum import StrEnum
from typing import NamedTuple, Protocol

from tivo.model.event import Cursor, Event, Frontier, Page
from tivo.model.timeline import Window


class Written(StrEnum):
    """What a write did. All three leave the store holding everything below `page.next`."""

    STORED = "stored"
    TRIMMED = "trimmed"  # the first part was there already
    SKIPPED = "skipped"  # all of it was there already


class LedgerRow(NamedTuple):
    """One page as it was written: what it holds and from when to when."""

    partition: int
    base: int
    next: int
    min_time_us: int
    max_time_us: int
    events: int


class TopicStats(NamedTuple):
    """What a store knows of one topic. Times are None where it holds no event."""

    topic: str
    topic_id: bytes
    events: int
    value_bytes: int
    first_us: int | None
    last_us: int | None


class Overview(NamedTuple):
    """Event counts over a window: `counts[i]` stands for start_us + i·width_us ≤ t < start_us + (i+1)·width_us."""

    start_us: int
    width_us: int
    counts: list[int]


class Store(Protocol):
    """Holds events by topic *id* (a topic made anew starts at offset 0 again) and time.

    Every method raises StoreError where the store is away or damaged. The frontier only grows,
    and the events below it never change; so whoever takes a frontier and then reads up to it
    sees one state, whatever is written meanwhile.
    """

    async def write(self, page: Page) -> Written:
        """Hold a page and move the frontier to `page.next`, in one transaction.

        The frontier is compared with the page's base: equal (or unset) writes, at or beyond
        `page.next` skips, between them trims. Short of the base raises PageGap and writes nothing.
        """
        ...

    async def write_all(self, pages: list[Page]) -> list[Written]:
        """`write` each page in turn, all in one transaction; a PageGap writes none of them."""
        ...

    async def read(
        self,
        topic_id: bytes,
        window: Window,
        *,
        above: Frontier | None = None,
        upto: Frontier | None = None,
        after: Cursor | None = None,
        until: Cursor | None = None,
        limit: int,
        reverse: bool = False,
    ) -> list[Event]:
        """The first `limit` events of a window in playback order (the last ones, newest first, where `reverse`).

        Only events with above[p] ≤ offset < upto[p] (a partition missing from `above` starts at
        0, one missing from a given `upto` holds nothing) and with after < cursor ≤ until. Where
        `reverse`, `after` bounds from above: cursor < after. Fewer than `limit` means that there are no more.
        """
        ...

    async def topics(self) -> list[TopicStats]:
        """All topics that the store holds anything of, by name."""
        ...

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        """The frontier of a topic; empty where nothing was ever written."""
        ...

    async def ledger(self, topic_id: bytes, *, above: Frontier, upto: Frontier) -> list[LedgerRow]:
        """The pages that hold offsets in above[p] ≤ offset < upto[p]; cheap, it reads no events.

        Tells whether events in a range of offsets may lie at or before a time.
        """
        ...

    async def overview(self, topic_id: bytes, window: Window, buckets: int) -> Overview:
        """Counts over at most `buckets` slices of a bounded window."""
        ...

    async def quarantine(self, page: Page, reason: str) -> None:
        """Set a page aside that cannot be stored as events, and move the frontier past it. Never deleted."""
        ...

    async def merge(self, *, before_us: int, limit: int) -> int:
        """Rewrite up to `limit` small pages of buckets that ended before a time into larger ones; how many went."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...
