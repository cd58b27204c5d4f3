"""What happens between two looks at the group: partitions are placed, fetched, and what came is cut into pages.

Only here is the driver told to seek, and never while a fetch is in flight.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from aiokafka.errors import KafkaError
from faust.types import TP

from streams.driver import Fetched
from streams.models import FetchedPage, FetchedRecord, LostRecords, SalvagedRecord
from streams.places import UNOWNED, Begin, Cut, Most, Places, Stop, decide
from tivo import metrics
from tivo.client.cluster import Cluster, Led
from tivo.model.errors import BrokerError, PageGap, UnknownTopic
from tivo.model.event import Loss, Page
from tivo.model.timeline import Now
from tivo.store.base import Owned, Store
from tivo.wire.salvage import Piece

log = logging.getLogger(__name__)

AGAIN_S = 0.2
"""Pause before a partition that could not be placed is tried again."""


class Driver(Protocol):
    """What fetches: Faust's consumer, around aiokafka's."""

    async def fetch(self, partitions: set[TP], within_s: float, most: int) -> Fetched: ...
    async def seek_wait(self, partitions: Mapping[TP, int]) -> None: ...
    async def sleep(self, n: float) -> None: ...


class _Known(NamedTuple):
    """What is known of a topic's partitions when they are placed: the log's leaders and ends, the store's frontier."""

    led: Led
    frontier: Mapping[int, int]
    owned: Mapping[int, Owned]
    epoch_ends: Mapping[int, int]
    starts: Mapping[int, int]
    ends: Mapping[int, int]


