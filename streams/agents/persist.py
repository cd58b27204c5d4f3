"""topic → store, page by page. The agent stays with its pages, however the store fails, until they are held."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import TypeVar, cast

from faust.types import TP, ChannelT, StreamT
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from streams.models import FetchedPage, halves, to_page
from streams.places import Places
from tivo import metrics
from tivo.model.errors import PageGap, RequestError, StoreError
from tivo.model.event import Loss, Page
from tivo.model.timeline import Now
from tivo.store.base import Store

log = logging.getLogger(__name__)

PAGE_FAULTS = (RequestError, ValueError, ArithmeticError)
"""The fault of what stands in a page. Anything else is a fault of ours: it leaves the agent, which starts again."""

FAULTS = 3
"""So often a page may fail by its own fault before it is cut in two."""

LONGEST_WAIT_S = 5.0

T = TypeVar("T")


class Patience:
    """Repeats what fails because the store is away, for ever, with back-off and jitter; tells for how long it has."""

    def __init__(self, steady_us: Callable[[], int]) -> None:
        self._steady_us = steady_us
        self._away_since_us: int | None = None

    def away_us(self) -> int:
        """For how long the store has been away by now; 0 while it is there."""
        return 0 if self._away_since_us is None else self._steady_us() - self._away_since_us

    async def until_there(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of the store, once it gives one."""
        retrying = AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.05, max=LONGEST_WAIT_S),
            retry=retry_if_exception(_store_is_away),
            before_sleep=self._note_away,
        )
        async for attempt in retrying:
            with attempt:
                answer = await ask()
        if self._away_since_us is not None:
            log.warning("the store is back after %.1f s", self.away_us() / 1e6)
            self._away_since_us = None
        return answer

    def _note_away(self, state: RetryCallState) -> None:
        metrics.AGENT_RETRIES.inc()
        if self._away_since_us is None:
            self._away_since_us = self._steady_us()
            log.warning("the store is away: %s", state.outcome and state.outcome.exception())


class Keeper:
    """Writes fetched pages until the store holds them, and tells the places."""

    def __init__(self, store: Store, places: Places, patience: Patience, now: Callable[[], Now]) -> None:
        self._store = store
        self._places = places
        self._patience = patience
        self._now = now
        self.busy = False

    async def keep(self, fetched: Sequence[FetchedPage]) -> None:
        """Store pages in one transaction, without those that no longer follow from where their partition stands."""
        current = [page for page in fetched if self._places.is_current(page)]
        if not current:
            return
        began_us = self._now().steady_us
        self.busy = True
        try:
            gone = await self._settle(current)
        finally:
            self.busy = False
        now_us = self._now().steady_us
        metrics.AGENT_PAGES_WRITTEN.observe(len(current))
        metrics.AGENT_WRITE_SECONDS.observe((now_us - began_us) / 1e6)
        for page in current:
            if page.tp not in gone:
                self._places.stored(page, now_us=now_us)
                if page.loss is None:
                    metrics.AGENT_EVENTS_STORED.labels(page.topic).inc(len(page.records))

    async def set_aside(self, page: Page, loss: Loss, why: str) -> None:
        """Note that the store will never hold the offsets of a page. Raises PageGap."""
        log.error("%s/%d: offsets %d to %d: %s: %s", page.topic, page.partition, page.base, page.next - 1, loss, why)
        await self._patience.until_there(lambda: self._store.quarantine(page, loss, why))
        if loss == "quarantine":
            metrics.AGENT_QUARANTINED.labels(page.topic).inc(len(page.events) or page.next - page.base)
        else:
            metrics.AGENT_GAP_OFFSETS.labels(page.topic, page.partition).inc(page.next - page.base)

    async def _settle(self, fetched: Sequence[FetchedPage]) -> set[TP]:
        """Write pages, and note those that are a loss, in turn; returns the partitions that were rewound instead."""
        gone: set[TP] = set()
        for is_held, run in groupby(fetched, key=lambda page: page.loss is None):
            left = [page for page in run if page.tp not in gone]
            if not is_held:
                for page in left:
                    gone |= await self._lose(page)
            elif left:
                gone |= await self._write([to_page(page) for page in left])
        return gone

    async def _lose(self, page: FetchedPage) -> set[TP]:
        assert page.loss is not None
        try:
            await self.set_aside(to_page(page), page.loss, page.why)
        except PageGap as gap:
            return {self._rewind(gap)}
        return set()

    async def _write(self, pages: list[Page]) -> set[TP]:
        """Write pages in one transaction; returns the partitions that were rewound instead."""
        try:
            await self._patience.until_there(lambda: self._store.write_all(pages))
        except PageGap as gap:
            gone = self._rewind(gap)
            left = [page for page in pages if (page.topic, page.partition) != gone]
            return {gone} | (await self._write(left) if left else set())
        except PAGE_FAULTS:
            return await self._write_one_by_one(pages)
        return set()

    async def _write_one_by_one(self, pages: list[Page]) -> set[TP]:
        gone: set[TP] = set()
        for page in pages:
            if TP(page.topic, page.partition) not in gone:
                try:
                    await self._write_or_set_aside(page, attempts=FAULTS)
                except PageGap as gap:
                    gone.add(self._rewind(gap))
        return gone

    async def _write_or_set_aside(self, page: Page, *, attempts: int) -> None:
        """Write a page; one that keeps failing is halved down to the events at fault, which go into quarantine."""
        reason = ""
        for _ in range(attempts):
            try:
                await self._patience.until_there(lambda: self._store.write(page))
            except PAGE_FAULTS as fault:
                reason = f"{type(fault).__name__}: {fault}"
            else:
                return
        parts = halves(page)
        if parts is None:
            await self.set_aside(page, "quarantine", reason)
        else:
            for part in parts:
                await self._write_or_set_aside(part, attempts=1)

    def _rewind(self, gap: PageGap) -> TP:
        log.warning("%s; it starts again at the frontier", gap)
        partition = TP(gap.topic, gap.partition)
        self._places.rewind(partition)
        metrics.AGENT_REWINDS.labels("gap").inc()
        return partition


def persist(keeper: Keeper, *, most_pages: int, most_events: int) -> Callable[[StreamT[FetchedPage]], Awaitable[None]]:
    """The agent. Pages that wait behind the one in hand share its transaction, up to these bounds."""

    async def persist_pages(stream: StreamT[FetchedPage]) -> None:
        async for page in stream:
            pages = [page]
            waiting = cast(ChannelT[FetchedPage], stream.channel).queue
            events = len(page.records)
            while len(pages) < most_pages and events < most_events and not waiting.empty():
                pages.append(waiting.get_nowait().value)
                events += len(pages[-1].records)
            await keeper.keep(pages)

    return persist_pages


def _store_is_away(error: BaseException) -> bool:
    return isinstance(error, StoreError) and not isinstance(error, PageGap)
