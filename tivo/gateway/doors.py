"""What the gateway leans on, as it sees it: the log's topics and the way into them, and what tails it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias

from tivo.client.cluster import Extent, TopicInfo
from tivo.client.producer import NewRecord, Produced
from tivo.client.tail import TailAnswer
from tivo.model.errors import BrokerError, RecordError
from tivo.model.timeline import Now
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TopicRef

Clock: TypeAlias = Callable[[], Now]

Sent: TypeAlias = Produced | RecordError | BrokerError


class Cluster(Protocol):
    """The topics of the log. Every method raises BrokerError where the log is away."""

    async def topics(self) -> Mapping[str, TopicInfo]: ...

    async def extents(self, topics: Collection[str]) -> Mapping[str, Extent]: ...

    async def log_starts(self, topic: str) -> dict[int, int]: ...

    async def log_ends(self, topic: str) -> dict[int, int]: ...

    async def create_topic(self, name: str, *, partitions: int, settings: Mapping[str, str]) -> None: ...

    async def delete_topic(self, name: str) -> None: ...


class Producer(Protocol):
    """The way into the log. One answer per record, in order."""

    async def send(self, topic: str, records: Sequence[NewRecord], *, acks: int = -1) -> Sequence[Sent]: ...

    def keep_only(self, topics: Collection[str]) -> None: ...


class Tail(Protocol):
    """The live edge, and the log behind it."""

    def open(self, topic: TopicRef) -> None: ...

    def close(self, topic: TopicRef) -> None: ...

    def keep(self, topics: Mapping[str, TopicRef]) -> None: ...

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int, wait: bool) -> TailAnswer: ...
