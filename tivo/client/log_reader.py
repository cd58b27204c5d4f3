"""Reads a topic's log at any offset: what the live ring does not reach back to.

Each read stands alone: no position is kept, so any number of sessions read side by side over one
connection, which no long poll ever holds up.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.fetcher import Bounds, Fetched, Fetcher, Place
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.event import Event, lost_between
from tivo.model.timeline import Now
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef
from tivo.wire.error_codes import ErrorCode

RETRY_SECONDS = 0.1
_TRIES = 5


class LogReader:
    """Fetches records without waiting for more. Only committed ones (KIP-98)."""

    def __init__(
        self, bootstrap: Bootstrap, cluster: Cluster, now: Callable[[], Now], *, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._cluster = cluster
        self._retry_seconds = retry_seconds
        self._now = now
        self._fetcher = Fetcher(bootstrap, cluster, client_id="tivo-log-reader")
        self._starting = asyncio.Lock()
        self._started = False

    async def close(self) -> None:
        self._started = False
        await self._fetcher.close()

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int) -> list[TailSlice]:
        """A slice for every place, in order. Raises BrokerError; UnknownTopic where the topic has another id now."""
        starts = await self._cluster.log_starts(topic.name) if any(place.offset is None for place in places) else {}
        bases = {place.partition: _first(place, starts) for place in places}
        offsets = {Place(topic.name, topic.topic_id, partition): base for partition, base in bases.items()}
        fetched = await self._fetched(topic, offsets, max_bytes)
        received_us = self._now().wall_us
        slices = []
        for place in places:
            base, found = bases[place.partition], fetched[place.partition]
            if found is None:
                slices.append(await self._outside(topic, place.partition, base))
            else:
                slices.append(_slice(place, base, found, received_us=received_us))
        return slices

    async def _fetched(
        self, topic: TopicRef, offsets: Mapping[Place, int], max_bytes: int
    ) -> dict[int, Fetched | None]:
        """What the leaders answer, per partition; None where they say that an offset is out of range."""
        found: dict[int, Fetched | None] = {}
        trouble = BrokerError(f"the log of {topic.name!r} cannot be read: nobody leads it")
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(self._retry_seconds)
            try:
                wanted = {place: offset for place, offset in offsets.items() if place.partition not in found}
                code = await self._fetch(wanted, max_bytes, found)
            except BrokerError as error:
                trouble = error
                continue
            if len(found) == len(offsets):
                return found
            await self._check(topic)
            if code is not None:
                trouble = BrokerError(f"the log of {topic.name!r} cannot be read: {code.name}")
        raise trouble

    async def _fetch(
        self, offsets: Mapping[Place, int], max_bytes: int, found: dict[int, Fetched | None]
    ) -> ErrorCode | None:
        """Note what is found in these places; the code of one that cannot be had now."""
        await self._connected()
        trouble = None
        for leader, wanted in (await self._fetcher.by_leader(offsets)).items():
            answers = await self._fetcher.fetch(leader, wanted, Bounds(max_bytes, max_bytes))
            for place, told in answers.items():
                if isinstance(told, Fetched):
                    found[place.partition] = told
                elif told is ErrorCode.OFFSET_OUT_OF_RANGE:
                    found[place.partition] = None
                else:
                    trouble = told
        return trouble

    async def _connected(self) -> None:
        async with self._starting:
            if not self._started:
                await self._fetcher.start()
                self._started = True

    async def _check(self, topic: TopicRef) -> None:
        """Raises UnknownTopic where the topic was deleted or made anew."""
        if (await self._cluster.topic_ids((topic.name,))).get(topic.name) != topic.topic_id:
            raise UnknownTopic(topic.name)

    async def _outside(self, topic: TopicRef, partition: int, offset: int) -> TailSlice:
        starts, ends = await self._cluster.log_starts(topic.name), await self._cluster.log_ends(topic.name)
        await self._check(topic)  # they were asked for by name
        return TailSlice(
            partition=partition,
            base=offset,
            next=offset,
            log_start=starts.get(partition, 0),
            log_end=ends.get(partition, 0),
            truncated=offset > ends.get(partition, 0),
        )


def _first(place: TailPlace, starts: Mapping[int, int]) -> int:
    return starts.get(place.partition, 0) if place.offset is None else place.offset


def _bounded(offset: int, base: int, upto: int | None) -> int:
    return offset if upto is None else max(min(offset, upto), base)


def _slice(place: TailPlace, base: int, fetched: Fetched, *, received_us: int) -> TailSlice:
    events: list[Event] = []
    following = base
    for event in fetched.events(received_us=received_us):
        if place.upto is not None and event.offset >= place.upto:
            following = place.upto
            break
        if len(events) == place.limit:
            break
        events.append(event)
        following = event.offset + 1
    else:
        following = _bounded(fetched.next, base, place.upto)
    return TailSlice(
        partition=place.partition,
        base=base,
        next=following,
        log_start=fetched.log_start,
        log_end=fetched.last_stable,
        events=events,
        lost=lost_between(fetched.lost, base, following),
    )
