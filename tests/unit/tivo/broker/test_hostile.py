"""Requests of every API with bytes that say something else: an answer or a closed connection, never an exception."""

import logging
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest

from tests.support.broker import BrokerBench
from tests.support.lengths import Sample, altered, samples
from tests.unit.tivo.broker.test_connection import Listener, Socket
from tivo.broker.handlers import SERVED
from tivo.wire.framing import request_frame
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.schema import Message, Struct

PRODUCE = 0  # with acks=0 it is never answered
SAYS = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)
CASES = [
    pytest.param(request, version, id=f"{request.__name__}-v{version}")
    for request in SERVED.values()
    for version in sorted({request.api.first, request.api.last})
]


def filled(kind: type[Struct]) -> Any:
    """A struct with one element in each of its lists."""
    lists = {}
    for field in msgspec.structs.fields(kind):
        element = element_of(field.type)
        if element is not None:
            lists[field.name] = [filled(element) if issubclass(element, Struct) else element()]
    return kind(**lists)


def element_of(hint: Any) -> Any:
    """The class of a list's elements, None for what is no list."""
    if get_origin(hint) is Annotated:
        return element_of(get_args(hint)[0])
    if get_origin(hint) is list:
        element = get_args(hint)[0]
        return get_args(element)[0] if get_origin(element) is Annotated else element
    return next((found for each in get_args(hint) if (found := element_of(each)) is not None), None)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize(("kind", "version"), CASES)
def test_any_byte_may_lie(bench: BrokerBench, kind: type[Message], version: int) -> None:
    listener = Listener(bench.broker)
    whole = b"".join(request_frame(filled(kind), version, correlation_id=1, client_id="c"))
    for at in range(4, len(whole)):
        for says in SAYS:
            lie = whole[:at] + bytes((says,)) + whole[at + 1 :]
            socket = Socket(listener)
            socket.receive(lie)
            socket.connection.connection_lost(None)

    good = Socket(listener)
    good.send(ApiVersionsRequest())
    assert good.replies()
    good.connection.connection_lost(None)


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_any_length_may_lie(bench: BrokerBench, sample: Sample) -> None:
    listener = Listener(bench.broker)
    for length in sample.lengths:
        for what, lie in altered(sample, length):
            socket = Socket(listener)
            socket.receive(lie)
            bench.runtime.work()
            is_answered = socket.transport.closed or socket.transport.writes or not socket.connection.is_idle
            assert is_answered or sample.request.api.key == PRODUCE, f"{what}: neither answered nor closed"
            socket.connection.connection_lost(None)


def test_lengths_are_found_where_they_stand() -> None:
    sample = next(each for each in samples() if (each.request.api.name, each.version) == ("Produce", 12))

    assert ["client_id", "transactional_id", "topic_data", "topic_data.name", "topic_data.partition_data"] == [
        length.path for length in sample.lengths[:5]
    ]
    assert b"\x11transactional_id" == sample.frame[sample.lengths[1].at :][:17]


@pytest.mark.parametrize(("kind", "version"), CASES)
def test_any_request_may_end_early(bench: BrokerBench, kind: type[Message], version: int) -> None:
    listener = Listener(bench.broker)
    whole = b"".join(request_frame(filled(kind), version, correlation_id=1, client_id="c"))
    for length in range(4, len(whole)):
        waiting, short = Socket(listener), Socket(listener)
        waiting.receive(whole[:length])
        short.receive((length - 4).to_bytes(4) + whole[4:length])
        assert [] == waiting.transport.writes
        assert short.transport.closed or short.transport.writes or not short.connection.is_idle or kind.api.key == 0
        for socket in (waiting, short):
            socket.connection.connection_lost(None)
