"""What goes wrong while topics are copied, from and to brokers that answer as a test tells them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.support.manual_clock import ManualClock
from tests.unit.tivo.client.peer import peer
from tests.unit.tivo.client.shelves import Shelf, Shelves, batch
from tivo.client import copying
from tivo.client.copying import CopiedTopic, copier
from tivo.client.group_offsets import Spot
from tivo.model.errors import BrokerError, RequestError, UnknownTopic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_topics import CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse
from tivo.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from tivo.wire.messages.fetch import FetchRequest, FetchResponse
from tivo.wire.messages.list_offsets import ListOffsetsRequest
from tivo.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from tivo.wire.record_batch import Record, batches, records

OLD, NEW = b"o" * 16, b"n" * 16
SETTINGS = {"segment.ms": ("5000", 1), "tivo.own": ("1", 1), "retention.bytes": ("-1", 5)}


@dataclass
class Both:
    """Two clusters; the target makes the topics that it is asked for and keeps what is produced."""

    source: Shelves = field(default_factory=Shelves)
    target: Shelves = field(default_factory=Shelves)
    made: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    kept: list[Record] = field(default_factory=list)
    while_fetching: object = None

    def fetch(self, request: FetchRequest) -> FetchResponse:
        told = self.source.fetch(request)
        if callable(self.while_fetching):
            self.while_fetching()
        return told

    def describe(self, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
        configs = [
            DescribeConfigsResourceResult(name=name, value=value, config_source=source)
            for name, (value, source) in SETTINGS.items()
        ]
        name = request.resources[0].resource_name
        return DescribeConfigsResponse(results=[DescribeConfigsResult(resource_name=name, configs=configs)])

    def create(self, request: CreateTopicsRequest) -> CreateTopicsResponse:
        (topic,) = request.topics
        self.made.append((topic.name, {config.name: config.value for config in topic.configs}))
        self.target.make(topic.name, NEW, partitions=topic.num_partitions)
        return CreateTopicsResponse(topics=[CreatableTopicResult(name=topic.name, error_message=None)])

    def produce(self, request: ProduceRequest) -> ProduceResponse:
        ((data,),) = (topic.partition_data for topic in request.topic_data)
        assert data.records is not None
        base = len(self.kept)
        for position, header in batches(data.records):
            self.kept += records(data.records, position, header)
        told = PartitionProduceResponse(index=data.index, base_offset=base)
        return ProduceResponse(responses=[TopicProduceResponse(name="quakes", partition_responses=[told])])

    @asynccontextmanager
    async def copied(self, *names: str) -> AsyncIterator[list[CopiedTopic]]:
        async with copier(self.source.broker.bootstrap, self.target.broker.bootstrap, ManualClock()) as copying:
            yield [topic async for topic in copying.topics(names)]


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    made = Both()
    ours = {
        FetchRequest: made.fetch,
        ListOffsetsRequest: made.source.list_offsets,
        DescribeConfigsRequest: made.describe,
    }
    theirs = {
        ListOffsetsRequest: made.target.list_offsets,
        CreateTopicsRequest: made.create,
        ProduceRequest: made.produce,
    }
    async with peer(ours) as made.source.broker, peer(theirs) as made.target.broker:
        yield made


@pytest.fixture
def shelf(both: Both) -> Shelf:
    """The one partition of `quakes`: five records, and a start that is gone."""
    _, (shelf,) = both.source.make("quakes", OLD)
    shelf.put(batch(0, "a", "b"))
    shelf.put(batch(2, "c", "d", "e"))
    return shelf


async def test_topic_is_made_with_its_own_settings_and_keeps_all(both: Both, shelf: Shelf) -> None:
    async with both.copied() as done:
        assert [CopiedTopic(name="quakes", partitions=1, records=5, broken=())] == done

    assert [("quakes", {"retention.ms": "-1", "segment.ms": "5000"})] == both.made
    assert ["a", "b", "c", "d", "e"] == [name for record in both.kept for name, _ in record.headers]


async def test_internal_topics_stay(both: Both, shelf: Shelf) -> None:
    both.source.make("__consumer_offsets", b"i" * 16)

    async with both.copied() as done:
        assert ["quakes"] == [topic.name for topic in done]


async def test_record_that_cannot_be_read_is_told_and_its_neighbours_go(both: Both, shelf: Shelf) -> None:
    shelf.put(batch(5, "f", "h?x", "g"))

    async with both.copied("quakes") as (done,):
        assert ((Spot("quakes", 0), 6, 7),) == done.broken
        assert 7 == done.records


async def test_topic_that_grows_meanwhile_is_told(both: Both, shelf: Shelf) -> None:
    both.while_fetching = lambda: shelf.append(b"late")

    with pytest.raises(BrokerError, match="'quakes' grew while it was copied"):
        async with both.copied():
            pass


async def test_source_that_cannot_be_read_is_told(both: Both, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_PATIENCE", 2)
    shelf.codes = [ErrorCode.KAFKA_STORAGE_ERROR] * 2

    with pytest.raises(BrokerError, match="quakes/0 cannot be read at offset 0: KAFKA_STORAGE_ERROR"):
        async with both.copied():
            pass


async def test_source_that_recovers_is_read_on(both: Both, shelf: Shelf) -> None:
    shelf.codes = [ErrorCode.KAFKA_STORAGE_ERROR]

    async with both.copied() as (done,):
        assert 5 == done.records


async def test_nothing_is_copied_where_something_cannot_go(both: Both, shelf: Shelf) -> None:
    both.source.make("ships", b"s" * 16)
    _, (present,) = both.target.make("ships", NEW)
    present.append(b"there")

    with pytest.raises(RequestError, match="'ships' holds records already"):
        async with both.copied():
            pass

    assert ([], []) == (both.made, both.kept)


async def test_other_partitions_are_refused(both: Both, shelf: Shelf) -> None:
    both.target.make("quakes", NEW, partitions=2)

    with pytest.raises(RequestError, match="has 1 partitions, 2 where it is to go"):
        async with both.copied():
            pass


async def test_topic_that_is_there_and_empty_is_filled(both: Both, shelf: Shelf) -> None:
    both.target.make("quakes", NEW)

    async with both.copied() as (done,):
        assert (5, []) == (done.records, both.made)


async def test_topic_that_is_not_there_is_told(both: Both, shelf: Shelf) -> None:
    with pytest.raises(UnknownTopic, match="boats"):
        async with both.copied("boats"):
            pass
