"""What no client should send: bytes that are no request, and connections that are no client's.

The broker closes that connection with one line of log, serves the others, and stays small.
"""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.compat.raw import PATIENCE_S, ask, connect, frame, is_closed, receive
from tests.compat.running import RunningBroker, eventually
from tests.compat.watching import Bystander, Watch
from tests.support.recorded import recorded
from tivo.wire.framing import read_response
from tivo.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic

HUNG_UP = "tivo_broker_hung_up_total"
FEW = 20
"""Connections of the clients that do nothing wrong, at most."""

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
    "colours": b"\x00\x00\x00\x10\x00\x03\x00\x0c\x00\x00\x00\x01\x00\x04\x1b[1\n\r\xff",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_closed_with_one_line(broker: RunningBroker, watch: Watch, garbage: bytes) -> None:
    watch.begin(HUNG_UP)
    with closing(connect(broker)) as connection:
        with suppress(OSError):
            connection.sendall(garbage)

        assert is_closed(connection)

    assert watch.tells(1), watch.lines()
    assert '"host": "127.0.0.1"' in watch.lines()[0]
    assert watch.lines()[0].isprintable()
    assert 1 == watch.counted(HUNG_UP)


def test_an_unknown_version_of_api_versions_is_answered(broker: RunningBroker, watch: Watch) -> None:
    watch.begin("tivo_broker_errors_total")
    with closing(connect(broker)) as connection:
        connection.sendall(b"\x00\x00\x00\x0b\x00\x12\x7f\xff\x00\x00\x00\x07\xff\xff\x00")
        size = int.from_bytes(receive(connection, 4))
        correlation_id, told = read_response(ApiVersionsResponse, 0, memoryview(receive(connection, size)))

    assert (7, 35) == (correlation_id, told.error_code)
    assert 1 == watch.counted("tivo_broker_errors_total")
    assert watch.tells(0), "every client that is newer than the broker begins so"


def test_promised_frames_take_no_memory(broker: RunningBroker, watch: Watch) -> None:
    connections = [connect(broker) for _ in range(200)]
    for connection in connections:
        connection.sendall((16 * 2**20).to_bytes(4) + b"\x00\x00\x00\x0c")

    assert watch.bystander.goes_on()
    for connection in connections:
        connection.close()


@pytest.fixture
def untouched(own_broker: RunningBroker) -> Iterator[RunningBroker]:
    """A broker of its own, in which nothing may have happened at the end but what its bystander did."""
    with Bystander(own_broker, "bystander") as bystander:
        watch = Watch(own_broker, bystander).begin()
        yield own_broker
        assert watch.is_unharmed()
    found: set[str] = set()

    def it_tells() -> bool:
        """Whoever came so often may have to wait before he is let in."""
        with suppress(OSError, AssertionError), closing(connect(own_broker)) as connection:
            found.update(topic.name for topic in ask(connection, MetadataRequest(topics=None)).topics)
        return bool(found)

    assert eventually(it_tells)
    assert {"bystander"} == {name for name in found if not name.startswith("__")}
    assert [] == [name for name in own_broker.data.iterdir() if name.name.endswith(".deleted")]


def test_a_request_cut_anywhere_is_never_applied(untouched: RunningBroker) -> None:
    for whole in (one.frame for one in recorded()):
        for length in range(len(whole)):
            with closing(connect(untouched)) as connection:
                connection.sendall(whole[:length])


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Watch]:
    """A broker that waits for half a request, or for a client that does not read, for 1 s only."""
    broker = RunningBroker(tmp_path / "data", request_deadline_us=1_000_000, stall_us=1_000_000, complaint_lines=10_000)
    broker.start()
    with Bystander(broker, "bystander") as bystander:
        watch = Watch(broker, bystander).begin(HUNG_UP)
        yield watch
        assert watch.is_unharmed()
    broker.stop()


def test_a_request_cut_anywhere_is_waited_for_and_then_closed(hasty: Watch) -> None:
    whole = next(one.frame for one in recorded() if one.api == "Produce")
    with ExitStack() as open_ones:
        connections = [open_ones.enter_context(closing(connect(hasty.broker))) for _ in range(1, len(whole))]
        for length, connection in enumerate(connections, start=1):
            connection.sendall(whole[:length])

        assert all(is_closed(connection) for connection in connections)

    assert hasty.tells(len(connections)), hasty.lines()[:3]
    assert all("did not arrive whole" in line for line in hasty.lines())
    assert len(connections) == hasty.counted(HUNG_UP)


def test_a_client_that_sends_a_byte_now_and_then_is_closed(hasty: Watch) -> None:
    with closing(connect(hasty.broker)) as slow:
        slow.settimeout(0.05)

        def send_one() -> bool:
            try:
                slow.sendall(b"\0")
                return slow.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        slow.sendall(b"\x00\x10\x00\x00")
        assert eventually(send_one)

    assert hasty.tells(1)


def fetches(broker: RunningBroker, topic: str) -> bytes:
    """A request for all that a topic has, of which there are 10 MB."""
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for _ in range(20):
        producer.produce(topic, bytes(500_000))
        assert 0 == producer.flush(PATIENCE_S)
    with closing(connect(broker)) as connection:
        topic_id = ask(connection, MetadataRequest(topics=[MetadataRequestTopic(name=topic)])).topics[0].topic_id
    place = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=2**24)
    topics = [FetchTopic(topic_id=topic_id, partitions=[place])]
    return frame(FetchRequest(min_bytes=1, max_bytes=2**26, topics=topics))


def test_clients_that_do_not_read_disturb_nobody(broker: RunningBroker, watch: Watch, topic: str) -> None:
    fetch = fetches(broker, topic)
    watch.begin()

    deaf = [connect(broker) for _ in range(5)]
    for connection in deaf:
        connection.sendall(fetch * 50)
    for _ in range(10):
        assert watch.bystander.goes_on()
    for connection in deaf:
        connection.close()


def test_a_client_that_does_not_read_is_closed(hasty: Watch) -> None:
    fetch = fetches(hasty.broker, "much")
    hasty.begin(HUNG_UP)
    with closing(connect(hasty.broker)) as deaf:
        deaf.sendall(fetch * 10)

        assert eventually(lambda: hasty.counted(HUNG_UP) == 1)

    assert hasty.tells(1)
    assert "was not read" in hasty.lines()[0]


@pytest.mark.parametrize("broker", ["uvloop"], indirect=True)
def test_many_connects_leave_nothing_behind(broker: RunningBroker, watch: Watch) -> None:
    for _ in range(2_000):
        connect(broker).close()

    assert eventually(lambda: broker.metric("tivo_broker_connections") < FEW)
    assert all("the limit" in line for line in watch.lines()), "more at a time than one host may have"


def test_connections_beyond_the_limit_are_closed(broker: RunningBroker, watch: Watch) -> None:
    watch.begin(HUNG_UP)
    with ExitStack() as open_ones:
        connections = [open_ones.enter_context(closing(connect(broker))) for _ in range(500 + 5)]

        assert is_closed(connections[-1])
        assert eventually(lambda: watch.counted(HUNG_UP) >= 5)
        assert watch.tells(int(watch.counted(HUNG_UP))), watch.lines()[:3]


def test_noise_behind_good_requests_never_breaks_the_broker(broker: RunningBroker, watch: Watch) -> None:
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
