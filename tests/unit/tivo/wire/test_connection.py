"""Bytes in, requests out: split anywhere, refused with a reason, never overwritten while someone looks."""

from collections.abc import Mapping

import pytest

from tivo.wire.connection import (
    FIRST_BUFFER,
    KEPT_BUFFER,
    MOST_ASKED,
    SMALL_BUFFER,
    Item,
    Refusal,
    Request,
    ServerConnection,
    advertised,
)
from tivo.wire.framing import Address, read_response, request_frame
from tivo.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from tivo.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from tivo.wire.primitives import uvarint
from tivo.wire.schema import Message

SERVED: Mapping[int, type[Message]] = {
    request.api.key: request for request in (ProduceRequest, MetadataRequest, HeartbeatRequest, ApiVersionsRequest)
}
LISTED = [
    ApiVersion(api_key=0, min_version=0, max_version=12),
    ApiVersion(api_key=3, min_version=0, max_version=12),
    ApiVersion(api_key=12, min_version=0, max_version=4),
    ApiVersion(api_key=18, min_version=0, max_version=4),
]


def frame(message: Message, version: int, correlation_id: int = 7) -> bytes:
    return b"".join(request_frame(message, version, correlation_id=correlation_id, client_id="me"))


def heartbeat(correlation_id: int) -> bytes:
    return frame(HeartbeatRequest(group_id="g"), 4, correlation_id)


def produce(records: bytes) -> bytes:
    partition = PartitionProduceData(records=memoryview(records))
    return frame(ProduceRequest(topic_data=[TopicProduceData(name="t", partition_data=[partition])]), 9)


def records_of(item: Item) -> memoryview:
    assert isinstance(item, Request)
    assert isinstance(item.body, ProduceRequest)
    records = item.body.topic_data[0].partition_data[0].records
    assert records is not None
    return records


def feed(connection: ServerConnection, data: bytes, step: int = 1 << 30) -> list[Item]:
    """As a socket does: as much as there is room for, at most `step` bytes at a time."""
    items: list[Item] = []
    at = 0
    while at < len(data):
        room = connection.get_buffer()
        count = min(len(room), step, len(data) - at)
        room[:count] = data[at : at + count]
        del room
        items += connection.received(count)
        at += count
    return items


def test_a_request_of_countless_elements_or_tagged_fields_is_refused() -> None:
    tags = uvarint(MOST_ASKED + 1) + bytes((99, 0)) * (MOST_ASKED + 1)
    flood = heartbeat(1)[4:-1] + tags
    names = frame(MetadataRequest(topics=[MetadataRequestTopic()] * (MOST_ASKED + 1)), 0)

    for data in (len(flood).to_bytes(4) + flood, names):
        assert f"at most {MOST_ASKED}" in str(refusal(data, max_frame=1 << 20).error)


def refusal(data: bytes, max_frame: int = 1000) -> Refusal:
    (item,) = feed(ServerConnection(SERVED, max_frame=max_frame), data)
    assert isinstance(item, Refusal)
    return item


def test_a_request_is_read() -> None:
    (item,) = feed(ServerConnection(SERVED), heartbeat(5))

    assert item == Request(12, 4, 5, "me", HeartbeatRequest(group_id="g"), len(heartbeat(5)) - 4)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
def test_requests_may_be_split_at_any_byte(step: int) -> None:
    data = b"".join(heartbeat(number) for number in range(20))

    items = feed(ServerConnection(SERVED), data, step)

    assert list(range(20)) == [item.correlation_id for item in items if isinstance(item, Request)]


def test_many_requests_may_come_in_one_read() -> None:
    items = feed(ServerConnection(SERVED), b"".join(heartbeat(number) for number in range(1000)))

    assert list(range(1000)) == [item.correlation_id for item in items if isinstance(item, Request)]


def test_an_unfinished_frame_is_pending() -> None:
    connection = ServerConnection(SERVED)

    feed(connection, heartbeat(1) + heartbeat(2)[:9])

    assert 9 == connection.pending


def test_a_rest_behind_the_message_is_passed_over() -> None:
    """As librdkafka 2.16 writes Metadata v12 for all topics: four bytes in place of one for the null array."""
    body = bytes.fromhex("00000000 010000")
    whole = frame(MetadataRequest(topics=None), 12)
    header = whole[4 : len(whole) - 4]

    (item,) = feed(ServerConnection(SERVED), (len(header) + len(body)).to_bytes(4) + header + body)

    assert isinstance(item, Request)
    assert isinstance(item.body, MetadataRequest)
    assert item.body.topics is None


