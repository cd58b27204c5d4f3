"""How much older than the newest record the next one is that a group will read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.group_offsets import Standing
from tivo.client.log_reader import LogReader
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.timeline import Now
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TopicRef

_ONE_BATCH = 1
"""Bytes that a read may bring: a broker gives one batch all the same."""


class Delays:
    """Reads one record in each partition in which a group is behind."""

    def __init__(self, bootstrap: Bootstrap, cluster: Cluster, now: Callable[[], Now]) -> None:
        self._cluster = cluster
        self._reader = LogReader(bootstrap, cluster, now)

    async def close(self) -> None:
        await self._reader.close()

    async def measured(self, standings: Sequence[Standing]) -> list[Standing]:
        """The same, sorted by partition, with `behind_us` where the times can be had."""
        told: list[Standing] = []
        for topic, ours in groupby(sorted(standings, key=lambda each: each.spot), key=lambda each: each.spot.topic):
            told += await self._of_topic(topic, list(ours))
        return told

    async def _of_topic(self, topic: str, standings: list[Standing]) -> list[Standing]:
        if not any(each.lag for each in standings):
            return [replace(each, behind_us=each.lag) for each in standings]  # 0 where nothing is left to read
        try:
            ids = await self._cluster.topic_ids((topic,))
            newest_us = await self._cluster.last_times_us(topic)
        except (BrokerError, UnknownTopic):  # a cluster that is too old to tell, or a topic that went
            return standings
        ref = TopicRef(topic, ids.get(topic, b""), ())
        return [replace(each, behind_us=await self._behind_us(ref, each, newest_us)) for each in standings]

    async def _behind_us(self, topic: TopicRef, standing: Standing, newest_us: dict[int, int]) -> int | None:
        if not standing.lag:
            return standing.lag
        partition = standing.spot.partition
        place = TailPlace(partition, standing.committed, None, 1)
        try:
            (found,) = await self._reader.read(topic, [place], max_bytes=_ONE_BATCH)
        except (BrokerError, UnknownTopic):
            return None
        if not found.events or partition not in newest_us:
            return None  # what it would read next is gone from the log, or in a transaction that is open
        return max(newest_us[partition] - found.events[0].time_us, 0)
