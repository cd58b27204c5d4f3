"""One connection, with a transport that only remembers what it is told."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.batches import batch
from tests.support.broker import ENDPOINT, BrokerBench, response_of
from tests.support.group_member import GroupMember
from tivo.broker.broker import Broker
from tivo.broker.complaints import Complaints
from tivo.broker.connection import MAX_OWED, MAX_OWED_BYTES, Connection
from tivo.broker.listeners import Endpoint
from tivo.broker.throttle import Throttle
from tivo.metrics import BROKER_ERRORS
from tivo.wire.framing import read_response, request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from tivo.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from tivo.wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from tivo.wire.messages.metadata import MetadataRequest
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.schema import Message


class SilentTransport(asyncio.Transport):
    """Takes what it is given."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.9", 5)})
        self.writes: list[bytes] = []
        self.closed = self.aborted = False
        self.reading = True
        self.unsent = 0
        self.pauses: Connection | None = None  # whom to tell that the client does not read

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        if self.pauses is not None and len(data) > 100_000:
            self.pauses.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (low, high)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Listener:
    """The owner of connections, with room or without."""

    def __init__(self, broker: Broker, *, refusal: str | None = None, throttle: Throttle | None = None) -> None:
        self.broker = broker
        self.complaints = Complaints(logging.getLogger("test"), broker.runtime.now, lines=10)
        self.max_request_bytes = 1 << 20
        self.login_request_bytes = 1 << 10
        self.throttle = throttle or Throttle(None, None, ())
        self.refusal = refusal
        self.gone: list[Connection] = []

    def admit(self, connection: Connection, host: str) -> str | None:
        return self.refusal

    def forget(self, connection: Connection, host: str) -> None:
        self.gone.append(connection)


@dataclass
class Socket:
    """A client's end: sends requests, reads replies."""

    listener: Listener
    transport: SilentTransport = field(default_factory=SilentTransport)
    endpoint: Endpoint = ENDPOINT
    asked: list[Message] = field(default_factory=list)
    taken: int = 0

    def __post_init__(self) -> None:
        self.connection = Connection(self.listener, self.endpoint)
        self.connection.connection_made(self.transport)

    def receive(self, data: bytes) -> None:
        """Bytes arrive, in one read event as far as the buffer takes them."""
        while data:
            room = self.connection.get_buffer(-1)
            count = min(len(room), len(data))
            room[:count] = data[:count]
            del room
            self.connection.buffer_updated(count)
            data = data[count:]

    def send(self, *requests: Message) -> None:
        frames = b""
        for request in requests:
            self.asked.append(request)
            frame = request_frame(request, request.api.last, correlation_id=len(self.asked), client_id="c")
            frames += b"".join(frame)
        self.receive(frames)

    def replies(self) -> list[Any]:
        """The replies since the last call; each must be the next one due."""
        data = memoryview(b"".join(self.transport.writes))
        self.transport.writes.clear()
        found = []
        while data:
            size = int.from_bytes(data[:4])
            frame, data = data[4 : 4 + size], data[4 + size :]
            request = self.asked[self.taken]
            self.taken += 1
            correlation_id, response = read_response(response_of(type(request)), request.api.last, frame)
            assert self.taken == correlation_id
            found.append(response)
        return found


@pytest.fixture
def socket(bench: BrokerBench) -> Iterator[Socket]:
    opened = Socket(Listener(bench.broker))
    yield opened
    opened.connection.connection_lost(None)


def produce(value: bytes = b"a", *, acks: int = -1, topic: str = "t") -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(batch(value)))
    return ProduceRequest(acks=acks, topic_data=[TopicProduceData(name=topic, partition_data=[data])])


def fetch(bench: BrokerBench, *, wait_ms: int = 10_000, offset: int = 0) -> FetchRequest:
    partition = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    topic = FetchTopic(topic_id=bench.broker.topics.get("t").id, partitions=[partition])
    return FetchRequest(max_wait_ms=wait_ms, min_bytes=1, topics=[topic])


LATEST = ListOffsetsRequest(
    topics=[ListOffsetsTopic(name="t", partitions=[ListOffsetsPartition(partition_index=0, timestamp=-1)])]
)


def offsets(replies: list[Any]) -> list[int]:
    return [reply.responses[0].partition_responses[0].base_offset for reply in replies]


# ------------------------------------------------------------------ order


