"""Notices → JSON. Events are spliced out of stored bytes: a value is never parsed or written anew."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Any

import msgspec

from tivo.model.event import Headers, ValueKind, event_id
from tivo.playback.controls import number
from tivo.playback.notices import Events, Image, Notice, Shown, State

_JSON = msgspec.json.Encoder()


def encode(notice: Notice, *, raw: bool = False) -> bytes:
    """The UTF-8 JSON text of a notice; `raw` makes every value base64."""
    if isinstance(notice, Events):
        return _events(notice, raw=raw)
    if isinstance(notice, Image):
        return _image(notice, raw=raw)
    return _JSON.encode({"type": notice.type, **_plain(notice)})


def _plain(notice: Notice) -> dict[str, Any]:
    told = {name: _value(getattr(notice, name)) for name in notice.__struct_fields__}
    if isinstance(notice, State):
        told |= told.pop("controls")
    return told


def _value(value: Any) -> Any:
    match value:
        case Fraction():
            return number(value)
        case Enum():
            return value.value
        case Notice():
            return _plain(value)
        case _:
            return value


# ---------------------------------------------------------------- events


def _events(frame: Events, *, raw: bool) -> bytes:
    bodies = event_bodies(frame.events, frame.due_us, raw=raw)
    head = b'{"type":"events","epoch":%d,"n":%d,"due_us":%d,"late_us":%d,"iteration":%d,"live":%b,"thinned":%d' % (
        frame.epoch,
        frame.n,
        frame.due_us,
        frame.late_us,
        frame.iteration,
        b"true" if frame.live else b"false",
        frame.thinned,
    )
    cursor = b"" if frame.cursor is None else b',"cursor":"%b"' % frame.cursor.encode()
    return b'%b%b,"events":[%b]}' % (head, cursor, b",".join(bodies))


def _image(image: Image, *, raw: bool) -> bytes:
    """What is shown in an image was due before: when is not told."""
    bodies = [body for shown in image.events for body in event_bodies([shown], shown.due_us, raw=raw)]
    position = b"null" if image.pos_us is None else b"%d" % image.pos_us
    last = b"true" if image.last else b"false"
    head = b'{"type":"image","epoch":%d,"pos_us":%b,"part":%d,"last":%b' % (image.epoch, position, image.part, last)
    return b'%b,"events":[%b]}' % (head, b",".join(bodies))


def event_bodies(events: Sequence[Shown], frame_due_us: int, *, raw: bool = False) -> list[bytes]:
    """The JSON of each event; `due_us` stands where it is not the frame's."""
    value_of = _raw_value if raw else _VALUES
    bodies: list[bytes] = []
    for event, topic_id, due_us, mark in events:
        body = b'{"topic":%b,"partition":%d,"offset":%d,"time_us":%d,"received_us":%d,"id":"%b","key":%b,"value":%b' % (
            _text(event.topic),
            event.partition,
            event.offset,
            event.time_us,
            event.received_us,
            # A derived id is hexadecimal; one that a producer named itself may hold anything.
            _JSON.encode(event_id(event, topic_id))[1:-1] if event.headers else event_id(event, topic_id).encode(),
            b"null" if event.key is None else _key(event.key),
            value_of[event.kind](event.value),
        )
        tail = b',"headers":%b}' % (_headers(event.headers) if event.headers else b"{}")
        if due_us != frame_due_us:
            tail = b',"due_us":%d%b' % (due_us, tail)
        if mark:
            tail = b',"%b":true%b' % (mark.encode(), tail)
        bodies.append(body + tail)
    return bodies


@lru_cache(maxsize=4_096)
def _text(text: str) -> bytes:
    return _JSON.encode(text)


@lru_cache(maxsize=16_384)
def _key(key: bytes) -> bytes:
    """A string where the bytes are UTF-8, else base64. Keys come again and again."""
    return _bytes(key)


def _bytes(data: bytes) -> bytes:
    try:
        return _JSON.encode(data.decode())
    except UnicodeDecodeError:
        return _base64(data)


def _base64(data: bytes) -> bytes:
    return b'{"base64":"%b"}' % b64encode(data)


def _headers(headers: Headers) -> bytes:
    """Names to values; a name that comes more than once to the list of its values."""
    told: dict[str, list[bytes]] = {}
    for name, value in headers:
        told.setdefault(name, []).append(b"null" if value is None else _bytes(value))
    members = [
        b"%b:%b" % (_text(name), values[0] if len(values) == 1 else b"[%b]" % b",".join(values))
        for name, values in told.items()
    ]
    return b"{%b}" % b",".join(members)


def _spliced(value: bytes | None) -> bytes:
    assert value is not None, "a value of kind JSON has bytes"
    return value


def _as_text(value: bytes | None) -> bytes:
    return _bytes(value or b"")


def _as_base64(value: bytes | None) -> bytes:
    return b"null" if value is None else _base64(value)


def _as_null(value: bytes | None) -> bytes:
    del value
    return b"null"


_VALUES: Mapping[ValueKind, Callable[[bytes | None], bytes]] = {
    ValueKind.JSON: _spliced,
    ValueKind.TEXT: _as_text,
    ValueKind.BINARY: _as_base64,
    ValueKind.NULL: _as_null,
}
_raw_value: Mapping[ValueKind, Callable[[bytes | None], bytes]] = dict.fromkeys(ValueKind, _as_base64)
