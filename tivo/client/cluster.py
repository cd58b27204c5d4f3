"""A Kafka cluster as a guest sees it: its topics with their ids, where their logs start and end.

Topic ids came with Metadata v10 (KIP-516), aiokafka stops at v5. So the requests here are ours.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import NamedTuple, Self, TypeAlias

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tivo.client.access import Bootstrap
from tivo.client.connection import TIMEOUT_MS, Connection
from tivo.model.errors import BrokerError, RequestError, UnknownTopic
from tivo.model.timeline import MILLISECOND_US, from_kafka_ms
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from tivo.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
)
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    ListOffsetsTopicResponse,
)
from tivo.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from tivo.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)

_FIRST_WITH_TOPIC_IDS = 10
_TOPIC, _OF_TOPIC = 2, 1  # a kind of resources, and a source of settings, in DescribeConfigs
_READ_UNCOMMITTED, _READ_COMMITTED = 0, 1
_LOG_START = -2
_LOG_END = -1
_GREATEST_TIME = -3
_FIRST_WITH_GREATEST_TIME = 7  # KIP-734
_Offsets: TypeAlias = dict[int, ListOffsetsPartitionResponse]
_CALLER_IS_WRONG = {
    ErrorCode.TOPIC_ALREADY_EXISTS,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    ErrorCode.INVALID_PARTITIONS,
    ErrorCode.INVALID_REPLICATION_FACTOR,
    ErrorCode.INVALID_CONFIG,
    ErrorCode.POLICY_VIOLATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicInfo:
    """A topic as the cluster lists it. `internal` ones (`__*`) are the cluster's own."""

    name: str
    topic_id: bytes
    partitions: tuple[int, ...]
    internal: bool


class Led(NamedTuple):
    """The id of a topic, and per partition which broker leads it, in which leader epoch (-1 where nobody counts them).

    A partition that has no leader now is left out.
    """

    topic_id: bytes
    leaders: Mapping[int, int]
    epochs: Mapping[int, int] = MappingProxyType({})


class Extent(NamedTuple):
    """Where the log of the topic that has this id lies: per partition its first offset, and its end."""

    topic_id: bytes
    starts: Mapping[int, int]
    ends: Mapping[int, int]


