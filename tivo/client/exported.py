"""Events as an export holds them: a line of NDJSON or of CSV (pure)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tivo.model.timeline import to_rfc_3339

CSV_COLUMNS = (
    "time", "topic", "partition", "offset", "time_us", "received_us", "id", "key", "value", "headers",
)  # fmt: skip

_QUOTED = frozenset(',"\r\n')


class ExportPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway gives at a time: events as JSON, and the address of the next ones, None at the end."""

    events: list[msgspec.Raw]
    next: str | None = None
    complete_to_us: int | None = None


class ExportedEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event of a page, its key, value and headers still JSON."""

    topic: str
    partition: int
    offset: int
    time_us: int
    received_us: int
    id: str
    key: msgspec.Raw
    value: msgspec.Raw
    headers: msgspec.Raw


_PAGE = msgspec.json.Decoder(ExportPage)
_EVENT = msgspec.json.Decoder(ExportedEvent)
_TEXT = msgspec.json.Decoder(str)


def page_of(body: bytes) -> ExportPage:
    """Raises msgspec.DecodeError for what is none."""
    return _PAGE.decode(body)


def event_of(line: bytes | msgspec.Raw) -> ExportedEvent:
    """The event that a line of JSON holds."""
    return _EVENT.decode(line)


def text_of(told: msgspec.Raw) -> str | None:
    """A JSON string without its quotes, any other JSON as it is written; None for null."""
    written = bytes(told)
    if written == b"null":
        return None
    return _TEXT.decode(written) if written.startswith(b'"') else written.decode()


def ndjson_lines(events: Sequence[msgspec.Raw]) -> bytes:
    """An event a line, as the gateway gave it."""
    return b"".join(bytes(event) + b"\n" for event in events)


def csv_lines(events: Sequence[msgspec.Raw]) -> bytes:
    """An event a line; an empty cell is null, an empty text stands in quotes."""
    return "".join(_csv_line(event_of(event)) for event in events).encode()


def csv_head() -> bytes:
    """The names of the columns."""
    return ",".join(CSV_COLUMNS).encode() + b"\n"


def _csv_line(event: ExportedEvent) -> str:
    place = (event.topic, event.partition, event.offset, event.time_us, event.received_us, event.id)
    texts = (text_of(event.key), text_of(event.value), text_of(event.headers))
    return ",".join(map(_cell, (to_rfc_3339(event.time_us), *place, *texts))) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    if text and _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
