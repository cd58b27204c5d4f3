"""Reads what the driver cannot, piece by piece: its decoder gives up a whole batch for one record."""

from tivo.client.cluster import Cluster
from tivo.client.connection import Connection
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData
from tivo.wire.salvage import Piece, salvage

_READ_COMMITTED = 1


class Salvager:
    """Fetches without waiting, over a connection of its own that is made when it is first needed."""

    def __init__(self, bootstrap: str, cluster: Cluster, *, max_bytes: int) -> None:
        self._cluster = cluster
        self._connection = Connection(bootstrap, client_id="tivo-agent-salvage")
        self._is_connected = False
        self._max_bytes = max_bytes

    async def read(self, topic: str, topic_id: bytes, partition: int, offset: int) -> list[Piece]:
        """The pieces of the log from an offset on that one fetch brings, one batch at least where there is any.

        Raises UnknownTopic where the topic has another id, BrokerError.
        """
        led = (await self._cluster.leaders((topic,))).get(topic)
        if led is None or led.topic_id != topic_id:
            raise UnknownTopic(topic)
        leader = led.leaders.get(partition)
        if leader is None:
            raise BrokerError(f"{topic}/{partition} has no leader")
        if not self._is_connected:
            await self._connection.start()
            self._is_connected = True
        asked = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=self._max_bytes)
        request = FetchRequest(
            max_bytes=self._max_bytes,
            isolation_level=_READ_COMMITTED,
            topics=[FetchTopic(topic=topic, topic_id=topic_id, partitions=[asked])],
        )
        return pieces(f"{topic}/{partition}", offset, await self._connection.ask(request, FetchResponse, node=leader))

    async def close(self) -> None:
        await self._connection.close()


def pieces(place: str, offset: int, answer: FetchResponse) -> list[Piece]:
    """What an answer tells of the one partition that was asked for. Raises BrokerError where it tells of none."""
    data = next((told for topic in answer.responses for told in topic.partitions), PartitionData())
    code = answer.error_code or data.error_code
    if code:
        raise BrokerError(f"{place} cannot be read at offset {offset}: {ErrorCode(code).name}")
    aborted = [(each.producer_id, each.first_offset) for each in data.aborted_transactions or ()]
    found = data.records if isinstance(data.records, memoryview) else b""
    return salvage(found, offset, end=data.last_stable_offset, aborted=aborted)
