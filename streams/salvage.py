"""Reads what the driver cannot, piece by piece: its decoder gives up a whole batch for one record."""

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.fetcher import Answer, Bounds, Fetcher, Place
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.salvage import Piece


class Salvager:
    """Fetches without waiting, over connections of its own that are made when they are first needed."""

    def __init__(self, bootstrap: Bootstrap, cluster: Cluster, *, max_bytes: int) -> None:
        self._cluster = cluster
        self._fetcher = Fetcher(bootstrap, cluster, client_id="tivo-agent-salvage")
        self._is_connected = False
        self._bounds = Bounds(partition_bytes=max_bytes, bytes=max_bytes)

    async def read(self, topic: str, topic_id: bytes, partition: int, offset: int) -> list[Piece]:
        """The pieces of the log from an offset on that one fetch brings, one batch at least where there is any.

        Raises UnknownTopic where the topic has another id, BrokerError.
        """
        place = Place(topic, topic_id, partition)
        leaders = await self._fetcher.by_leader({place: offset})
        if not leaders:
            if (await self._cluster.topic_ids((topic,))).get(topic) != topic_id:
                raise UnknownTopic(topic)
            raise BrokerError(f"{topic}/{partition} has no leader")
        if not self._is_connected:
            await self._fetcher.start()
            self._is_connected = True
        (leader,) = leaders
        return pieces(place, offset, (await self._fetcher.fetch(leader, {place: offset}, self._bounds))[place])

    async def close(self) -> None:
        await self._fetcher.close()


def pieces(place: Place, offset: int, answer: Answer) -> list[Piece]:
    """What an answer tells of a place. Raises UnknownTopic, BrokerError where it tells of none."""
    if answer is ErrorCode.UNKNOWN_TOPIC_ID:
        raise UnknownTopic(place.topic)
    if isinstance(answer, ErrorCode):
        raise BrokerError(f"{place.topic}/{place.partition} cannot be read at offset {offset}: {answer.name}")
    return answer.pieces(offset)