def test_a_response_tells_its_correlation_id_in_the_version_of_the_request() -> None:
    connection = ServerConnection(SERVED)
    (request,) = feed(connection, heartbeat(5))
    assert isinstance(request, Request)

    buffers = connection.respond(request, HeartbeatResponse(error_code=27))

    answer = memoryview(b"".join(buffers))[4:]
    assert (5, HeartbeatResponse(error_code=27)) == read_response(HeartbeatResponse, 4, answer)


def test_apis_are_listed_by_key_and_produce_from_version_0() -> None:
    assert LISTED == advertised(SERVED)


def test_an_unknown_version_of_api_versions_is_answered_with_what_is_served() -> None:
    connection = ServerConnection(SERVED)

    refused, after = feed(connection, b"\0\0\0\x0a\0\x12\0\x05\0\0\0\7\xff\xff" + heartbeat(8))

    assert isinstance(refused, Refusal)
    assert isinstance(after, Request)
    assert refused.reply is not None
    assert Address(18, 5, 7) == refused.address
    assert (7, ApiVersionsResponse(error_code=35, api_keys=LISTED)) == read_response(
        ApiVersionsResponse, 0, memoryview(b"".join(refused.reply))[4:]
    )
    assert not connection.closed


@pytest.mark.parametrize(
    ("data", "address", "evidence"),
    [
        (b"\0\0\0\x0a\0\x63\0\x01\0\0\0\7\xff\xff", Address(99, 1, 7), "API key 99 is not served"),
        (b"\0\0\0\x0a\0\0\0\2\0\0\0\7\xff\xff", Address(0, 2, 7), "Produce is served in versions 3 to 12, not 2"),
        (b"\0\0\0\x09\0\x0c\0\x04\0\0\0\7\0", Address(12, 4, 7), "the request header is cut short"),
        (b"\0\0\0\x0b\0\x0c\0\x04\0\0\0\7\xff\xff\0", Address(12, 4, 7), "HeartbeatRequest v4, group_id: "),
        (b"GET / HTTP/1.1\r\n", None, "an HTTP request, not Kafka: this is the Kafka port"),
        (b"\0\0\0\x07", None, "a frame has 8 to 1000 bytes, not 7"),
        (b"\xff\xff\xff\xff", None, "a frame has 8 to 1000 bytes, not -1"),
        (b"\0\0\x03\xe9", None, "a frame has 8 to 1000 bytes, not 1001"),
    ],
)
def test_what_cannot_be_served_is_refused(data: bytes, address: Address | None, evidence: str) -> None:
    refused = refusal(data)

    assert address == refused.address
    assert evidence in str(refused.error)
    assert refused.reply is None


def test_nothing_is_read_behind_a_refusal_without_a_reply() -> None:
    connection = ServerConnection(SERVED)

    items = feed(connection, heartbeat(1) + b"\xff\xff\xff\xff" + heartbeat(2))
    later = feed(connection, heartbeat(3))

    assert [Request, Refusal] == [type(item) for item in items]
    assert [] == later
    assert connection.closed
    assert 0 == connection.pending


@pytest.mark.parametrize("step", [1000, 70_000, 1 << 30])
def test_a_frame_larger_than_the_buffer_is_read(step: int) -> None:
    records = bytes(range(256)) * 2000

    items = feed(ServerConnection(SERVED), produce(records) * 3, step)

    assert [records] * 3 == [records_of(item) for item in items]


def test_a_frame_larger_than_a_buffer_that_has_grown_is_read() -> None:
    connection = ServerConnection(SERVED)
    feed(connection, produce(bytes(300_000)))

    (item,) = feed(connection, produce(b"x" * 900_000), 10_000)

    assert b"x" * 900_000 == records_of(item)


def test_records_keep_their_bytes_for_as_long_as_they_are_held() -> None:
    connection = ServerConnection(SERVED)
    sent = [bytes((number,)) * 30_000 for number in range(20)]

    held = [records_of(item) for records in sent for item in feed(connection, produce(records), 11_000)]

    assert sent == held


def test_records_may_be_stamped_in_place() -> None:
    (item,) = feed(ServerConnection(SERVED), produce(bytes(20)))

    assert not records_of(item).readonly


