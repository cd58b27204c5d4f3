"""An event that was played, as a record for another topic (pure)."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from tivo.client.viewer_session import ShownEvent
from tivo.model.event import RECEIVED_HEADER, TIME_HEADER, Headers

ORIGIN_TOPIC = "tivo-origin-topic"
ORIGIN_PARTITION = "tivo-origin-partition"
ORIGIN_OFFSET = "tivo-origin-offset"
ORIGIN_TIME = "tivo-origin-time-us"

_ORIGIN = frozenset({ORIGIN_TOPIC, ORIGIN_PARTITION, ORIGIN_OFFSET, ORIGIN_TIME})
_ANEW = _ORIGIN | {RECEIVED_HEADER}


def to_bytes(told: Any) -> bytes | None:
    """A key, a raw value or a header's value as it was stored."""
    match told:
        case {"base64": str(text)}:
            return b64decode(text)
        case str():
            return told.encode()
        case _:
            return None


def headers_of(event: ShownEvent, *, keep_time: bool) -> Headers:
    """The event's own headers, but for what they say of its place and time in its own log; then its origin.

    Names stand as they came first; values of a name that came more than once stand together.
    """
    left_out = _ANEW if keep_time else _ANEW | {TIME_HEADER}
    own = tuple((name, value) for name, value in _pairs(event.headers) if name not in left_out)
    origin = (
        (ORIGIN_TOPIC, event.topic.encode()),
        (ORIGIN_PARTITION, b"%d" % event.partition),
        (ORIGIN_OFFSET, b"%d" % event.offset),
        (ORIGIN_TIME, b"%d" % event.time_us),
    )
    return own + origin


def _pairs(headers: Mapping[str, Any]) -> Iterator[tuple[str, bytes | None]]:
    for name, told in headers.items():
        for each in told if isinstance(told, list) else (told,):
            yield name, to_bytes(each)