@dataclass(slots=True, kw_only=True)
class Intake:
    """Gives pages. `until_there` runs what asks the store, for as long as it is away; `salvage` reads a topic, its
    id, a partition and an offset without the driver; `set_aside` notes in the store what it will never hold.
    """

    places: Places
    cluster: Cluster
    store: Store
    until_there: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
    salvage: Callable[[str, bytes, int, int], Awaitable[list[Piece]]]
    set_aside: Callable[[Page, Loss, str], Awaitable[None]]
    now: Callable[[], Now]
    most: Most
    fetch_records: int
    linger_s: float
    _last_fetch: int = field(default=0, init=False)
    _ahead: set[TP] = field(default_factory=set, init=False)
    """Partitions that were read without the driver: it stands where they were before."""

    async def take(self, driver: Driver, active: Collection[TP], within_s: float) -> dict[TP, list[FetchedPage]]:
        """Pages of some partitions, as soon as there are any; none where none can be fetched for now."""
        await self._place(driver)
        await self._catch_up(driver)
        wanted = self.places.wanted(active)
        if not wanted:
            await driver.sleep(AGAIN_S)
            return {}
        await self._linger(driver)
        within_s = min(within_s, AGAIN_S) if self.places.unplaced else within_s
        fetched = await driver.fetch(wanted, within_s, self.fetch_records)
        salvaged = await self._salvaged(fetched.unreadable)
        if not fetched.records and not salvaged:
            return {}
        now = self.now()
        trimmed = await self._verified(fetched.records, salvaged)
        if trimmed is None:
            return {}
        self._last_fetch = max(map(len, fetched.records.values()), default=0)
        return {
            **{tp: self._cut(tp, found, trimmed.get(tp), now) for tp, found in fetched.records.items()},
            **{tp: self._cut_pieces(tp, found, now) for tp, found in salvaged.items()},
        }

    async def _linger(self, driver: Driver) -> None:
        """Under load, that is while earlier pages are not stored yet, let a small page fill."""
        if self.linger_s and self._last_fetch < self.most.events and self.places.is_behind():
            await driver.sleep(self.linger_s)

    async def _verified(self, records: Mapping[TP, Sequence[Any]], others: Iterable[TP]) -> dict[TP, int] | None:
        """Where the logs begin that have lost what should have come first; None where nothing that came can be used.

        A topic may have been made anew, and filled, since its partitions were placed, or its log may have
        lost its end. Asked after the fetch, topic ids and leader epochs settle it: neither ever comes back.
        """
        try:
            led = await self.cluster.leaders({partition.topic for partition in (*records, *others)})
            self.places.topics_seen({topic: told.topic_id for topic, told in led.items()})
            for topic, told in led.items():
                self.places.epochs_seen(topic, told.epochs)
            return {
                partition: start
                for partition, found in records.items()
                if (start := await self._trimmed_to(partition, found[0].offset)) is not None
            }
        except (BrokerError, UnknownTopic) as error:
            log.warning("fetched records cannot be verified, they are fetched again: %s", error)
            self.places.rewind_all()
            metrics.AGENT_REWINDS.labels("unverified").inc()
            return None

    async def _trimmed_to(self, partition: TP, first: int) -> int | None:
        """Where the log begins if it does so behind what was expected; None for natural holes (compaction …)."""
        expected = self.places.expected(partition)
        if expected is None or first <= expected:
            return None
        start = (await self.cluster.log_starts(partition.topic)).get(partition.partition, 0)
        return min(start, first) if start > expected else None

    # ------------------------------------------------------------ pages

    def _cut(
        self, partition: TP, records: Sequence[FetchedRecord], trimmed_to: int | None, now: Now
    ) -> list[FetchedPage]:
        lost: list[FetchedPage] = []
        if trimmed_to is not None:
            lost = self.places.lose(partition, LostRecords((), trimmed_to, "retention", _begins(trimmed_to)), now=now)
        return lost + self.places.cut(partition, records, most=self.most, now=now)

    def _cut_pieces(self, partition: TP, pieces: Sequence[Piece], now: Now) -> list[FetchedPage]:
        pages: list[FetchedPage] = []
        for piece in pieces:
            records = list(map(SalvagedRecord.of, piece.records))
            if piece.broken is None:
                pages += self.places.cut(partition, records, most=self.most, now=now, upto=piece.next)
            else:
                pages += self.places.lose(
                    partition, LostRecords(records, piece.next, "quarantine", piece.broken), now=now
                )
        return pages

    # ------------------------------------------------------------ what the driver cannot read

    async def _salvaged(self, unreadable: Mapping[TP, Exception]) -> dict[TP, list[Piece]]:
        found = {}
        for partition, error in unreadable.items():
            topic_id, offset = self.places.id_of(partition), self.places.expected(partition)
            if topic_id is None or offset is None:
                continue
            try:
                pieces = await self.salvage(partition.topic, topic_id, partition.partition, offset)
            except (BrokerError, UnknownTopic) as failure:
                self.places.rewind(partition)
                self._put_off([partition], f"{failure} (the driver: {error!r})")
                continue
            log.warning("%s/%d: read piece by piece from offset %d on: %r", *partition, offset, error)
            found[partition] = pieces
            self._ahead.add(partition)
        return found

    async def _catch_up(self, driver: Driver) -> None:
        """Let the driver go on behind what was read without it. Its pages have been delivered by now."""
        for partition in self.places.wanted(self._ahead):
            offset = self.places.expected(partition)
            if offset is None:  # it was taken away, or placed anew, while another one was sought
                continue
            try:
                await driver.seek_wait({partition: offset})
            except (KafkaError, TimeoutError) as error:
                log.warning("%s/%d starts again at its frontier: %r", *partition, error)
                self.places.rewind(partition)
        self._ahead.clear()

    # ------------------------------------------------------------ places

    async def _place(self, driver: Driver) -> None:
        """Place what is unplaced, as far as the cluster knows of it."""
        by_topic: dict[str, list[TP]] = {}
        for partition in self.places.due(now_us=self.now().steady_us):
            by_topic.setdefault(partition.topic, []).append(partition)
        await asyncio.gather(*(self._try_to_place(driver, topic, found) for topic, found in by_topic.items()))

    async def _try_to_place(self, driver: Driver, topic: str, partitions: Collection[TP]) -> None:
        try:
            await self._place_topic(driver, topic, partitions)
        except (BrokerError, UnknownTopic, PageGap, KafkaError, TimeoutError) as error:
            self._put_off(partitions, str(error) or repr(error))

    def _put_off(self, partitions: Iterable[TP], reason: str) -> None:
        until_us = self.now().steady_us + round(AGAIN_S * 1e6)
        for partition in self.places.unplaced.intersection(partitions):
            if self.places.waiting.get(partition) != reason:
                log.warning("%s/%d cannot be placed yet: %s", *partition, reason)
            self.places.put_off(partition, reason, until_us=until_us)

    async def _place_topic(self, driver: Driver, topic: str, partitions: Collection[TP]) -> None:
        assignment = self.places.assignments
        led = (await self.cluster.leaders((topic,))).get(topic)
        if led is None:
            raise UnknownTopic(topic)
        topic_id = led.topic_id
        if self.places.is_retired(topic_id):
            self._put_off(partitions, "its topic is being made anew")
            return
        known = await self._look_at(topic, led)
        for partition in partitions:
            if self.places.assignments != assignment:
                return
            await self._place_one(driver, partition, known)

    async def _look_at(self, topic: str, led: Led) -> _Known:
        """What store and log tell of a topic's partitions."""
        frontier = await self.until_there(lambda: self.store.frontier(led.topic_id))
        owned = await self.until_there(lambda: self.store.owned(led.topic_id))
        return _Known(
            led=led,
            frontier=frontier,
            owned=owned,
            epoch_ends=await self._epoch_ends(topic, owned, led),
            starts=await self.cluster.log_starts(topic),
            ends=await self.cluster.log_ends(topic),
        )

    async def _place_one(self, driver: Driver, partition: TP, known: _Known) -> None:
        number, topic_id = partition.partition, known.led.topic_id
        if number not in known.starts or number not in known.ends:
            self._put_off([partition], "nobody tells where its log begins and ends")
            return
        told = decide(
            frontier=known.frontier.get(number),
            log_start=known.starts[number],
            log_end=known.ends[number],
            epoch_end=known.epoch_ends.get(number),
            stopped=self.places.stop_reason(partition, topic_id),
        )
        match told:
            case Stop():
                log.error("%s/%d is stopped: %s", *partition, told.reason)
                self.places.stop(partition, topic_id, told.reason)
            case Cut():
                await self._cut_off(partition, topic_id, told.at, known.frontier[number])
            case Begin():
                owned = known.owned.get(number, UNOWNED)._replace(leader_epoch=known.led.epochs.get(number, -1))
                await self._put(driver, partition, topic_id, told, owned)

    async def _epoch_ends(self, topic: str, owned: Mapping[int, Owned], led: Led) -> dict[int, int]:
        """Of the partitions that have a new leader epoch since the store wrote: where the old one ended in the log."""
        old = {
            number: each.leader_epoch
            for number, each in owned.items()
            if 0 <= each.leader_epoch < led.epochs.get(number, -1)
        }
        return await self.cluster.epoch_ends(topic, old) if old else {}

    async def _cut_off(self, partition: TP, topic_id: bytes, at: int, frontier: int) -> None:
        """Let the store forget what the log has lost; the partition is placed at the next turn."""
        log.error(
            "%s/%d: the log has lost its end, offsets %d to %d go from the store too: truncated",
            *partition, at, frontier - 1,
        )  # fmt: skip
        await self.until_there(lambda: self.store.cut(topic_id, partition.partition, at))
        metrics.AGENT_TRUNCATED.labels(*partition).inc(frontier - at)

    async def _put(self, driver: Driver, partition: TP, topic_id: bytes, begin: Begin, owned: Owned) -> None:
        assignment = self.places.assignments
        if begin.base < begin.position:
            lost = Page(
                topic=partition.topic,
                topic_id=topic_id,
                partition=partition.partition,
                base=begin.base,
                next=begin.position,
                events=(),
                owner_epoch=owned.owner_epoch,
                leader_epoch=owned.leader_epoch,
            )
            await self.set_aside(lost, "retention", _begins(begin.position))
        await driver.seek_wait({partition: begin.position})
        if self.places.assignments == assignment:  # else what was sought is not what is assigned now
            self.places.put(partition, topic_id, begin.position, now_us=self.now().steady_us, owned=owned)


def _begins(offset: int) -> str:
    return f"the log begins at offset {offset}"