def test_records_that_nobody_holds_leave_their_room_to_others() -> None:
    connection = ServerConnection(SERVED)
    rooms = set()

    for _ in range(50):
        feed(connection, produce(bytes(30_000)))
        rooms.add(len(connection.get_buffer()))

    assert {SMALL_BUFFER} == rooms


def test_the_buffer_grows_with_what_has_arrived_and_not_with_what_is_promised() -> None:
    connection = ServerConnection(SERVED)
    promised = (16 << 20).to_bytes(4) + bytes(100)

    feed(connection, promised)

    assert len(connection.get_buffer()) <= 2 * SMALL_BUFFER


def test_until_something_has_come_the_buffer_is_small() -> None:
    connection = ServerConnection(SERVED)

    before = len(connection.get_buffer())
    feed(connection, produce(bytes(100)))

    assert (FIRST_BUFFER, SMALL_BUFFER) == (before, len(connection.get_buffer()))


def test_a_large_buffer_is_given_back_when_it_is_empty() -> None:
    connection = ServerConnection(SERVED)

    feed(connection, produce(bytes(2 * KEPT_BUFFER)))

    assert SMALL_BUFFER == len(connection.get_buffer())


def test_a_buffer_of_usual_size_is_kept() -> None:
    connection = ServerConnection(SERVED)

    feed(connection, produce(bytes(KEPT_BUFFER // 2)))

    assert len(connection.get_buffer()) > KEPT_BUFFER // 2


def test_a_frame_may_begin_anywhere_in_the_buffer() -> None:
    connection = ServerConnection(SERVED)
    filling = [produce(bytes(size)) for size in (40_000, 20_000, 5_500, 60_000, 30_000)]

    items = feed(connection, b"".join(filling), SMALL_BUFFER - 1)

    assert [40_000, 20_000, 5_500, 60_000, 30_000] == [len(records_of(item)) for item in items]


def test_a_frame_at_the_end_of_the_buffer_is_moved_to_its_start() -> None:
    connection = ServerConnection(SERVED)
    long = frame(HeartbeatRequest(group_id="g" * 20_000), 4)

    items = feed(connection, long * 10)

    assert [len(long) - 4] * 10 == [item.size for item in items if isinstance(item, Request)]
    assert SMALL_BUFFER == len(connection.get_buffer())


def test_a_held_view_in_a_buffer_with_room_moves_nothing() -> None:
    connection = ServerConnection(SERVED)
    feed(connection, produce(b"first"))
    (held,) = feed(connection, produce(bytes(100)))

    room = len(connection.get_buffer())

    assert SMALL_BUFFER - len(produce(bytes(100))) == room
    assert 100 == len(records_of(held))


# ------------------------------------------------------------------ before the client has said who it is

AUTHENTICATE = SaslAuthenticateRequest.api.key


def held_back() -> ServerConnection:
    served = {**SERVED, AUTHENTICATE: SaslAuthenticateRequest}
    return ServerConnection(served, max_frame=100, only={18, AUTHENTICATE})


def test_only_some_apis_are_taken_before_the_client_has_said_who_it_is() -> None:
    first, second = feed(held_back(), frame(ApiVersionsRequest(), 0) + heartbeat(5))

    assert isinstance(first, Request)
    assert isinstance(second, Refusal)
    assert "Heartbeat before the client has said who it is: ILLEGAL_SASL_STATE" == str(second.error)


def test_everything_is_taken_afterwards() -> None:
    connection = held_back()

    connection.open_up(10_000)

    (item,) = feed(connection, produce(b"x" * 200))
    assert b"x" * 200 == records_of(item)


@pytest.mark.parametrize("token", [b"", b"\0a\0b"])
def test_bare_messages_of_logging_in(token: bytes) -> None:
    connection = held_back()
    connection.takes_bare = True

    (item,) = feed(connection, len(token).to_bytes(4) + token)

    assert isinstance(item, Request)
    assert SaslAuthenticateRequest(auth_bytes=token) == item.body
    assert [b"\0\0\0\2ok"] == connection.respond(item, SaslAuthenticateResponse(auth_bytes=b"ok"))
    assert [] == connection.respond(item, SaslAuthenticateResponse(error_code=58))


def test_bare_message_is_bounded() -> None:
    connection = held_back()
    connection.takes_bare = True

    (item,) = feed(connection, b"\x00\x00\x00\x65")

    assert isinstance(item, Refusal)
    assert "a frame has 0 to 100 bytes, not 101" == str(item.error)