class Cluster:
    """Asks a Kafka cluster. Every question raises BrokerError where no broker answers; ask again then."""

    def __init__(self, bootstrap: Bootstrap) -> None:
        self._connection = Connection(bootstrap, client_id="tivo")

    async def start(self) -> None:
        """Connect. Raises BrokerError where no bootstrap address answers; it may be called again."""
        await self._connection.start()

    async def close(self) -> None:
        await self._connection.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def topics(self) -> dict[str, TopicInfo]:
        """All topics by name."""
        return {topic.name: topic for topic in map(_topic_info, (await self._metadata(None)).topics)}

    async def topic_ids(self, names: Collection[str]) -> dict[str, bytes]:
        """The topic ids of some topics, as they are now; a topic that is not there is left out."""
        answer = await self._metadata(names)
        return {topic.name: topic.topic_id for topic in answer.topics if topic.name and not topic.error_code}

    async def leaders(self, topics: Collection[str]) -> dict[str, Led]:
        """Who leads the partitions of some topics; a topic that is not there is left out."""
        answer = await self._metadata(topics)
        return {topic.name: _led(topic) for topic in answer.topics if topic.name and not topic.error_code}

    async def extents(self, topics: Collection[str], *, committed: bool = True) -> dict[str, Extent]:
        """Where the logs of some topics lie; a topic that is not there is left out.

        They end at the last stable offset, as `log_ends`; with `committed` false at the high watermark. However
        many they are, it costs one Metadata and per leader one ListOffsets for the starts and one for the ends: Kafka
        refuses a partition that is asked for twice in one request.
        """
        told = [topic for topic in (await self._metadata(topics)).topics if topic.name and not topic.error_code]
        starts = await self._list_offsets(told, _LOG_START)
        isolation = _READ_COMMITTED if committed else _READ_UNCOMMITTED
        ends = await self._list_offsets(told, _LOG_END, isolation=isolation)
        return {
            topic.name: Extent(bytes(topic.topic_id), _offsets(starts[topic.name]), _offsets(ends[topic.name]))
            for topic in told
            if topic.name in starts.keys() & ends.keys()
        }

    async def log_starts(self, topic: str) -> dict[int, int]:
        """Per partition the offset of the first record that the log still has. Raises UnknownTopic."""
        return _offsets(await self._offsets_of(topic, _LOG_START))

    async def log_ends(self, topic: str) -> dict[int, int]:
        """Per partition the last stable offset: whoever reads committed records (KIP-98) gets what lies before it.

        The high watermark lies further on while a transaction is open there. Raises UnknownTopic.
        """
        return _offsets(await self._offsets_of(topic, _LOG_END, isolation=_READ_COMMITTED))

    async def epoch_ends(self, topic: str, epochs: Mapping[int, int]) -> dict[int, int]:
        """Per partition the offset behind the last record up to a leader epoch (KIP-101); one nobody knows is left out.

        A log that ends lower than a reader of that epoch had come has lost its end meanwhile. Raises UnknownTopic.
        """
        led = (await self.leaders((topic,))).get(topic)
        if led is None:
            raise UnknownTopic(topic)
        found = {}
        for leader in {led.leaders[partition] for partition in epochs if partition in led.leaders}:
            asked = [
                OffsetForLeaderPartition(partition=partition, leader_epoch=epoch)
                for partition, epoch in epochs.items()
                if led.leaders.get(partition) == leader
            ]
            request = OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic=topic, partitions=asked)])
            answer = await self._connection.ask(request, OffsetForLeaderEpochResponse, node=leader)
            for told in (each for result in answer.topics for each in result.partitions):
                _raise_for(told.error_code, topic, f"partition {told.partition} does not tell where an epoch ended")
                if told.end_offset >= 0:
                    found[told.partition] = told.end_offset
        return found

    async def last_time_us(self, topic: str) -> int | None:
        """The greatest time of any record in the log, in whole ms; None for an empty log. Raises UnknownTopic."""
        return max((await self.last_times_us(topic)).values(), default=None)

    async def last_times_us(self, topic: str) -> dict[int, int]:
        """Per partition the greatest time of any record, in whole ms; an empty one is left out. Raises UnknownTopic."""
        told = await self._offsets_of(topic, _GREATEST_TIME, first=_FIRST_WITH_GREATEST_TIME)
        return {index: from_kafka_ms(each.timestamp) for index, each in told.items() if each.offset >= 0}

    async def offsets_at(self, topic: str, time_us: int) -> dict[int, int]:
        """Per partition the first offset whose time is at or after a time, committed or not; one that has none is
        left out. Raises UnknownTopic.
        """
        told = await self._offsets_of(topic, max(-(-time_us // MILLISECOND_US), 0))
        return {index: each.offset for index, each in told.items() if each.offset >= 0}

    async def topic_settings(self, topic: str) -> dict[str, str]:
        """The settings that a topic has itself, in place of the cluster's defaults. Raises UnknownTopic."""
        resource = DescribeConfigsResource(resource_type=_TOPIC, resource_name=topic, configuration_keys=None)
        answer = await self._connection.ask(DescribeConfigsRequest(resources=[resource]), DescribeConfigsResponse)
        (told,) = answer.results
        _raise_for(told.error_code, topic, "has no settings")
        return {each.name: each.value for each in told.configs if each.config_source == _OF_TOPIC and each.value}

    async def create_topic(
        self, name: str, *, partitions: int = 1, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Make a topic and wait until it can be used; -1 partitions are as many as the cluster likes.

        Raises RequestError where the cluster refuses.
        """
        request = CreateTopicsRequest(
            topics=[
                CreatableTopic(
                    name=name,
                    num_partitions=partitions,
                    replication_factor=-1,
                    configs=[CreatableTopicConfig(name=key, value=value) for key, value in settings.items()],
                )
            ],
            timeout_ms=TIMEOUT_MS,
        )
        answer = await self._connection.ask(request, CreateTopicsResponse, node=await self._controller())
        for made in answer.topics:
            if made.error_code:
                code = ErrorCode(made.error_code)
                message = f"topic {name!r} cannot be made: {made.error_message or code.name}"
                raise RequestError(message) if code in _CALLER_IS_WRONG else BrokerError(message)
        # Told as made, it may still lack a leader for some milliseconds.
        async for attempt in AsyncRetrying(
            stop=stop_after_delay(TIMEOUT_MS / 1000),
            wait=wait_fixed(0.02),
            retry=retry_if_exception_type((BrokerError, UnknownTopic)),
            reraise=True,
        ):
            with attempt:
                await self.log_ends(name)

    async def delete_topic(self, name: str) -> None:
        """Delete a topic and its log. Raises UnknownTopic."""
        request = DeleteTopicsRequest(
            topics=[DeleteTopicState(name=name)],  # from v6 on
            topic_names=[name],  # before
            timeout_ms=TIMEOUT_MS,
        )
        answer = await self._connection.ask(request, DeleteTopicsResponse, node=await self._controller())
        for gone in answer.responses:
            _raise_for(gone.error_code, name, "cannot be deleted")

    async def _metadata(self, names: Collection[str] | None) -> MetadataResponse:
        topics = None if names is None else [MetadataRequestTopic(name=name) for name in names]
        request = MetadataRequest(topics=topics, allow_auto_topic_creation=False)
        return await self._connection.ask(request, MetadataResponse, first=_FIRST_WITH_TOPIC_IDS)

    async def _controller(self) -> int:
        return (await self._metadata(())).controller_id

    async def _offsets_of(
        self, topic: str, timestamp: int, *, isolation: int = _READ_UNCOMMITTED, first: int = 0
    ) -> _Offsets:
        (told,) = (await self._metadata((topic,))).topics
        _raise_for(told.error_code, topic, "cannot be asked")
        found = await self._list_offsets([told], timestamp, isolation=isolation, first=first)
        if topic not in found:
            raise UnknownTopic(topic)
        return found[topic]

    async def _list_offsets(
        self,
        topics: Sequence[MetadataResponseTopic],
        timestamp: int,
        *,
        isolation: int = _READ_UNCOMMITTED,
        first: int = 0,
    ) -> dict[str, _Offsets]:
        """Per topic, that of each partition; a topic that goes meanwhile is left out."""
        found: dict[str, _Offsets] = {topic.name or "": {} for topic in topics}
        for leader, wanted in _by_leader(topics).items():
            asked = [
                ListOffsetsTopic(
                    name=name,
                    partitions=[ListOffsetsPartition(partition_index=index, timestamp=timestamp) for index in indices],
                )
                for name, indices in wanted.items()
            ]
            request = ListOffsetsRequest(isolation_level=isolation, topics=asked)
            answer = await self._connection.ask(request, ListOffsetsResponse, node=leader, first=first)
            for told in answer.topics:
                _note(told, found)
        return found


def _topic_info(topic: MetadataResponseTopic) -> TopicInfo:
    name = topic.name or ""
    return TopicInfo(
        name=name,
        topic_id=bytes(topic.topic_id),
        partitions=tuple(sorted(partition.partition_index for partition in topic.partitions)),
        internal=topic.is_internal or name.startswith("__"),
    )


def _led(topic: MetadataResponseTopic) -> Led:
    leaders = {each.partition_index: each.leader_id for each in topic.partitions if each.leader_id >= 0}
    epochs = {each.partition_index: each.leader_epoch for each in topic.partitions if each.leader_id >= 0}
    return Led(bytes(topic.topic_id), leaders, epochs)


def _by_leader(topics: Iterable[MetadataResponseTopic]) -> Mapping[int, Mapping[str, list[int]]]:
    leaders: defaultdict[int, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for topic in topics:
        for partition in topic.partitions:
            leaders[partition.leader_id][topic.name or ""].append(partition.partition_index)
    return leaders


def _note(told: ListOffsetsTopicResponse, found: dict[str, _Offsets]) -> None:
    """Add what a leader told of its partitions of a topic."""
    try:
        for partition in told.partitions:
            what = f"partition {partition.partition_index} has no offsets"
            _raise_for(partition.error_code, told.name, what)
            if told.name in found:
                found[told.name][partition.partition_index] = partition
    except UnknownTopic:
        found.pop(told.name, None)


def _offsets(told: _Offsets) -> dict[int, int]:
    return {index: partition.offset for index, partition in told.items()}


def _raise_for(error_code: int, topic: str, what: str) -> None:
    if error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        raise UnknownTopic(topic)
    if error_code:
        raise BrokerError(f"topic {topic!r}: {what}: {ErrorCode(error_code).name}")