def test_replies_of_one_read_go_out_in_one_write(socket: Socket) -> None:
    socket.send(*[ApiVersionsRequest() for _ in range(10)])

    assert 1 == len(socket.transport.writes)
    assert 10 == len(socket.replies())


def test_produce_requests_share_a_group_commit(bench: BrokerBench, socket: Socket) -> None:
    socket.send(*[produce(b"%d" % number) for number in range(5)])

    assert 5 == bench.leader("t").log.log_end
    assert [] == socket.replies()
    before = bench.disk.count("fdatasync", ".log")
    bench.runtime.work()

    assert [0, 1, 2, 3, 4] == offsets(socket.replies())
    assert 2 >= bench.disk.count("fdatasync", ".log") - before


def test_other_requests_wait_for_a_produce(bench: BrokerBench, socket: Socket) -> None:
    socket.send(produce(), LATEST)
    assert [] == socket.replies()

    bench.runtime.work()

    produced, latest = socket.replies()
    assert [0] == offsets([produced])
    assert 1 == latest.topics[0].partitions[0].offset


def test_produce_waits_for_other_requests(bench: BrokerBench, socket: Socket) -> None:
    socket.send(fetch(bench), produce())
    assert 0 == bench.leader("t").log.log_end

    bench.runtime.forward(10_000_000)
    bench.runtime.work()

    assert 2 == len(socket.replies())
    assert 1 == bench.leader("t").log.log_end


def test_quicker_reply_waits_for_the_one_before(bench: BrokerBench, socket: Socket) -> None:
    socket.send(produce(), produce(topic="nowhere"))
    assert [] == socket.replies()

    bench.runtime.work()

    assert [0, -1] == offsets(socket.replies())


def test_produce_without_acknowledgement_takes_no_turn(bench: BrokerBench, socket: Socket) -> None:
    socket.send(produce(acks=0), produce(acks=0), MetadataRequest(topics=[]))
    socket.taken = 2

    assert 1 == len(socket.replies())
    assert 2 == bench.leader("t").log.log_end


def test_only_so_many_produce_requests_are_under_way(bench: BrokerBench, socket: Socket) -> None:
    socket.send(*[produce() for _ in range(MAX_OWED + 10)])

    assert MAX_OWED == bench.leader("t").log.log_end
    assert not socket.transport.reading
    bench.runtime.work()

    assert list(range(MAX_OWED + 10)) == offsets(socket.replies())
    assert socket.transport.reading


def test_large_produce_requests_that_wait_take_so_much_memory_and_no_more(bench: BrokerBench, socket: Socket) -> None:
    request = produce(bytes(900_000))
    socket.send(*[request] * 8)

    assert 6 == bench.leader("t").log.log_end, f"the sixth begins below {MAX_OWED_BYTES} bytes"
    assert not socket.transport.reading
    bench.runtime.work()

    assert list(range(8)) == offsets(socket.replies())
    assert socket.transport.reading


def test_connection_that_waits_reads_on_until_there_is_a_backlog(bench: BrokerBench, socket: Socket) -> None:
    socket.send(fetch(bench))
    assert socket.transport.reading

    socket.send(MetadataRequest(topics=[]))
    assert not socket.transport.reading
    bench.runtime.forward(10_000_000)

    assert 2 == len(socket.replies())
    assert socket.transport.reading


def test_another_connection_wakes_a_fetch(bench: BrokerBench, socket: Socket) -> None:
    other = Socket(socket.listener)
    socket.send(fetch(bench))

    other.send(produce(b"news"))
    bench.runtime.work()

    (reply,) = socket.replies()
    assert b"news" in bytes(reply.responses[0].partitions[0].records)
    assert 1 == len(other.replies())


def test_request_in_many_pieces(socket: Socket) -> None:
    whole = b"".join(request_frame(ApiVersionsRequest(), 4, correlation_id=1, client_id="c"))
    socket.asked.append(ApiVersionsRequest())
    for at in range(len(whole)):
        assert [] == socket.replies()
        socket.receive(whole[at : at + 1])

    assert 1 == len(socket.replies())


def test_large_records_are_written_as_they_are_read(bench: BrokerBench, socket: Socket) -> None:
    bench.produce("t", b"x" * 100_000)

    socket.send(fetch(bench))

    sizes = [len(write) for write in socket.transport.writes]
    assert 3 == len(sizes)
    assert sizes[1] > 100_000
    assert 1 == len(socket.replies())


