"""What the agent does by the clock: beat, report, look for pages lost on the way, merge small pages of the store."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from faust.types import TP

from streams.agents.persist import Keeper, Patience
from streams.places import Places
from tivo import metrics
from tivo.client.cluster import Cluster
from tivo.model.errors import BrokerError, StoreError
from tivo.model.timeline import MINUTE_US, SECOND_US, Now
from tivo.probes import Probes
from tivo.store.base import Store

log = logging.getLogger(__name__)

RED_AFTER_US = 60 * SECOND_US
"""With the store away for so long the agent calls itself unready."""

GIVE_UP_AFTER_US = 240 * SECOND_US
"""With the store away for so long the agent ends with EXIT_TEMPORARY, before the group would put it out (300 s)."""

MERGE_EVERY_S = 60.0
MERGE_AT_ONCE = 1_000
SETTLED_US = 10 * MINUTE_US
"""Buckets that ended so long ago are worth merging: few events still come into them."""


class StoreAway(Exception):
    """The store has been away for too long; whoever started the agent shall start it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Looks after the agent once a second."""

    places: Places
    cluster: Cluster
    keeper: Keeper
    patience: Patience
    probes: Probes
    now: Callable[[], Now]
    log_end: Callable[[TP], int]

    async def run(self) -> None:
        """Never ends by itself. Raises StoreAway."""
        while True:
            self.look()
            metrics.PROCESS_TASKS.set(len(asyncio.all_tasks()))
            await self.look_at_topics()
            await asyncio.sleep(1)

    async def look_at_topics(self) -> None:
        """A stopped partition goes on once its topic was made anew. One with a new leader epoch is placed anew.

        The log may have lost its end at that epoch, and a log that nobody appends to would tell nobody.
        """
        topics = {partition.topic for partition in (*self.places.stopped, *self.places.frontiers())}
        if topics:
            with suppress(BrokerError):  # then the next second
                led = await self.cluster.leaders(topics)
                self.places.topics_seen({topic: told.topic_id for topic, told in led.items()})
                for topic, told in led.items():
                    self.places.epochs_seen(topic, told.epochs)

    def look(self) -> None:
        """One look at everything."""
        self.probes.beat()
        away_us = self.patience.away_us()
        self.probes.unready = unready(away_us, self.places)
        self.probes.degraded = degraded(self.places)
        if away_us > GIVE_UP_AFTER_US:
            raise StoreAway(f"the store has been away for {away_us / 1e6:.0f} s")
        if not self.keeper.busy:
            self._rewind_stalled()
        metrics.AGENT_LAG.clear()  # of partitions that others have by now
        for partition, frontier in self.places.frontiers().items():
            lag = max(self.log_end(partition) - frontier, 0)
            metrics.AGENT_LAG.labels(partition.topic, partition.partition).set(lag)
        metrics.AGENT_STOPPED.clear()
        for partition in self.places.stopped:
            metrics.AGENT_STOPPED.labels(partition.topic, partition.partition).set(1)
        metrics.AGENT_WAITING.set(len(self.places.waiting))

    def _rewind_stalled(self) -> None:
        for partition in self.places.stalled(now_us=self.now().steady_us):
            log.warning("%s/%d: pages went lost on their way to the store", partition.topic, partition.partition)
            self.places.rewind(partition)
            metrics.AGENT_REWINDS.labels("stalled").inc()


def unready(away_us: int, places: Places) -> dict[str, str]:
    """Why the agent is not at work. It is while it persists all that it can: what cannot be is told as `degraded`."""
    reasons = {}
    if not places.assignments:
        reasons["kafka"] = "the group has given this worker no place yet"
    untried = len(places.unplaced - places.waiting.keys())
    if untried:
        reasons["partitions"] = f"{untried} wait to be placed"
    elif places.waiting and not (places.frontiers() or places.stopped):
        reasons["partitions"] = f"none can be placed: {next(iter(places.waiting.values()))}"
    if away_us > RED_AFTER_US:
        reasons["store"] = f"away for {away_us / 1e6:.0f} s"
    return reasons


def degraded(places: Places) -> dict[str, str]:
    """Why some partitions are not persisted, while the others are."""
    return {f"{tp.topic}/{tp.partition}": reason for tp, reason in (places.stopped | places.waiting).items()}


async def merge_pages(store: Store, now: Callable[[], Now], *, every_s: float = MERGE_EVERY_S) -> None:
    """Rewrite small pages of settled buckets into larger ones, so many at once. Never ends by itself."""
    while True:
        try:
            merged = await store.merge(before_us=now().wall_us - SETTLED_US, limit=MERGE_AT_ONCE)
        except StoreError as error:
            log.warning("small pages stay as they are until the next turn: %s", error)
        else:
            metrics.AGENT_MERGED.inc(merged)
        await asyncio.sleep(every_s)
