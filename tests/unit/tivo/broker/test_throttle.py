"""Who has had too much is held back."""

from collections.abc import Iterator

import pytest

from tests.support.batches import batch
from tests.support.broker import BrokerBench
from tests.unit.tivo.broker.test_connection import Listener, Socket
from tivo.auth.principals import ANONYMOUS, Principal
from tivo.broker.throttle import Throttle
from tivo.metrics import BROKER_THROTTLED
from tivo.model.timeline import SECOND_US
from tivo.wire.connection import Request
from tivo.wire.framing import request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData

ADA = Principal("ada")


def produced(size: int, acks: int = -1) -> Request:
    return Request(0, 12, 1, "c", ProduceRequest(acks=acks), size)


def fetched(*records: bytes | memoryview | list[bytes | bytearray | memoryview] | None) -> FetchResponse:
    partitions = [PartitionData(records=each) for each in records]  # type: ignore[arg-type]  # the list's element
    return FetchResponse(responses=[FetchableTopicResponse(partitions=partitions)])


def test_answer_tells_how_long_nothing_more_is_taken() -> None:
    throttle, response = Throttle(1_000, None, ()), ProduceResponse()

    assert SECOND_US // 2 == throttle.charge(ADA, produced(1_500), response, 0)
    assert 500 == response.throttle_time_ms


def test_who_keeps_within_the_rate_waits_for_nothing() -> None:
    response = ProduceResponse()

    assert 0 == Throttle(1_000, None, ()).charge(ADA, produced(1_000), response, 0)
    assert 0 == response.throttle_time_ms


def test_without_an_answer_it_counts_all_the_same() -> None:
    assert SECOND_US == Throttle(1_000, None, ()).charge(ADA, produced(2_000, acks=0), None, 0)


def test_records_of_a_fetch_count() -> None:
    request = Request(1, 16, 1, "c", FetchRequest(), 1_000_000)
    response = fetched(b"x" * 500, memoryview(b"x" * 500), [b"x" * 500, b"x" * 500], None)

    assert SECOND_US == Throttle(None, 1_000, ()).charge(ADA, request, response, 0)
    assert 1_000 == response.throttle_time_ms


def test_super_users_are_not_held_back() -> None:
    assert 0 == Throttle(1, 1, [ADA]).charge(ADA, produced(1_000), ProduceResponse(), 0)


def test_waits_are_counted() -> None:
    counter = BROKER_THROTTLED.labels("Produce")
    before = counter._value.get()

    Throttle(1_000, None, ()).charge(ADA, produced(3_000), ProduceResponse(), 0)

    assert 2 == pytest.approx(counter._value.get() - before)


# ------------------------------------------------------------------ on a connection


@pytest.fixture
def socket(bench: BrokerBench) -> Iterator[Socket]:
    made = Socket(Listener(bench.broker, throttle=Throttle(1_000, 1_000, ())))
    yield made
    made.connection.connection_lost(None)


def produce(size: int, acks: int = -1) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=memoryview(batch(b"x" * size)))
    return ProduceRequest(acks=acks, topic_data=[TopicProduceData(name="t", partition_data=[data])])


@pytest.mark.parametrize("acks", [-1, 0])
def test_nothing_more_is_read_until_the_time_has_passed(bench: BrokerBench, socket: Socket, acks: int) -> None:
    socket.send(produce(1_900, acks))
    bench.runtime.work()
    if acks:
        (answer,) = socket.replies()
        assert 900 < answer.throttle_time_ms < 1_100
        assert answer.responses[0].partition_responses[0].error_code == 0
    else:
        socket.taken += 1
    assert not socket.transport.reading

    bench.runtime.forward(SECOND_US * 9 // 10)
    assert not socket.transport.reading
    bench.runtime.forward(SECOND_US // 4)

    assert socket.transport.reading
    socket.send(ApiVersionsRequest())
    assert 1 == len(socket.replies())


def test_requests_that_came_along_wait_too(bench: BrokerBench, socket: Socket) -> None:
    socket.send(produce(1_900), ApiVersionsRequest())
    bench.runtime.work()
    assert 1 == len(socket.replies())

    bench.runtime.forward(2 * SECOND_US)

    assert 1 == len(socket.replies())


def test_fetch_is_answered_whole_and_holds_back(bench: BrokerBench, socket: Socket) -> None:
    bench.produce("t", b"x" * 2_000)
    place = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=10_000)
    topic = FetchTopic(topic_id=bench.broker.topics.get("t").id, partitions=[place])

    socket.send(FetchRequest(topics=[topic]))

    (answer,) = socket.replies()
    assert answer.throttle_time_ms > 1_000
    assert b"x" * 2_000 in bytes(answer.responses[0].partitions[0].records)
    assert not socket.transport.reading


def test_one_connections_user_is_held_back_on_the_next(bench: BrokerBench, socket: Socket) -> None:
    socket.send(produce(1_900))
    bench.runtime.work()

    assert 0 < socket.listener.throttle.charge(ANONYMOUS, produced(100), None, bench.runtime.now().steady_us)


def test_second_connection_begins_nothing_of_it_while_its_user_owes(bench: BrokerBench, socket: Socket) -> None:
    second = Socket(socket.listener)
    socket.send(produce(40_900))
    bench.runtime.work()

    second.send(ApiVersionsRequest(), produce(10))
    bench.runtime.forward(35 * SECOND_US)
    bench.runtime.work()

    assert 1 == len(second.replies())
    assert second.connection.is_held_back
    bench.runtime.forward(10 * SECOND_US)
    bench.runtime.work()
    assert 1 == len(second.replies())
    second.connection.connection_lost(None)


def test_connection_that_is_gone_is_not_held_on_to(bench: BrokerBench, socket: Socket) -> None:
    second = Socket(socket.listener)
    second.send(produce(40_900))
    bench.runtime.work()
    assert bench.runtime.has_alarm

    second.connection.connection_lost(None)

    assert not bench.runtime.has_alarm


def test_request_that_nobody_read_on_has_its_time_from_then_on(bench: BrokerBench, socket: Socket) -> None:
    frame = b"".join(request_frame(ApiVersionsRequest(), 3, correlation_id=2, client_id="c"))
    socket.send(produce(40_900))
    socket.receive(frame[:5])
    bench.runtime.work()
    assert socket.connection.is_held_back

    bench.runtime.forward(60 * SECOND_US)

    since_us = socket.connection.unfinished_since_us
    assert since_us is not None
    assert bench.runtime.now().steady_us - since_us < 60 * SECOND_US


def test_who_owes_for_one_thing_may_do_the_other() -> None:
    throttle = Throttle(1_000, 1_000, [Principal("root")])
    fetch = Request(1, 16, 1, "c", FetchRequest(), 100)
    other = Request(18, 3, 1, "c", ApiVersionsRequest(), 100)
    throttle.charge(ADA, produced(2_000), None, 0)

    assert SECOND_US == throttle.debt_us(ADA, produced(1), 0)
    assert (0, 0) == (throttle.debt_us(ADA, fetch, 0), throttle.debt_us(ADA, other, 0))
    throttle.charge(ADA, fetch, fetched(b"x" * 3_000), 0)
    assert 2 * SECOND_US == throttle.debt_us(ADA, fetch, 0)
    assert 0 == throttle.debt_us(Principal("root"), produced(1), 0)