def test_answer_that_ends_with_records(bench: BrokerBench, socket: Socket) -> None:
    bench.produce("t", b"x" * 100_000)
    older = fetch(bench)
    older.topics[0].topic = "t"

    socket.receive(b"".join(request_frame(older, 11, correlation_id=1, client_id="c")))

    assert [True, False] == [len(write) < 1_000 for write in socket.transport.writes]


def test_large_answers_are_sent_before_the_next_is_read(bench: BrokerBench, socket: Socket) -> None:
    bench.produce("t", b"x" * 1_000_000)
    socket.transport.pauses = socket.connection

    socket.send(*[fetch(bench) for _ in range(10)])
    assert 1 == len(socket.replies())
    socket.connection.resume_writing()

    assert 1 == len(socket.replies())


# ------------------------------------------------------------------ slow and lost clients


def test_client_that_does_not_read_gets_nothing_more(bench: BrokerBench, socket: Socket) -> None:
    socket.connection.pause_writing()
    assert not socket.transport.reading

    socket.send(MetadataRequest(topics=[]))
    assert [] == socket.replies()
    socket.connection.resume_writing()

    assert 1 == len(socket.replies())
    assert socket.transport.reading
    assert None is socket.connection.stalled_since_us


def test_lost_connection_lets_go_of_what_it_waits_for(bench: BrokerBench) -> None:
    socket = Socket(Listener(bench.broker))
    socket.send(fetch(bench), produce())

    socket.connection.connection_lost(None)

    assert 0 == len(bench.broker.waiters)
    assert [socket.connection] == socket.listener.gone
    assert 0 == bench.leader("t").log.log_end


def test_reply_to_a_lost_connection_goes_nowhere(bench: BrokerBench) -> None:
    socket = Socket(Listener(bench.broker))
    socket.send(produce())

    socket.connection.connection_lost(None)
    bench.runtime.work()

    assert [] == socket.transport.writes
    assert 1 == bench.leader("t").high_watermark


def test_unfinished_request_is_timed_from_its_first_byte(bench: BrokerBench, socket: Socket) -> None:
    whole = b"".join(request_frame(ApiVersionsRequest(), 4, correlation_id=1, client_id="c"))
    began_us = bench.runtime.now().steady_us

    socket.receive(whole[:5])
    bench.runtime.forward(1_000)
    socket.receive(whole[5:10])
    assert began_us == socket.connection.unfinished_since_us
    socket.receive(whole[10:] + whole[:5])
    assert began_us + 1_000 == socket.connection.unfinished_since_us
    socket.receive(whole[5:])

    assert None is socket.connection.unfinished_since_us
    assert socket.connection.is_idle


# ------------------------------------------------------------------ what closes a connection


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4) + body


