"""The broker on a real loop and real sockets; its clock is moved by hand."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.batches import batch
from tests.support.broker import response_of
from tests.support.manual_clock import ManualClock
from tivo.broker.leader import Leader
from tivo.broker.options import BrokerOptions
from tivo.broker.server import CLOSE_DISK_SECONDS, Server, run, serving
from tivo.log.catalog import Catalog
from tivo.model.errors import ConfigError, LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.framing import read_response, request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from tivo.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.schema import Message

PATIENCE_S = 20


class Client:
    """A client of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, request: Message) -> None:
        self.writer.writelines(request_frame(request, request.api.last, correlation_id=1, client_id="c"))

    async def receive(self, request: Message) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            size = int.from_bytes(await self.reader.readexactly(4))
            frame = await self.reader.readexactly(size)
        return read_response(response_of(type(request)), request.api.last, memoryview(frame))[1]

    async def ask(self, request: Message) -> Any:
        self.send(request)
        return await self.receive(request)

    async def is_closed(self) -> bool:
        """Wait for the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection("127.0.0.1", server.port))
    try:
        yield client
    finally:
        client.writer.close()


def options(path: Path, **changes: Any) -> BrokerOptions:
    return BrokerOptions(**{"data": path / "data", "port": 0, **changes})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Server]:
    async with serving(options(tmp_path, max_connections=3, max_connections_per_host=2), now=clock) as opened:
        yield opened


def produce(value: bytes) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(batch(value)))
    return ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])])


def metadata(*names: str) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names])


def fetch(topic_id: bytes, offset: int) -> FetchRequest:
    place = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    return FetchRequest(max_wait_ms=60_000, min_bytes=1, topics=[FetchTopic(topic_id=topic_id, partitions=[place])])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the broker tells nobody when a client begins to wait
            await asyncio.sleep(0)


# ------------------------------------------------------------------ serving


async def test_clients_are_answered_and_told_where_it_is(server: Server) -> None:
    async with client_of(server) as client:
        assert (await client.ask(ApiVersionsRequest())).api_keys
        (broker,) = (await client.ask(metadata())).brokers

    assert ("127.0.0.1", server.port) == (broker.host, broker.port)
    assert {} == server.unready()


async def test_advertised_address_is_told_instead(tmp_path: Path, clock: ManualClock) -> None:
    told = options(tmp_path, advertised_host="kafka.example", advertised_port=99)
    async with serving(told, now=clock) as server, client_of(server) as client:
        (broker,) = (await client.ask(metadata())).brokers

    assert ("kafka.example", 99) == (broker.host, broker.port)


async def test_record_wakes_a_waiting_fetch(server: Server) -> None:
    async with client_of(server) as reader, client_of(server) as writer:
        topic_id = (await writer.ask(metadata("t"))).topics[0].topic_id
        reader.send(fetch(topic_id, 0))

        produced = (await writer.ask(produce(b"news"))).responses[0].partition_responses[0]
        fetched = (await reader.receive(fetch(topic_id, 0))).responses[0].partitions[0]

    assert (0, 0) == (produced.error_code, produced.base_offset)
    assert b"news" in bytes(fetched.records)


async def test_garbage_disturbs_nobody_else(server: Server) -> None:
    async with client_of(server) as good, client_of(server) as bad:
        bad.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await bad.is_closed()

        assert (await good.ask(ApiVersionsRequest())).api_keys


async def test_group_state_and_offsets_are_kept_over_a_stop(tmp_path: Path, clock: ManualClock) -> None:
    async with serving(options(tmp_path), now=clock) as server, client_of(server) as client:
        cluster = (await client.ask(metadata("t"))).cluster_id
        await client.ask(produce(b"kept"))

    async with serving(options(tmp_path), now=clock) as server, client_of(server) as client:
        again = await client.ask(metadata("t"))
        leader = server.broker.topics.get("t").leaders[0]

    assert cluster == again.cluster_id
    assert (1, True) == (leader.high_watermark, leader.log.was_clean)


# ------------------------------------------------------------------ stopping


async def test_stop_answers_waiting_fetches_and_leaves_the_log_clean(tmp_path: Path, clock: ManualClock) -> None:
    async with serving(options(tmp_path), now=clock) as server:
        client = Client(*await asyncio.open_connection("127.0.0.1", server.port))
        topic_id = (await client.ask(metadata("t"))).topics[0].topic_id
        client.send(fetch(topic_id, 0))
        await until(lambda: len(server.broker.waiters) == 1)

    assert 0 == (await client.receive(fetch(topic_id, 0))).responses[0].partitions[0].error_code
    assert await client.is_closed()
    client.writer.close()
    catalog = Catalog.open(tmp_path / "data")
    assert catalog.was_clean
    catalog.close(clean=False)


async def test_stop_waits_as_long_as_partitions_close(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with serving(options(tmp_path, default_partitions=40), now=clock) as server:
        async with client_of(server) as client:
            await client.ask(metadata("t"))
        leaders = list(server.broker.topics.leaders())
        step_s = 0.9 * CLOSE_DISK_SECONDS / len(leaders)
        monkeypatch.setattr(loop, "time", lambda: began_s + step_s * sum(is_closed(leader) for leader in leaders))

    monkeypatch.undo()
    catalog = Catalog.open(tmp_path / "data")
    assert catalog.was_clean
    catalog.close(clean=False)


def is_closed(leader: Leader) -> bool:
    return leader.log.read_only is not None


async def test_stop_leaves_joins_without_an_answer(tmp_path: Path, clock: ManualClock) -> None:
    join = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        group_instance_id="me",
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range")],
    )
    slow_to_begin = options(tmp_path, initial_rebalance_delay_us=60_000_000)
    async with serving(slow_to_begin, now=clock) as server:
        client = Client(*await asyncio.open_connection("127.0.0.1", server.port))
        client.send(join)
        await until(lambda: server.broker.coordinator.group_ids() == ["g"])

    assert await client.is_closed()
    client.writer.close()


async def test_broken_disk_is_no_clean_stop_and_turns_readiness_red(tmp_path: Path, clock: ManualClock) -> None:
    async with serving(options(tmp_path), now=clock) as server, client_of(server) as client:
        await client.ask(metadata("t"))
        server.broker.topics.get("t").leaders[0].log._read_only.why = LogError("t-0 is read-only: no space left")
        assert {"t-0": "t-0 is read-only: no space left"} == server.unready()

    catalog = Catalog.open(tmp_path / "data")
    assert not catalog.was_clean
    catalog.close(clean=False)


async def test_catalog_that_takes_no_changes_is_no_clean_stop_and_turns_readiness_red(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with serving(options(tmp_path), now=clock) as server, client_of(server) as client:
        take_away(tmp_path / "data" / "catalog")

        (answer,) = (await client.ask(metadata("t"))).topics

        assert ErrorCode.KAFKA_STORAGE_ERROR == answer.error_code
        assert "takes no changes since" in server.unready()["catalog"]

    catalog = Catalog.open(tmp_path / "data")
    assert not catalog.was_clean
    catalog.close(clean=False)


def take_away(path: Path) -> None:
    """Have this process, which holds a file open, write to a device instead that takes nothing and cannot be cut."""
    full = os.open("/dev/full", os.O_RDWR)
    (held,) = (int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and fd.resolve() == path)
    os.dup2(full, held)
    os.close(full)


async def test_run_serves_until_cancelled(tmp_path: Path, clock: ManualClock) -> None:
    ready = asyncio.Event()
    opened: list[Server] = []

    def tell(server: Server) -> None:
        opened.append(server)
        ready.set()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(options(tmp_path), now=clock, ready=tell))
        await ready.wait()
        async with client_of(opened[0]) as client:
            assert (await client.ask(ApiVersionsRequest())).api_keys
        running.cancel()

    assert {"broker": "closing"} == opened[0].unready()


async def test_failure_that_nobody_foresaw_is_told(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    server.broker.runtime.in_thread(break_down, lambda result: None)

    with pytest.raises(ZeroDivisionError):
        await server.watch()
    assert "failed: ZeroDivisionError()" == server.unready()["broker"]
    assert "disk work" in caplog.text


async def test_a_stop_after_a_failure_that_nobody_foresaw_is_not_called_clean(
    tmp_path: Path, clock: ManualClock
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    async with serving(options(tmp_path), now=clock) as server:
        server.broker.runtime.in_thread(break_down, lambda result: None)
        with pytest.raises(ZeroDivisionError):
            await server.watch()

    catalog = Catalog.open(tmp_path / "data")
    assert not catalog.was_clean
    catalog.close(clean=False)


async def test_a_failure_is_told_to_who_watches_on_when_another_has_stopped_watching(server: Server) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(server.watch())
        await asyncio.sleep(0)
        watching.cancel()
    server.broker.runtime.in_thread(break_down, lambda result: None)

    with pytest.raises(ZeroDivisionError):
        await server.watch()


# ------------------------------------------------------------------ refusals at start


async def opens(given: BrokerOptions) -> None:
    async with serving(given, now=ManualClock()):
        pass


async def test_data_directory_in_use_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="in use by process"):
        await opens(options(tmp_path))


async def test_port_in_use_is_refused_before_the_log_is_touched(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be bound"):
        await opens(options(tmp_path, data=tmp_path / "other", port=server.port))

    assert not (tmp_path / "other" / "catalog").exists()


async def test_directory_is_free_again_after_a_refusal(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        await opens(options(tmp_path, data=tmp_path / "other", port=server.port))

    await opens(options(tmp_path, data=tmp_path / "other"))


# ------------------------------------------------------------------ limits


async def test_connections_have_a_limit_per_host(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    async with client_of(server) as first, client_of(server) as second:
        await first.ask(ApiVersionsRequest())
        await second.ask(ApiVersionsRequest())
        async with client_of(server) as third:
            assert await third.is_closed()

        assert (await first.ask(ApiVersionsRequest())).api_keys
    assert "2 connections from there" in caplog.text


async def test_place_of_a_closed_connection_is_free(server: Server) -> None:
    for _ in range(5):
        async with client_of(server) as client:
            await client.ask(ApiVersionsRequest())
            client.writer.write(b"garbage!")
            assert await client.is_closed()


async def test_all_connections_have_a_limit(tmp_path: Path, clock: ManualClock) -> None:
    async with (
        serving(options(tmp_path, max_connections=1), now=clock) as server,
        client_of(server) as first,
        client_of(server) as second,
    ):
        await first.ask(ApiVersionsRequest())
        assert await second.is_closed()


async def test_silent_connection_is_closed(server: Server, clock: ManualClock) -> None:
    async with client_of(server) as client:
        await client.ask(ApiVersionsRequest())
        clock.forward(600_000_000)
        server.sweep()
        await client.ask(ApiVersionsRequest())

        clock.forward(600_000_001)
        server.sweep()
        assert await client.is_closed()


async def test_waiting_connection_is_not_silent(server: Server, clock: ManualClock) -> None:
    async with client_of(server) as client:
        topic_id = (await client.ask(metadata("t"))).topics[0].topic_id
        client.send(fetch(topic_id, 0))
        await until(lambda: len(server.broker.waiters) == 1)
        clock.forward(600_000_001)
        server.sweep()

        async with client_of(server) as writer:
            await writer.ask(produce(b"news"))
        assert (await client.receive(fetch(topic_id, 0))).responses


async def test_request_that_does_not_arrive_whole_is_not_waited_for(
    server: Server, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with client_of(server) as client:
        client.send(ApiVersionsRequest())
        client.writer.write(b"\x00\x00\x01")
        await client.receive(ApiVersionsRequest())
        clock.forward(60_000_001)
        server.sweep()

        assert await client.is_closed()
    assert "did not arrive whole" in caplog.text


async def test_request_of_a_client_that_is_held_back_may_arrive_late(tmp_path: Path, clock: ManualClock) -> None:
    slow = options(tmp_path, produce_bytes_per_second=1)
    async with serving(slow, now=clock) as server, client_of(server) as client:
        client.send(ProduceRequest(acks=-1))
        client.writer.write(b"\x00\x00\x01")
        assert 0 < (await client.receive(ProduceRequest())).throttle_time_ms
        (connection,) = server.connections
        assert connection.is_held_back
        clock.forward(60_000_001)
        server.sweep()

        assert server.connections


async def test_client_that_does_not_read_is_closed(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(options(tmp_path), now=clock) as server, client_of(server) as client:
        client.writer.transport.pause_reading()
        topic_id = (await asked_aside(server, metadata("t"))).topics[0].topic_id
        await asked_aside(server, produce(bytes(1_000_000)))
        for _ in range(40):
            client.send(fetch(topic_id, 0))
        await client.writer.drain()
        await until(lambda: any(connection.stalled_since_us is not None for connection in server.connections))
        clock.forward(60_000_001)
        server.sweep()
        await until(lambda: not server.connections)

    assert "was not read" in caplog.text


async def test_stop_does_not_wait_for_a_client_that_does_not_read(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(options(tmp_path), now=clock) as server:
        client = Client(*await asyncio.open_connection("127.0.0.1", server.port))
        client.writer.transport.pause_reading()
        topic_id = (await asked_aside(server, metadata("t"))).topics[0].topic_id
        await asked_aside(server, produce(bytes(1_000_000)))
        for _ in range(40):
            client.send(fetch(topic_id, 0))
        await client.writer.drain()
        await until(lambda: any(connection.stalled_since_us is not None for connection in server.connections))

    assert "the broker stops" in caplog.text
    client.writer.close()


async def asked_aside(server: Server, request: Message) -> Any:
    async with client_of(server) as client:
        return await client.ask(request)


async def test_old_segments_go(tmp_path: Path, clock: ManualClock) -> None:
    short = options(tmp_path, segment_bytes=1 << 14, retention_us=1_000_000)
    async with serving(short, now=clock) as server, client_of(server) as client:
        await client.ask(metadata("t"))
        for _ in range(3):
            await client.ask(produce(bytes(10_000)))
        log = server.broker.topics.get("t").leaders[0].log
        assert 3 == log.segments

        clock.forward(3_600_000_000)
        server.sweep()
        await until(lambda: log.segments == 1)

    assert 3 == log.log_start
