"""The live edge and the log reader: transactions, trimmed logs, topics made anew, records that cannot be decoded."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.undecodable import append, undecodable
from tests.support.watching import watching
from tivo.client.cluster import Cluster
from tivo.client.live_consumer import LiveConsumer
from tivo.client.log_reader import LogReader
from tivo.client.tail import Tail, TailAnswer
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.near import Near
from tivo.gateway.server import GatewayOptions, serving
from tivo.model.errors import UnknownTopic
from tivo.model.event import Event, Lost
from tivo.model.timeline import Now, Window
from tivo.playback.effects import ReadNear, TailPlace
from tivo.playback.facts import TopicRef
from tivo.playback.merge import LAST
from tivo.store.memory import MemoryStore

BIG = 2**24


def now() -> Now:
    return Now(time.time_ns() // 1_000, time.monotonic_ns() // 1_000)


class Edge:
    """A tail over a real broker, and one topic of its own."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.cluster = Cluster(bootstrap)
        self.reader = LogReader(bootstrap, self.cluster, now)
        self.tail = Tail(live=LiveConsumer(bootstrap, self.cluster, now), log=self.reader, ends=self.cluster, now=now)
        self.name = f"tail-{uuid4().hex[:8]}"

    async def make(self, *, partitions: int = 1) -> TopicRef:
        await self.cluster.create_topic(self.name, partitions=partitions, settings={})
        while self.name not in (topics := await self.cluster.topics()) or not topics[self.name].partitions:  # noqa: ASYNC110  Kafka's own time
            await asyncio.sleep(0.05)
        info = topics[self.name]
        return TopicRef(info.name, info.topic_id, info.partitions)

    def produce(self, *values: bytes, partition: int = 0, transaction: str | None = None, abort: bool = False) -> None:
        settings = {"bootstrap.servers": self.bootstrap, "linger.ms": 0}
        producer = Producer(settings | ({"transactional.id": transaction} if transaction else {}))
        if transaction:
            producer.init_transactions(30)
            producer.begin_transaction()
        for value in values:
            producer.produce(self.name, value, partition=partition)
        producer.flush()
        if transaction:
            (producer.abort_transaction if abort else producer.commit_transaction)(30)

    async def read(self, topic: TopicRef, offset: int | None, *, wait: bool = False, limit: int = 100) -> TailAnswer:
        async with asyncio.timeout(30):
            return await self.tail.read(topic, [TailPlace(0, offset, None, limit)], max_bytes=BIG, wait=wait)


@pytest.fixture
async def edge(bootstrap: str) -> AsyncIterator[Edge]:
    async with _open(bootstrap) as opened:
        yield opened


@asynccontextmanager
async def _open(bootstrap: str) -> AsyncIterator[Edge]:
    edge = Edge(bootstrap)
    await edge.cluster.start()
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(edge.tail.run())
        try:
            yield edge
        finally:
            run.cancel()
            await edge.reader.close()
            await edge.cluster.close()


def values(answer: TailAnswer) -> list[bytes | None]:
    return [event.value for each in answer.slices for event in each.events]


async def test_what_is_produced_reaches_a_waiting_read(edge: Edge) -> None:
    topic = await edge.make()
    edge.tail.open(topic)
    waiting = edge.read(topic, 0, wait=True)
    edge.produce(b"a", b"b")

    answer = await waiting

    assert b"a" == values(answer)[0]


async def test_the_log_and_the_ring_tell_the_same_past(edge: Edge) -> None:
    topic = await edge.make()
    edge.produce(*(b"%d" % number for number in range(50)))

    from_log = await edge.read(topic, None)
    edge.tail.open(topic)
    edge.produce(b"50")
    live = await edge.read(topic, 50, wait=True)

    assert [b"%d" % number for number in range(50)] == values(from_log)
    assert (0, 50) == (from_log.slices[0].base, from_log.slices[0].next)
    assert [b"50"] == values(live)


async def test_aborted_records_are_never_seen_and_markers_are_passed_over(edge: Edge) -> None:
    topic = await edge.make()
    edge.tail.open(topic)
    edge.produce(b"kept", transaction="one")
    edge.produce(b"dropped", transaction="two", abort=True)

    # Two records and two markers, which Kafka writes in its own time.
    while (end := (await edge.cluster.log_ends(edge.name))[0]) < 4:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    seen: list[bytes | None] = []
    offset = 0
    while offset < end:
        answer = await edge.read(topic, offset, wait=True)
        seen += values(answer)
        offset = answer.slices[0].next
    again = await edge.read(topic, 0)

    assert [b"kept"] == seen == values(again)
    assert end == again.slices[0].next == offset


