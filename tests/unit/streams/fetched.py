"""Records as aiokafka hands them over, for tests."""

from dataclasses import dataclass

from faust.types import TP

from streams.models import FetchedPage
from streams.places import Most, Places
from tivo.model.event import Headers
from tivo.model.timeline import Now

PARTITION = TP("quakes", 3)
OTHER = TP("sensors", 0)
TOPIC_ID = b"topic id quakes."
OTHER_ID = b"topic id sensors"
NOW = Now(1_000_000_000, 5_000)


@dataclass(slots=True, kw_only=True)
class FetchedRecord:
    """One record with the fields that are read of it."""

    offset: int
    timestamp: int = 1_700_000_000_000
    key: bytes | None = b"key"
    value: bytes | None = b"value"
    headers: Headers = ()

    @property
    def serialized_key_size(self) -> int:
        return -1 if self.key is None else len(self.key)

    @property
    def serialized_value_size(self) -> int:
        return -1 if self.value is None else len(self.value)


def records(*offsets: int) -> list[FetchedRecord]:
    return [FetchedRecord(offset=offset) for offset in offsets]


def placed(base: int = 0) -> Places:
    """Places with PARTITION placed at a base."""
    places = Places()
    places.assign([PARTITION])
    places.put(PARTITION, TOPIC_ID, base, now_us=0)
    return places


def cut(places: Places, *offsets: int, page_events: int = 1_000) -> list[FetchedPage]:
    """Pages of a fetch that brought records with these offsets."""
    return places.cut(PARTITION, records(*offsets), most=Most(page_events, 1_000_000), now=NOW)
