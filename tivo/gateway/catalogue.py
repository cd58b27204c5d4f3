"""What the gateway knows of topics: which there are, how much they hold, and up to when the store is complete."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from tivo.client.cluster import Extent
from tivo.gateway.doors import Clock, Cluster
from tivo.gateway.problems import Problem
from tivo.model.errors import BrokerError, StoreError, UnknownTopic
from tivo.model.event import Frontier
from tivo.model.timeline import MINUTE_US, SECOND_US, Window
from tivo.model.topic_name import is_legal_name
from tivo.playback.facts import TopicRef
from tivo.store.base import Store, TopicStats

KEPT_US = SECOND_US
"""How long an answer of the broker about its topics is good: a hot read then costs no extra trip."""
WATCH_SECONDS = 1.0


class TopicReport(NamedTuple):
    """One topic as lists show it. `pending` counts what the log holds and the store does not yet."""

    name: str
    topic_id: str
    partitions: int
    events: int
    pending: int
    value_bytes: int
    rate: float
    first_us: int | None
    last_us: int | None


class Catalogue:
    """Topics by name, out of the broker; what they hold, out of the store and the ends of the log."""

    def __init__(self, *, cluster: Cluster, store: Store, now: Clock) -> None:
        self._cluster = cluster
        self._store = store
        self._now = now
        self._known: dict[str, TopicRef] = {}
        self._read_us: int | None = None
        self.trouble: dict[str, str] = {"log": "not reached yet", "store": "not reached yet"}
        """Which neighbour is away, and what it said."""

    async def watch(
        self, changed: Callable[[Mapping[str, TopicRef]], None], *, every_seconds: float = WATCH_SECONDS
    ) -> None:
        """Tell of every change of topics or partitions, and keep `trouble` up to date, for ever."""
        told: Mapping[str, TopicRef] = {}
        while True:
            try:
                await self.topics(fresh=True)
            except BrokerError as error:
                await self.note_away(str(error))
            else:
                self.trouble = await self._store_trouble()
            if self._known != told:
                told = self._known
                changed(told)
            await asyncio.sleep(every_seconds)

    async def note_away(self, reason: str) -> None:
        """The log cannot be reached: `trouble` says so, and what is the matter with the store besides."""
        self.trouble = {"log": reason} | await self._store_trouble()

    async def _store_trouble(self) -> dict[str, str]:
        try:
            await self._store.frontier(b"")
        except StoreError as error:
            return {"store": str(error)}
        return {}

    async def topics(self, *, fresh: bool = False) -> Mapping[str, TopicRef]:
        """The topics people may see, by name. Raises BrokerError where the log is away and none was ever seen."""
        steady_us = self._now().steady_us
        if fresh or self._read_us is None or steady_us - self._read_us > KEPT_US:
            try:
                infos = await self._cluster.topics()
            except BrokerError:
                if self._read_us is None or fresh:
                    raise
            else:
                self._known = {
                    name: TopicRef(name, info.topic_id, info.partitions)
                    for name, info in sorted(infos.items())
                    if not info.internal
                }
            self._read_us = steady_us
        return self._known

    @property
    def known(self) -> Mapping[str, TopicRef]:
        """The topics as they were seen last."""
        return self._known

    async def find(self, name: str) -> TopicRef:
        """One topic. Raises UnknownTopic, BrokerError."""
        topic = (await self.topics()).get(name)
        if topic is None and is_legal_name(name):
            topic = (await self.topics(fresh=True)).get(name)
        if topic is None:
            raise UnknownTopic(name)
        return topic

    async def log_starts(self, topic: TopicRef) -> dict[int, int]:
        """Per partition the first offset that the log still has."""
        return await self._cluster.log_starts(topic.name)

    async def log_ends(self, topic: TopicRef) -> dict[int, int]:
        """Per partition the offset behind the last that can be read."""
        return await self._cluster.log_ends(topic.name)

    async def reports(self, topics: Iterable[TopicRef]) -> list[TopicReport]:
        """What each topic holds; one that was deleted a moment ago is left out. Raises BrokerError, StoreError."""
        stats = {each.topic_id: each for each in await self._store.topics()}
        asked = list(topics)
        extents = await self._cluster.extents([topic.name for topic in asked]) if asked else {}
        # One after another: side by side in a task group a neighbour's error would come as a group of errors.
        return [
            await self._report(topic, extent, stats.get(topic.topic_id))
            for topic in asked
            if (extent := extents.get(topic.name)) is not None and extent.topic_id == topic.topic_id
        ]

    async def _report(self, topic: TopicRef, extent: Extent, stats: TopicStats | None) -> TopicReport:
        held = stats or TopicStats(topic.name, topic.topic_id, 0, 0, None, None)
        pending = 0
        if extent.starts != extent.ends:
            pending = sum(_behind(extent, await self._store.frontier(topic.topic_id)).values())
        return TopicReport(
            name=topic.name,
            topic_id=topic.topic_id.hex(),
            partitions=len(topic.partitions),
            events=held.events + pending,
            pending=pending,
            value_bytes=held.value_bytes,
            rate=await self._rate(held),
            first_us=held.first_us,
            last_us=held.last_us,
        )

    async def _rate(self, held: TopicStats) -> float:
        """Events a second over the last minute."""
        wall_us = self._now().wall_us
        if held.last_us is None or held.last_us < wall_us - MINUTE_US:
            return 0.0
        overview = await self._store.overview(held.topic_id, Window(wall_us - MINUTE_US, wall_us), 1)
        return round(sum(overview.counts) / 60, 3)

    async def _extent(self, topic: TopicRef) -> Extent:
        extent = (await self._cluster.extents([topic.name])).get(topic.name)
        if extent is None or extent.topic_id != topic.topic_id:
            raise UnknownTopic(topic.name)
        return extent

    async def check_offset(self, topic: TopicRef, partition: int, offset: int) -> None:
        """Raises Problem 416, with the earliest and latest, where neither log nor store reach to an offset."""
        extent = await self._extent(topic)
        earliest, latest = extent.starts.get(partition, 0), extent.ends.get(partition, 0)
        if earliest <= offset <= latest:
            return
        if offset < earliest and await self._store.ledger(
            topic.topic_id, above={partition: offset}, upto={partition: earliest}
        ):
            return
        detail = f"{topic.name}/{partition} goes from offset {earliest} to {latest}, {offset} lies outside"
        raise Problem(416, "offset_out_of_range", detail, earliest=earliest, latest=latest)

    async def complete_to(self, topic: TopicRef, frontier: Frontier) -> int | None:
        """The time up to which the store is complete; None where the log is away, or nothing is stored yet.

        The store follows each partition in offset order, so what it may lack begins at the oldest
        of the times at which the partitions that it is behind in were last written.
        """
        try:
            behind = _behind(await self._extent(topic), frontier)
        except BrokerError:
            return None
        if not behind:
            return self._now().wall_us
        written = await self._store.ledger(
            topic.topic_id,
            above={p: max(frontier.get(p, 0) - 1, 0) for p in behind},
            upto={p: frontier.get(p, 0) for p in behind},
        )
        newest = {row.partition: row.max_time_us for row in written if row.max_time_us is not None}
        if behind.keys() - newest.keys():
            return None
        return min(newest[p] for p in behind)


def _behind(extent: Extent, frontier: Frontier) -> dict[int, int]:
    """Per partition that has any, how many offsets of the log lie at or beyond the frontier."""
    behind = {p: end - max(frontier.get(p, 0), extent.starts.get(p, 0)) for p, end in extent.ends.items()}
    return {p: count for p, count in behind.items() if count > 0}
