"""What no client should send. The broker closes that connection, serves the others, and stays small."""

import random
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.compat.running import RunningBroker
from tests.support.batches import batch
from tests.support.broker import response_of
from tivo.wire.framing import read_response, request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.schema import Message

GROWTH_MIB = 32
PATIENCE_S = 20


def resident_mib(broker: RunningBroker) -> float:
    status = Path(f"/proc/{broker.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def connect(broker: RunningBroker) -> socket.socket:
    return socket.create_connection(("127.0.0.1", broker.port), timeout=PATIENCE_S)


def is_closed(connection: socket.socket) -> bool:
    """Wait for the broker to close, reading away what it still sends."""
    with suppress(ConnectionResetError):
        while connection.recv(65_536):
            pass
    return True


def receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, "the broker closed the connection"
        data += more
    return data


def frame(request: Message) -> bytes:
    return b"".join(request_frame(request, request.api.last, correlation_id=1, client_id="c"))


def ask(connection: socket.socket, request: Message) -> Any:
    connection.sendall(frame(request))
    size = int.from_bytes(receive(connection, 4))
    return read_response(response_of(type(request)), request.api.last, memoryview(receive(connection, size)))[1]


@pytest.fixture
def calm(broker: RunningBroker) -> Iterator[socket.socket]:
    """Another client's connection: it is served before and after, and the broker has not grown."""
    before = resident_mib(broker)
    with closing(connect(broker)) as connection:
        ask(connection, ApiVersionsRequest())
        yield connection
        assert isinstance(ask(connection, ApiVersionsRequest()), ApiVersionsResponse)
    assert resident_mib(broker) < before + GROWTH_MIB


GARBAGE = {
    "length -1": b"\xff\xff\xff\xff",
    "length 0": bytes(4),
    "length 3": b"\x00\x00\x00\x03abc",
    "the largest length": b"\x7f\xff\xff\xff" + bytes(1_000),
    "100 MiB and 1": (100 * 2**20 + 1).to_bytes(4) + bytes(100_000),
    "an unknown API": b"\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x01\xff\xff",
    "an unknown version": b"\x00\x00\x00\x0a\x00\x01\x7f\xff\x00\x00\x00\x01\xff\xff",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "noise": random.Random(7).randbytes(100_000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_closed(broker: RunningBroker, calm: socket.socket, garbage: bytes) -> None:
    with closing(connect(broker)) as connection:
        with suppress(OSError):
            connection.sendall(garbage)

        assert is_closed(connection)


def test_unknown_version_of_api_versions_is_answered(broker: RunningBroker, calm: socket.socket) -> None:
    with closing(connect(broker)) as connection:
        connection.sendall(b"\x00\x00\x00\x0b\x00\x12\x7f\xff\x00\x00\x00\x07\xff\xff\x00")
        size = int.from_bytes(receive(connection, 4))
        correlation_id, told = read_response(ApiVersionsResponse, 0, memoryview(receive(connection, size)))

    assert (7, 35) == (correlation_id, told.error_code)


def test_promised_frames_take_no_memory(broker: RunningBroker, calm: socket.socket) -> None:
    connections = [connect(broker) for _ in range(200)]
    for connection in connections:
        connection.sendall((16 * 2**20).to_bytes(4) + b"\x00\x00\x00\x0c")

    ask(calm, ApiVersionsRequest())
    for connection in connections:
        connection.close()


def produce_request(topic: str, value: bytes) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(batch(value)))
    return ProduceRequest(acks=-1, topic_data=[TopicProduceData(name=topic, partition_data=[data])])


def test_request_cut_anywhere_is_never_applied(broker: RunningBroker, calm: socket.socket, topic: str) -> None:
    ask(calm, MetadataRequest(topics=[MetadataRequestTopic(name=topic)]))
    whole = frame(produce_request(topic, b"never"))
    for length in range(len(whole)):
        with closing(connect(broker)) as connection:
            connection.sendall(whole[:length])

    answer = ask(calm, produce_request(topic, b"first"))
    assert 0 == answer.responses[0].partition_responses[0].base_offset


def test_many_connects_leave_nothing_behind(broker: RunningBroker, calm: socket.socket) -> None:
    for _ in range(2_000):
        connect(broker).close()

    ask(calm, ApiVersionsRequest())


def test_half_open_and_idle_connections_up_to_the_limit(broker: RunningBroker, calm: socket.socket) -> None:
    connections = [connect(broker) for _ in range(600)]
    try:
        assert is_closed(connections[-1])
        ask(calm, ApiVersionsRequest())
    finally:
        for connection in connections:
            connection.close()


def test_clients_that_do_not_read_disturb_nobody(broker: RunningBroker, calm: socket.socket, topic: str) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for _ in range(20):
        producer.produce(topic, bytes(500_000))
        assert 0 == producer.flush(PATIENCE_S)
    topic_id = ask(calm, MetadataRequest(topics=[MetadataRequestTopic(name=topic)])).topics[0].topic_id
    place = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=2**24)
    fetch = frame(
        FetchRequest(min_bytes=1, max_bytes=2**26, topics=[FetchTopic(topic_id=topic_id, partitions=[place])])
    )

    deaf = [connect(broker) for _ in range(5)]
    for connection in deaf:
        connection.sendall(fetch * 50)
    for _ in range(100):
        ask(calm, ApiVersionsRequest())
    for connection in deaf:
        connection.close()


def test_noise_behind_good_requests_never_breaks_the_broker(broker: RunningBroker, calm: socket.socket) -> None:
    noise = random.Random(11)
    good = frame(ApiVersionsRequest()) + frame(MetadataRequest(topics=None))
    for _ in range(300):
        mixed = bytearray(good)
        for _ in range(3):
            mixed[noise.randrange(len(mixed))] = noise.randrange(256)
        with closing(connect(broker)) as connection:
            connection.sendall(mixed)
            connection.shutdown(socket.SHUT_WR)
            assert is_closed(connection)
