"""Events, topics and a patient world for the tests of playback."""

from collections.abc import Iterable

from tivo.model.event import Event, Headers, ValueKind
from tivo.model.timeline import Now
from tivo.playback.facts import TopicRef

WALL_US = 1_700_000_000_000_000


def now(steady_us: int = 0) -> Now:
    """A moment of the world, counted from its beginning."""
    return Now(WALL_US + steady_us, steady_us)


def event(
    time_us: int,
    *,
    topic: str = "a",
    partition: int = 0,
    offset: int = 0,
    key: bytes | None = None,
    value: bytes | None = b"1",
    kind: ValueKind = ValueKind.JSON,
    headers: Headers = (),
) -> Event:
    return Event(time_us, topic, partition, offset, key, value, headers, WALL_US, kind)


def topic(name: str = "a", partitions: int = 1, made: int = 1) -> TopicRef:
    return TopicRef(name, f"{name}-{made}".encode().ljust(16)[:16], tuple(range(partitions)))


def past(*seconds: float, name: str = "a", partition: int = 0, first: int = 0) -> list[Event]:
    """Events so many seconds before the world began, with offsets in turn."""
    return [
        event(WALL_US - round(ago * 1_000_000), topic=name, partition=partition, offset=first + index)
        for index, ago in enumerate(seconds)
    ]


def offsets(events: Iterable[Event]) -> list[int]:
    return [found.offset for found in events]
