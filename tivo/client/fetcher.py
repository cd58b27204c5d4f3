"""Fetches records by topic id: a topic that was made anew under the same name is another, and the broker says so.

Ids came with Fetch v13 (KIP-516, Kafka 3.1), aiokafka stops at v11. From a broker that is older
records come by name, and the ids are asked for behind each fetch: an id never comes back.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.connection import Connection
from tivo.model.errors import BrokerError
from tivo.model.event import Event, Lost
from tivo.model.record import Record, to_event, to_events
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData
from tivo.wire.salvage import Piece, salvage
from tivo.wire.schema import NO_UUID


class Place(NamedTuple):
    """A partition of the topic that has this id."""

    topic: str
    topic_id: bytes
    partition: int


class Bounds(NamedTuple):
    """How much a fetch may bring, of each partition and in all, and how long the broker may wait for the first record.

    One batch comes in any case, however large.
    """

    partition_bytes: int
    bytes: int
    wait_ms: int = 0


class Fetched:
    """What a fetch brought: the committed records from an offset on (KIP-98), to be gone through once.

    `lost` is what of those gone through is broken: the driver's decoder gives up a whole batch for one record, so from
    where it stops on the bytes are read record by record.
    """

    def __init__(self, place: Place, offset: int, data: PartitionData) -> None:
        self.last_stable = data.last_stable_offset
        self.log_start = max(data.log_start_offset, 0)
        self.lost: list[Lost] = []
        self._place = place
        self._bytes = bytes(data.records) if isinstance(data.records, memoryview) else b""
        self._aborted = [(each.producer_id, each.first_offset) for each in data.aborted_transactions or ()]
        self._salvaged_to: int | None = None
        self._records = PartitionRecords(
            TopicPartition(place.topic, place.partition),
            MemoryRecords(self._bytes),
            self._aborted,
            offset,
            None,
            None,
            True,
            READ_COMMITTED,
        )

    @property
    def next(self) -> int:
        """The offset behind the records gone through, and behind the holes that follow the last one."""
        return int(self._records.next_fetch_offset) if self._salvaged_to is None else self._salvaged_to

    def events(self, *, received_us: int) -> Iterator[Event]:
        """What of it can be read, in the order of offsets."""
        while True:
            try:
                record = next(self._records)
            except StopIteration:
                return
            except Exception:  # noqa: BLE001  bytes may be broken in as many ways as there are codecs
                break
            yield _event(record, received_us=received_us)
        yield from self._salvaged(received_us=received_us)

    def pieces(self, offset: int) -> list[Piece]:
        """All of it from an offset on, read without the driver: what is whole and what is broken, in turn."""
        return salvage(self._bytes, offset, end=self.last_stable, aborted=self._aborted)

    def _salvaged(self, *, received_us: int) -> Iterator[Event]:
        """The events from where the driver stopped on."""
        topic, _, partition = self._place
        at = self.next
        for piece in self.pieces(at):
            if piece.broken is None:
                yield from to_events(topic, partition, piece.records, received_us=received_us)
            else:
                base = self.lost.pop().base if self.lost and self.lost[-1].next == at else at
                self.lost.append(Lost(partition, base, piece.next, "quarantine"))
            at = self._salvaged_to = piece.next


Answer: TypeAlias = Fetched | ErrorCode


class Fetcher:
    """Fetches from whoever leads, over connections of its own."""

    def __init__(self, bootstrap: Bootstrap, cluster: Cluster, *, client_id: str) -> None:
        self._connection = Connection(bootstrap, client_id=client_id)
        self._cluster = cluster
        self._leaders: dict[bytes, Mapping[int, int]] = {}

    async def start(self) -> None:
        """Connect. Raises BrokerError; it may be called again."""
        await self._connection.start()

    async def close(self) -> None:
        await self._connection.close()

    async def by_leader(self, offsets: Mapping[Place, int]) -> dict[int, dict[Place, int]]:
        """Places to fetch from, by the broker that leads each; one that nobody leads, or not any more, is left out.

        Raises BrokerError where that cannot be told of any.
        """
        unknown = {place.topic for place in offsets if place.partition not in self._leaders.get(place.topic_id, ())}
        trouble = await self._look_up(unknown) if unknown else None
        found: defaultdict[int, dict[Place, int]] = defaultdict(dict)
        for place, offset in offsets.items():
            leader = self._leaders.get(place.topic_id, {}).get(place.partition)
            if leader is not None:
                found[leader][place] = offset
        if trouble is not None and not found:
            raise trouble
        return found

    async def _look_up(self, topics: Collection[str]) -> BrokerError | None:
        try:
            for led in (await self._cluster.leaders(topics)).values():
                self._leaders[led.topic_id] = led.leaders
        except BrokerError as error:
            return error
        return None

    async def fetch(self, leader: int, offsets: Mapping[Place, int], bounds: Bounds) -> dict[Place, Answer]:
        """What the leader of these places answers. Raises BrokerError."""
        try:
            answers = await self._fetch(leader, offsets, bounds)
        except BrokerError:
            self._forget(offsets)
            raise
        self._forget(place for place, told in answers.items() if not isinstance(told, Fetched))
        return answers

    async def _fetch(self, leader: int, offsets: Mapping[Place, int], bounds: Bounds) -> dict[Place, Answer]:
        request = FetchRequest(
            max_wait_ms=bounds.wait_ms,
            min_bytes=1 if bounds.wait_ms else 0,
            max_bytes=bounds.bytes,
            isolation_level=READ_COMMITTED,
            topics=_topics(offsets, bounds.partition_bytes),
        )
        response = await self._connection.ask(request, FetchResponse, node=leader)
        if response.error_code:
            raise BrokerError(f"nothing can be fetched: {ErrorCode(response.error_code).name}")
        by_name = all(topic.topic_id == NO_UUID for topic in response.responses)
        told = {
            (topic.topic if by_name else topic.topic_id, data.partition_index): data
            for topic in response.responses
            for data in topic.partitions
        }
        standing = await self._standing(offsets) if by_name else offsets
        return {
            place: _answer(place, offset, told.get((place.topic if by_name else place.topic_id, place.partition)))
            if place in standing
            else ErrorCode.UNKNOWN_TOPIC_ID
            for place, offset in offsets.items()
        }

    async def _standing(self, places: Iterable[Place]) -> set[Place]:
        """Those of some places whose topics still have these ids."""
        ids = await self._cluster.topic_ids({place.topic for place in places})
        return {place for place in places if ids.get(place.topic) == place.topic_id}

    def _forget(self, places: Iterable[Place]) -> None:
        """Who leads them may have changed."""
        for place in places:
            self._leaders.pop(place.topic_id, None)


def _topics(offsets: Mapping[Place, int], partition_bytes: int) -> list[FetchTopic]:
    topics: dict[bytes, FetchTopic] = {}
    for place, offset in offsets.items():
        topic = topics.setdefault(place.topic_id, FetchTopic(topic=place.topic, topic_id=place.topic_id, partitions=[]))
        topic.partitions.append(
            FetchPartition(partition=place.partition, fetch_offset=offset, partition_max_bytes=partition_bytes)
        )
    return list(topics.values())


def _answer(place: Place, offset: int, data: PartitionData | None) -> Answer:
    if data is None:
        return ErrorCode.UNKNOWN_SERVER_ERROR
    if data.error_code:
        return ErrorCode(data.error_code)
    return Fetched(place, offset, data)


def _event(record: ConsumerRecord, *, received_us: int) -> Event:
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