async def test_an_open_transaction_is_waited_for(edge: Edge) -> None:
    topic = await edge.make()
    producer = Producer({"bootstrap.servers": edge.bootstrap, "transactional.id": "open"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(edge.name, b"later", partition=0)
    producer.flush()

    before = await edge.read(topic, 0)
    end = await edge.cluster.log_ends(edge.name)
    producer.commit_transaction(30)
    after = await edge.read(topic, 0, wait=True)

    assert ([], 0, {0: 0}) == (values(before), before.slices[0].log_end, end)
    assert [b"later"] == values(after)


async def test_a_trimmed_log_tells_where_it_starts(edge: Edge) -> None:
    topic = await edge.make()
    edge.produce(*(b"%d" % number for number in range(10)))
    admin = AdminClient({"bootstrap.servers": edge.bootstrap})
    for done in admin.delete_records([TopicPartition(edge.name, 0, 6)]).values():
        done.result(30)

    behind = (await edge.read(topic, 2)).slices[0]
    first = (await edge.read(topic, None)).slices[0]
    beyond = (await edge.read(topic, 99)).slices[0]

    assert (2, 2, 6) == (behind.base, behind.next, behind.log_start)
    assert (6, 10) == (first.base, first.next)
    assert (99, 99, 10) == (beyond.base, beyond.next, beyond.log_end)


async def test_a_limit_cuts_a_batch_in_two(edge: Edge) -> None:
    topic = await edge.make()
    edge.produce(*(b"%d" % number for number in range(10)))

    first = await edge.read(topic, 3, limit=4)
    rest = await edge.read(topic, first.slices[0].next)

    assert [b"3", b"4", b"5", b"6"] == values(first)
    assert [b"7", b"8", b"9"] == values(rest)


async def test_a_topic_deleted_or_made_anew_is_not_taken_for_the_old_one(edge: Edge) -> None:
    old = await edge.make()
    edge.produce(b"old")
    await edge.cluster.delete_topic(edge.name)
    while edge.name in await edge.cluster.topics():  # noqa: ASYNC110  Kafka deletes in its own time
        await asyncio.sleep(0.05)

    with pytest.raises(UnknownTopic):
        await edge.read(old, 1, wait=True)
    new = await edge.make()
    edge.produce(b"new")

    assert old.topic_id != new.topic_id
    assert [b"new"] == values(await edge.read(new, 0, wait=True))


@pytest.fixture
async def any_edge(bootstrap: str) -> AsyncIterator[Edge]:
    async with _open(bootstrap) as opened:
        yield opened


async def test_a_record_that_cannot_be_decoded_is_lost_alone_in_the_ring_and_in_the_log(any_edge: Edge) -> None:
    edge = any_edge
    topic = await edge.make()
    edge.tail.open(topic)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(edge.read(topic, 0, wait=True))
        await append(edge.bootstrap, edge.name, 0, undecodable())

    logged = await edge.reader.read(topic, [TailPlace(0, 0, None, 100)], max_bytes=BIG)

    for read in (*waiting.result().slices, *logged):
        assert [0, 2] == [event.offset for event in read.events]
        assert ([Lost(0, 1, 2, "quarantine")], 3) == (read.lost, read.next)


async def test_a_live_session_and_a_stream_see_its_neighbours_and_a_gap(any_edge: Edge) -> None:
    edge = any_edge
    await edge.make()
    options = GatewayOptions(bootstrap=edge.bootstrap, port=0)
    async with serving(options, store=MemoryStore(), now=now) as gateway, asyncio.timeout(30):
        while gateway.unready():  # noqa: ASYNC110  it connects in its own time
            await asyncio.sleep(0.05)
        address = f"127.0.0.1:{gateway.port}"
        async with watching(f"ws://{address}/ws/{edge.name}") as watcher, httpx.AsyncClient() as http:
            await watcher.send(action="tail")
            await watcher.until_type("caught_up")
            async with http.stream("GET", f"http://{address}/v1/topics/{edge.name}/tail") as stream:
                lines = stream.aiter_lines()
                await anext(lines)
                for _ in range(2):
                    await append(edge.bootstrap, edge.name, 0, undecodable())
                await watcher.until(lambda _: len(watcher.events) == 4 and len(watcher.of_type("gap")) == 2)
                streamed = [json.loads(line[6:]) async for line in _first(6, lines)]

    assert [0, 2, 3, 5] == [offset for _, _, offset in watcher.places()]
    assert [(1, 2, "quarantine"), (4, 5, "quarantine")] == [
        (gap["from_offset"], gap["to_offset"], gap["reason"]) for gap in watcher.of_type("gap")
    ]
    assert [0, (1, 2), 2, 3, (4, 5), 5] == [
        told["offset"] if "offset" in told else (told["from_offset"], told["to_offset"]) for told in streamed
    ]


async def _first(count: int, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The first messages of an event stream."""
    async for line in lines:
        if line.startswith("data: "):
            yield line
            count -= 1
            if not count:
                return


async def test_what_lies_next_to_a_place_is_found_in_partitions_that_do_not_fit_into_one_answer(edge: Edge) -> None:
    topic = await edge.make(partitions=2)
    for start in range(0, 300, 50):
        for partition in (0, 1):
            batch = [b"%d" % (2 * number + partition) + b" " * 10_000 for number in range(start, start + 50)]
            edge.produce(*batch, partition=partition)
    near = Near(MemoryStore(), edge.tail, Catalogue(cluster=edge.cluster, store=MemoryStore(), now=now))
    wanted = ReadNear(read=1, topic=topic, window=Window(), beside=LAST, reverse=True, limit=9, max_bytes=2**20)
    found, parts = list[Event](), 0

    part = await near.read(wanted)
    while part.scanned is not None:
        found, parts = [*found, *part.events], parts + 1
        part = await near.read(replace(wanted, scanned=part.scanned))

    assert [*range(600)] == sorted(int(event.value or b"") for event in found)
    assert {0: 300, 1: 300} == part.frontier
    assert parts > 3
