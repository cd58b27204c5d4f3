"""Reads a topic's log at any offset: what the live ring does not reach back to.

Each read stands alone: no position is kept, so any number of sessions read side by side over one
connection, which no long poll ever holds up.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord

from tivo.client.cluster import Cluster
from tivo.model.errors import BrokerError
from tivo.model.event import Event
from tivo.model.record import Record, to_event
from tivo.model.timeline import Now
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice

TIMEOUT_MS = 10_000
_RETRY_SECONDS = 0.1
_TRIES = 5


def event_of(record: ConsumerRecord, *, received_us: int) -> Event:
    """A record as aiokafka gives it."""
    read = Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
    return to_event(read, received_us=received_us)


class LogReader:
    """Fetches records without waiting for more. Only committed ones (KIP-98)."""

    def __init__(self, bootstrap: str, cluster: Cluster, now: Callable[[], Now]) -> None:
        self._bootstrap = bootstrap
        self._now = now
        self._cluster = cluster
        self._client: AIOKafkaClient | None = None
        self._starting = asyncio.Lock()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def read(self, topic: str, places: Sequence[TailPlace], *, max_bytes: int) -> list[TailSlice]:
        """A slice for every place, in order. Raises BrokerError, UnknownTopic.

        From a record that cannot be decoded on, its batch counts as trimmed: whoever reads is told that
        there is no more of it in the log.
        """
        starts = await self._cluster.log_starts(topic) if any(place.offset is None for place in places) else {}
        offsets = {place.partition: _first(place, starts) for place in places}
        try:
            answers = await self._fetch(topic, offsets, max_bytes)
        except (TimeoutError, KafkaError, OSError) as error:
            raise BrokerError(f"the log of {topic!r} cannot be read: {error or type(error).__name__}") from error
        received_us = self._now().wall_us
        slices = []
        for place in places:
            fetched = answers[place.partition]
            base = offsets[place.partition]
            if fetched is None:
                slices.append(await self._outside(topic, place.partition, base))
            else:
                slices.append(_slice(place, base, fetched, received_us=received_us))
        return slices

    async def _fetch(self, topic: str, offsets: dict[int, int], max_bytes: int) -> "dict[int, _Fetched | None]":
        """What the leaders answer; None where they say that an offset is out of range."""
        for left in reversed(range(_TRIES)):
            client = await self._connected(topic)
            by_leader: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
            for partition, offset in offsets.items():
                leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
                by_leader[-1 if leader is None else leader].append((partition, offset, max_bytes))
            try:
                return await self._ask(client, topic, by_leader)
            except KafkaError as error:
                if left == 0 or not error.retriable:
                    raise
                await client.force_metadata_update()
                await asyncio.sleep(_RETRY_SECONDS)
        raise AssertionError("unreachable: the last try raises")

    async def _ask(
        self, client: AIOKafkaClient, topic: str, by_leader: dict[int, list[tuple[int, int, int]]]
    ) -> "dict[int, _Fetched | None]":
        answers: dict[int, _Fetched | None] = {}
        for leader, wanted in by_leader.items():
            max_bytes = wanted[0][2]
            request = FetchRequest(0, 0, max_bytes, READ_COMMITTED, [(topic, wanted)])
            response = await client.send(leader, request)
            asked = {partition: offset for partition, offset, _ in wanted}
            for partition, code, _, last_stable, *rest in response.topics[0][1]:
                error = for_code(code)
                if code and error is not OffsetOutOfRangeError:
                    raise error(f"{topic}/{partition}")
                answers[partition] = (
                    None if code else _Fetched(TopicPartition(topic, partition), asked[partition], last_stable, rest)
                )
        return answers

    async def _connected(self, topic: str) -> AIOKafkaClient:
        async with self._starting:
            if self._client is None:
                client = AIOKafkaClient(
                    bootstrap_servers=self._bootstrap, client_id="tivo-log-reader", request_timeout_ms=TIMEOUT_MS
                )
                try:
                    await client.bootstrap()
                except KafkaError:
                    await client.close()
                    raise
                self._client = client
            if topic not in self._client.cluster.topics():
                await self._client.add_topic(topic)
        return self._client

    async def _outside(self, topic: str, partition: int, offset: int) -> TailSlice:
        starts, ends = await self._cluster.log_starts(topic), await self._cluster.log_ends(topic)
        return TailSlice(
            partition=partition,
            base=offset,
            next=offset,
            log_start=starts.get(partition, 0),
            log_end=ends.get(partition, 0),
            truncated=offset > ends.get(partition, 0),
        )


class _Fetched:
    """One partition's part of a fetch response."""

    def __init__(self, place: TopicPartition, offset: int, last_stable: int, rest: list[object]) -> None:
        # v4: aborted, records; v5 on: log start, aborted, …, records
        self.last_stable = last_stable
        first = rest[0]
        self.log_start = first if isinstance(first, int) else 0
        aborted = rest[1] if isinstance(first, int) else first
        self._bytes = rest[-1] or b""
        self.records = PartitionRecords(
            place, MemoryRecords(self._bytes), aborted, offset, None, None, True, READ_COMMITTED
        )

    def batch_end(self, offset: int) -> int:
        """The offset behind the batch that an offset lies in."""
        batches = MemoryRecords(self._bytes)
        end = offset
        while end <= offset and batches.has_next():
            end = batches.next_batch().next_offset
        return end


def _first(place: TailPlace, starts: dict[int, int]) -> int:
    return starts.get(place.partition, 0) if place.offset is None else place.offset


def _bounded(offset: int, base: int, upto: int | None) -> int:
    return offset if upto is None else max(min(offset, upto), base)


def _slice(place: TailPlace, base: int, fetched: _Fetched, *, received_us: int) -> TailSlice:
    """What was fetched. A record that cannot be decoded ends a slice before it, and trims the log where one begins."""
    events: list[Event] = []
    following, log_start = base, fetched.log_start
    try:
        for record in fetched.records:
            if place.upto is not None and record.offset >= place.upto:
                following = place.upto
                break
            if len(events) == place.limit:
                break
            events.append(event_of(record, received_us=received_us))
            following = record.offset + 1
        else:
            following = _bounded(fetched.records.next_fetch_offset, base, place.upto)
    except UnicodeDecodeError:  # in the name of a header, which no broker looks at
        following = _bounded(fetched.records.next_fetch_offset, base, place.upto)
        if following == base:
            log_start = fetched.batch_end(base)
    return TailSlice(
        partition=place.partition,
        base=base,
        next=following,
        log_start=log_start,
        log_end=fetched.last_stable,
        events=events,
    )
