"""Pages as Faust carries them, and as the store takes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
from faust import Schema
from faust.types import TP, AppT, EventT, Message

from tivo.model.event import Headers, Loss, Page
from tivo.model.record import to_events
from tivo.wire.record_batch import Record


class FetchedRecord(Protocol):
    """What is used of a record as aiokafka hands it over."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def serialized_key_size(self) -> int: ...
    @property
    def serialized_value_size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class SalvagedRecord:
    """A record that was read without the driver."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @classmethod
    def of(cls, record: Record) -> "SalvagedRecord":
        return cls(*record)

    @property
    def serialized_key_size(self) -> int:
        return -1 if self.key is None else len(self.key)

    @property
    def serialized_value_size(self) -> int:
        return -1 if self.value is None else len(self.value)


class LostRecords(NamedTuple):
    """Offsets up to `next` that will never be held: the records as far as any were seen, for which reason, and why."""

    records: Sequence[FetchedRecord]
    next: int
    loss: Loss
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """Records of one partition that came with one fetch, cut to size. One of these is one event of Faust.

    `base` and `next` are the place before and behind it, `epoch` tells it from pages that were fetched before
    the partition was placed anew. A page with a `loss` is not to be held: `why` tells. The rest is what Faust reads
    of a record: the page stands in for its last one.
    """

    topic: str
    topic_id: bytes
    partition: int
    base: int
    next: int
    epoch: int
    records: Sequence[FetchedRecord]
    received_us: int
    owner_epoch: int = 0
    leader_epoch: int = -1
    loss: Loss | None = None
    why: str = ""

    timestamp: ClassVar[int] = 0
    timestamp_type: ClassVar[int] = 0
    headers: ClassVar[Headers] = ()
    key: ClassVar[None] = None
    checksum: ClassVar[None] = None
    serialized_key_size: ClassVar[int] = 0
    serialized_value_size: ClassVar[int] = 0

    @property
    def offset(self) -> int:
        return self.next - 1

    @property
    def value(self) -> "FetchedPage":
        return self

    @property
    def tp(self) -> TP:
        return TP(self.topic, self.partition)


def to_page(fetched: FetchedPage) -> Page:
    """The page that the store takes: the same place, its records as events."""
    events = to_events(
        fetched.topic,
        fetched.partition,
        [(record.offset, record.timestamp, record.key, record.value, record.headers) for record in fetched.records],
        received_us=fetched.received_us,
    )
    return Page(
        topic=fetched.topic,
        topic_id=fetched.topic_id,
        partition=fetched.partition,
        base=fetched.base,
        next=fetched.next,
        events=tuple(events),
        owner_epoch=fetched.owner_epoch,
        leader_epoch=fetched.leader_epoch,
    )


def halves(page: Page) -> tuple[Page, Page] | None:
    """A page cut in two that cover the same offsets; None where it holds a single event or none."""
    if len(page.events) < 2:
        return None
    middle = len(page.events) // 2
    cut = page.events[middle].offset
    return (
        msgspec.structs.replace(page, next=cut, events=page.events[:middle]),
        msgspec.structs.replace(page, base=cut, events=page.events[middle:]),
    )


class PageSchema(Schema[None, FetchedPage]):
    """Lets a page through as it is: it was never bytes."""

    def compile(self, app: AppT, **_: Any) -> Callable[..., Any]:
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> EventT[FetchedPage]:
            return create_event(None, message.value, message.headers, message)

        return decode
