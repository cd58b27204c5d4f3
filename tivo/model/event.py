"""Events, the pages they travel in, and the two places in a topic: cursor and frontier."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Frontier: TypeAlias = Mapping[int, int]
"""Per partition, the next offset that is not held yet. A partition that is not named is unset."""

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]

TIME_HEADER = "tivo-time-us"
"""Header with the event time in microseconds, where a producer knows it finer than Kafka's milliseconds."""

RECEIVED_HEADER = "tivo-received-us"
"""Header with the wall time in microseconds at which tivo first took the event."""

ID_HEADERS = ("tivo-id", "ce_id")
"""Headers in which a producer may name the event's id itself, the first one found counts."""


class ValueKind(IntEnum):
    """What a record's value is, found once when it is read off the log, so that it is never parsed again."""

    JSON = 0
    TEXT = 1
    BINARY = 2
    NULL = 3


class Cursor(NamedTuple):
    """The order key of an event: a page begins right behind it. Compares in playback order."""

    time_us: int
    topic: str
    partition: int
    offset: int


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True):
    """A record as tivo keeps it.

    The first four fields are the playback order (time, topic, partition, offset), so events
    compare and sort in it. Made and sorted by the million: a struct of msgspec is built in a
    quarter of the time of a frozen dataclass.
    """

    time_us: int
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    received_us: int
    kind: ValueKind

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.time_us, self.topic, self.partition, self.offset)


class Page(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Events of one partition in offset order, written in one go.

    `base` is the place at which the reader stood before the page and `next` the place behind it;
    offsets between them that no event has are natural holes (compaction, transaction markers).
    `owner_epoch` is the store's for the partition, as it was when the reader took its place there; `leader_epoch`
    is the log's at that time, -1 where nobody told.
    """

    topic: str
    topic_id: bytes
    partition: int
    base: int
    next: int
    events: tuple[Event, ...]
    owner_epoch: int = 0
    leader_epoch: int = -1


Loss: TypeAlias = Literal["retention", "quarantine"]
"""Why offsets can never be given, in the words of the playback protocol's gap.

`retention`: the log had let go of them before they came here. `quarantine`: they came and could not be read or held.
"""


class Lost(NamedTuple):
    """Offsets of a partition, base ≤ offset < next, that the store or the log cannot give and never will, and why."""

    partition: int
    base: int
    next: int
    reason: Loss


def lost_between(lost: Iterable[Lost], base: int, next: int) -> list[Lost]:
    """What of some losses of one partition lies in base ≤ offset < next."""
    cut = (each._replace(base=max(each.base, base), next=min(each.next, next)) for each in lost)
    return [each for each in cut if each.base < each.next]


_JSON = msgspec.json.Decoder(msgspec.Raw)


def value_kind(value: bytes | None) -> ValueKind:
    """What a value is. JSON means that the bytes may stand inside a JSON text as they are."""
    if value is None:
        return ValueKind.NULL
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            return ValueKind.BINARY
    try:
        _JSON.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return ValueKind.TEXT
    return ValueKind.JSON


def header(headers: Headers, name: str) -> bytes | None:
    """The last value of a header, None where it is absent or null."""
    return next((value for key, value in reversed(headers) if key == name), None)


def event_id(event: Event, topic_id: bytes) -> str:
    """The event's id: the producer's own, else a version 7 UUID that is the same wherever the record is read.

    Its time is the event time in milliseconds, its random part a hash of the place (topic id,
    partition, offset), so ids sort by time and never change (RFC 9562 §5.7).
    """
    if event.headers:
        for name in ID_HEADERS:
            own = header(event.headers, name)
            if own:
                return own.decode("utf-8", "replace")
    place = b"%b%d/%d" % (topic_id, event.partition, event.offset)
    tail = blake2b(place, digest_size=10).hexdigest()
    time = f"{max(event.time_us, 0) // 1000 & (1 << 48) - 1:012x}"
    return f"{time[:8]}-{time[8:]}-7{tail[1:4]}-{_VARIANT[tail[4]]}{tail[5:8]}-{tail[8:]}"


_VARIANT = {digit: "89ab"[int(digit, 16) & 0x3] for digit in "0123456789abcdef"}
"""The two highest bits of a UUID's fourth group are 10."""
