"""Copies topics, and how far groups have come in them, from one Kafka cluster to another.

Nobody else may write to the topics meanwhile, at either end: the copy says where somebody did.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tivo.client.access import Bootstrap
from tivo.client.appender import Appender
from tivo.client.cluster import Cluster, Extent, TopicInfo
from tivo.client.fetcher import Answer, Bounds, Fetched, Fetcher, Place
from tivo.client.group_offsets import Move, Spot
from tivo.client.groups import Groups
from tivo.client.transfer import OffsetMap, batched, to_batch
from tivo.model.errors import BrokerError, RequestError, UnknownTopic
from tivo.model.timeline import Now
from tivo.wire.error_codes import ErrorCode
from tivo.wire.salvage import Piece

KEPT = {"retention.ms": "-1"}
"""Kafka's retention goes by the records' own times: by its default, what is a week old would go at once."""

_OURS = "tivo."
"""How the names of settings begin that other brokers do not know."""

_BOUNDS = Bounds(4 << 20, 4 << 20, wait_ms=500)
_PATIENCE = 10
"""So many fetches in a row may bring nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedTopic:
    """A topic that was copied. `broken` are offsets of the source whose records cannot be read: spot, first, next."""

    name: str
    partitions: int
    records: int
    broken: tuple[tuple[Spot, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedGroup:
    """A group whose committed offsets were copied."""

    name: str
    offsets: int


@asynccontextmanager
async def copier(source: Bootstrap, target: Bootstrap, now: Callable[[], Now]) -> AsyncIterator["Copier"]:
    """A copier between two clusters. Raises BrokerError where one does not answer."""
    async with AsyncExitStack() as opened:
        clusters = [await opened.enter_async_context(Cluster(bootstrap)) for bootstrap in (source, target)]
        groups = [await opened.enter_async_context(Groups(bootstrap, now)) for bootstrap in (source, target)]
        fetcher = Fetcher(source, clusters[0], client_id="tivo-copy")
        opened.push_async_callback(fetcher.close)
        await fetcher.start()
        appender = Appender(target, clusters[1])
        opened.push_async_callback(appender.close)
        await appender.start()
        yield Copier(_Source(clusters[0], groups[0], fetcher), _Target(clusters[1], groups[1], appender))


@dataclass(frozen=True, slots=True)
class _Source:
    cluster: Cluster
    groups: Groups
    fetcher: Fetcher

    async def extent(self, topic: str) -> Extent:
        """Raises UnknownTopic."""
        return await _extent(self.cluster, topic)

    async def pieces(self, place: Place, start: int, end: int) -> AsyncIterator[Piece]:
        """What a partition holds, in order, up to an offset. Raises BrokerError where it comes to no end."""
        offset, idle = start, 0
        while offset < end:
            told = await self._fetch(place, offset)
            found = [piece for piece in told.pieces(offset) if piece.next <= end] if isinstance(told, Fetched) else []
            idle = 0 if found else idle + 1
            if idle == _PATIENCE:
                why = "nothing comes" if isinstance(told, Fetched) else told.name
                raise BrokerError(f"{place.topic}/{place.partition} cannot be read at offset {offset}: {why}")
            for piece in found:
                offset = piece.next
                yield piece

    async def _fetch(self, place: Place, offset: int) -> Answer:
        for leader, wanted in (await self.fetcher.by_leader({place: offset})).items():
            return (await self.fetcher.fetch(leader, wanted, _BOUNDS))[place]
        await asyncio.sleep(_BOUNDS.wait_ms / 1000)
        return ErrorCode.LEADER_NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class _Target:
    cluster: Cluster
    groups: Groups
    appender: Appender

    async def check(self, topic: TopicInfo) -> bool:
        """Whether the topic is there, empty and with as many partitions. Raises RequestError where it is otherwise."""
        present = (await self.cluster.topics()).get(topic.name)
        if present is None:
            return False
        if present.partitions != topic.partitions:
            raise RequestError(
                f"topic {topic.name!r} has {len(topic.partitions)} partitions,"
                f" {len(present.partitions)} where it is to go"
            )
        extent = await _extent(self.cluster, topic.name)
        if extent.starts != extent.ends:
            raise RequestError(f"topic {topic.name!r} holds records already where it is to go: it must be empty there")
        return True


class Copier:
    """From one cluster to another: topics first, then the groups. Made by `copier`."""

    def __init__(self, source: _Source, target: _Target) -> None:
        self._source = source
        self._target = target
        self._maps: dict[Spot, OffsetMap] = {}

    async def topics(self, names: Sequence[str]) -> AsyncIterator[CopiedTopic]:
        """Copy these topics, or all but internal ones, one after the other.

        Raises UnknownTopic, or RequestError where a topic cannot go, before anything is copied; BrokerError later.
        """
        there = await self._source.cluster.topics()
        wanted = sorted(names or (name for name, topic in there.items() if not topic.internal))
        for name in wanted:
            if name not in there:
                raise UnknownTopic(name)
            await self._target.check(there[name])
        for name in wanted:
            yield await self._copy(there[name])

    async def groups(self) -> AsyncIterator[CopiedGroup]:
        """Commit for every group what it has committed in the copied topics. Raises RequestError, BrokerError."""
        for group in await self._source.groups.listed():
            committed = await self._source.groups.committed(group.name)
            moves = [
                Move(spot, None, self._maps[spot].target(offset))
                for spot, offset in committed.items()
                if spot in self._maps
            ]
            if moves:
                await self._target.groups.commit(group.name, moves)
                yield CopiedGroup(name=group.name, offsets=len(moves))

    async def _copy(self, topic: TopicInfo) -> CopiedTopic:
        if not await self._target.check(topic):
            await self._make(topic)
        source = await self._source.extent(topic.name)
        ends = (await _extent(self._target.cluster, topic.name)).ends
        broken: list[tuple[Spot, int, int]] = []
        for partition in topic.partitions:
            offsets = self._maps[Spot(topic.name, partition)] = OffsetMap(ends[partition])
            place = Place(topic.name, source.topic_id, partition)
            broken += await self._copy_partition(place, source.starts[partition], source.ends[partition], offsets)
        if (await self._source.extent(topic.name)).ends != source.ends:
            raise BrokerError(f"topic {topic.name!r} grew while it was copied: stop its producers, and copy it anew")
        records = sum(self._maps[Spot(topic.name, each)].next - ends[each] for each in topic.partitions)
        return CopiedTopic(name=topic.name, partitions=len(topic.partitions), records=records, broken=tuple(broken))

    async def _make(self, topic: TopicInfo) -> None:
        own = await self._source.cluster.topic_settings(topic.name)
        settings = {name: value for name, value in own.items() if not name.startswith(_OURS)}
        await self._target.cluster.create_topic(topic.name, partitions=len(topic.partitions), settings=KEPT | settings)

    async def _copy_partition(
        self, place: Place, start: int, end: int, offsets: OffsetMap
    ) -> list[tuple[Spot, int, int]]:
        spot, at, broken = Spot(place.topic, place.partition), start, []
        async for piece in self._source.pieces(place, start, end):
            if piece.broken is not None:
                broken.append((spot, at, piece.next))
            else:
                for records in batched(piece.records):
                    await self._target.appender.append(spot, to_batch(records), at=offsets.next)
                    offsets.add(records)
            at = piece.next
        return broken


async def _extent(cluster: Cluster, topic: str) -> Extent:
    found = (await cluster.extents((topic,))).get(topic)
    if found is None:
        raise UnknownTopic(topic)
    return found