@pytest.mark.parametrize(
    "garbage",
    [
        frame(b""),
        frame(b"abc"),
        b"\xff\xff\xff\xff",
        (2**31 - 1).to_bytes(4),
        ((1 << 20) + 1).to_bytes(4),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        frame(b"\x7f\xff\x00\x00\x00\x00\x00\x01\xff\xff"),
        frame(b"\x00\x03\x7f\xff\x00\x00\x00\x01\xff\xff"),
        frame(b"\x00\x03\x00\x0c\x00\x00\x00\x01\x00\x09c"),
        frame(b"\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff"),
    ],
)
def test_garbage_closes_the_connection_with_one_line(
    socket: Socket, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    socket.receive(garbage)

    assert (True, []) == (socket.transport.closed, socket.transport.writes)
    assert 1 == len(caplog.records)
    assert "127.0.0.9" in caplog.text


def test_garbage_behind_good_requests_waits_for_its_turn(
    bench: BrokerBench, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    whole = b"".join(request_frame(produce(), 12, correlation_id=1, client_id="c"))
    socket.asked.append(produce())

    socket.receive(whole + b"GET / HTTP/1.1\r\n\r\n")
    assert not socket.transport.closed
    bench.runtime.work()

    assert [0] == offsets(socket.replies())
    assert socket.transport.closed


def test_newer_api_versions_request_is_answered_in_version_0(socket: Socket) -> None:
    before = counted("UNSUPPORTED_VERSION")

    socket.receive(frame(b"\x00\x12\x00\x09\x00\x00\x00\x07\xff\xff\x00"))

    (written,) = socket.transport.writes
    correlation_id, response = read_response(ApiVersionsResponse, 0, memoryview(written)[4:])
    assert (7, 35) == (correlation_id, response.error_code)
    assert response.api_keys
    assert not socket.transport.closed
    assert 1 == counted("UNSUPPORTED_VERSION") - before


def test_refused_batch_without_acknowledgement_closes_behind_what_was_due(
    socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    socket.send(HeartbeatRequest(group_id=""), produce(acks=0, topic="nowhere"), MetadataRequest(topics=[]))

    (reply,) = socket.replies()
    assert isinstance(reply, HeartbeatResponse)
    assert socket.transport.closed
    assert "nowhere" in caplog.text


def test_what_a_client_does_not_read_is_counted_until_it_does_or_goes(bench: BrokerBench, socket: Socket) -> None:
    socket.transport.unsent = 3_000_000
    socket.connection.pause_writing()
    assert 3_000_000 == bench.broker.unsent.bytes
    socket.connection.resume_writing()
    assert 0 == bench.broker.unsent.bytes

    socket.connection.pause_writing()
    socket.connection.connection_lost(None)

    assert 0 == bench.broker.unsent.bytes


def counted(code: str) -> float:
    return BROKER_ERRORS.labels(code)._value.get()


def test_a_refusal_is_counted_and_told_in_one_line(
    bench: BrokerBench, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("CORRUPT_MESSAGE")
    broken = batch(b"a")
    broken[-1] ^= 1
    data = [PartitionProduceData(index=0, records=memoryview(broken)) for _ in range(3)]

    socket.send(ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=data)]))

    assert 3 == counted("CORRUPT_MESSAGE") - before
    (line,) = caplog.messages
    told = json.loads(line.removeprefix("a request was refused "))
    assert "is damaged" in told.pop("why")
    assert {
        "host": "127.0.0.9",
        "principal": "User:ANONYMOUS",
        "client_id": "c",
        "api": "Produce",
        "version": 12,
        "errors": {"CORRUPT_MESSAGE": 3},
    } == told


def test_what_clients_are_told_in_the_course_of_things_is_counted_without_a_line(
    bench: BrokerBench, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("UNKNOWN_TOPIC_OR_PARTITION")

    socket.send(produce(topic="nowhere"))

    assert 1 == counted("UNKNOWN_TOPIC_OR_PARTITION") - before
    assert [] == caplog.messages


def test_a_refusal_that_cannot_be_answered_is_counted_too(bench: BrokerBench, socket: Socket) -> None:
    before = counted("UNKNOWN_TOPIC_OR_PARTITION")

    socket.send(produce(acks=0, topic="nowhere"))

    assert 1 == counted("UNKNOWN_TOPIC_OR_PARTITION") - before


def test_no_room_is_told_in_the_log(bench: BrokerBench, caplog: pytest.LogCaptureFixture) -> None:
    socket = Socket(Listener(bench.broker, refusal="there are 9 connections, the limit"))

    assert socket.transport.aborted
    assert "the limit" in caplog.text
    socket.connection.connection_lost(None)


# ------------------------------------------------------------------ stopping


def test_drained_connection_closes_at_once_where_nothing_is_owed(socket: Socket) -> None:
    socket.connection.drain()

    assert socket.transport.closed


def test_drained_connection_answers_what_is_owed_and_begins_nothing(bench: BrokerBench, socket: Socket) -> None:
    socket.send(produce(), LATEST)

    socket.connection.drain()
    assert not socket.transport.closed
    bench.runtime.work()

    assert [0] == offsets(socket.replies())
    assert socket.transport.closed


def test_finish_closes_though_something_is_owed(bench: BrokerBench, socket: Socket) -> None:
    GroupMember(bench).settle()
    socket.send(fetch(bench))

    socket.connection.finish()

    assert socket.transport.closed


def test_abort_closes_at_once(socket: Socket, caplog: pytest.LogCaptureFixture) -> None:
    socket.connection.abort("silent for 600 s")

    assert socket.transport.aborted
    assert "silent for 600 s" in caplog.text


@pytest.mark.parametrize("ask", [Connection.drain, Connection.finish, lambda connection: connection.abort("late")])
def test_lost_connection_can_still_be_asked(bench: BrokerBench, ask: Callable[[Connection], None]) -> None:
    socket = Socket(Listener(bench.broker))
    socket.connection.connection_lost(None)

    ask(socket.connection)

    assert not socket.transport.closed
