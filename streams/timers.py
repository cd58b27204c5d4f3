"""What the agent does by the clock: beat, report, look for pages lost on the way, merge small pages of the store."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from faust.types import TP

from streams import metrics
from streams.agents.persist import Patience
from streams.places import Places
from tivo.model.errors import StoreError
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
    patience: Patience
    probes: Probes
    now: Callable[[], Now]
    log_end: Callable[[TP], int]

    async def run(self) -> None:
        """Never ends by itself. Raises StoreAway."""
        while True:
            self.look()
            await asyncio.sleep(1)

    def look(self) -> None:
        """One look at everything."""
        self.probes.beat()
        away_us = self.patience.away_us()
        self.probes.unready = unready(away_us, self.places)
        if away_us > GIVE_UP_AFTER_US:
            raise StoreAway(f"the store has been away for {away_us / 1e6:.0f} s")
        if not away_us:
            self._rewind_stalled()
        for partition, frontier in self.places.frontiers().items():
            lag = max(self.log_end(partition) - frontier, 0)
            metrics.LAG.labels(partition.topic, partition.partition).set(lag)
        metrics.STOPPED.set(len(self.places.stopped))

    def _rewind_stalled(self) -> None:
        for partition in self.places.stalled(now_us=self.now().steady_us):
            log.warning("%s/%d: pages went lost on their way to the store", partition.topic, partition.partition)
            self.places.rewind(partition)
            metrics.REWINDS.labels("stalled").inc()


def unready(away_us: int, places: Places) -> dict[str, str]:
    """Why the agent should be looked at, by what is wrong."""
    reasons = {f"{tp.topic}/{tp.partition}": reason for tp, reason in places.stopped.items()}
    if away_us > RED_AFTER_US:
        reasons["store"] = f"away for {away_us / 1e6:.0f} s"
    return reasons


async def merge_pages(store: Store, now: Callable[[], Now]) -> None:
    """Rewrite small pages of settled buckets into larger ones, a few each minute. Never ends by itself."""
    while True:
        try:
            merged = await store.merge(before_us=now().wall_us - SETTLED_US, limit=MERGE_AT_ONCE)
        except StoreError as error:
            log.warning("small pages stay as they are for now: %s", error)
        else:
            metrics.MERGED.inc(merged)
        await asyncio.sleep(MERGE_EVERY_S)
