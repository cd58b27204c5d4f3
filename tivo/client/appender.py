"""Appends batches as they are made, one after the other, and sees that they come to lie where they should."""

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.connection import TIMEOUT_MS, Connection
from tivo.client.group_offsets import Spot
from tivo.model.errors import BrokerError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)

_ACKS_ALL = -1
_NOT_APPENDED = {
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.NOT_ENOUGH_REPLICAS,
}
_REFUSED = {ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.INVALID_RECORD, ErrorCode.INVALID_TIMESTAMP}


class _NotYet(BrokerError):
    """Nothing was appended: the same batch may be sent again."""


class Appender:
    """Produces to whoever leads, and waits until all replicas have it. No batch is ever sent twice in doubt.

    A leader that is not there yet is waited for, `patience_s` at most.
    """

    def __init__(self, bootstrap: Bootstrap, cluster: Cluster, *, patience_s: float = TIMEOUT_MS / 1000) -> None:
        self._patience_s = patience_s
        self._connection = Connection(bootstrap, client_id="tivo-copy")
        self._cluster = cluster

    async def start(self) -> None:
        """Connect. Raises BrokerError."""
        await self._connection.start()

    async def close(self) -> None:
        await self._connection.close()

    async def append(self, spot: Spot, batch: memoryview, *, at: int) -> None:
        """Append a batch, whose first record is to get the offset `at`.

        Raises RequestError where the topic does not take it, BrokerError where it is not known whether it did, or
        where others write there too.
        """
        async for attempt in AsyncRetrying(
            stop=stop_after_delay(self._patience_s),
            wait=wait_fixed(0.1),
            retry=retry_if_exception_type(_NotYet),
            reraise=True,
        ):
            with attempt:
                told = await self._produce(spot, batch)
        if told.base_offset != at:
            raise BrokerError(
                f"{spot}: a batch got offset {told.base_offset} in place of {at}: somebody else writes there"
            )

    async def _produce(self, spot: Spot, batch: memoryview) -> PartitionProduceResponse:
        led = (await self._cluster.leaders((spot.topic,))).get(spot.topic)
        if led is None or spot.partition not in led.leaders:
            raise _NotYet(f"{spot}: nobody leads it")
        data = TopicProduceData(
            name=spot.topic, partition_data=[PartitionProduceData(index=spot.partition, records=batch)]
        )
        request = ProduceRequest(acks=_ACKS_ALL, timeout_ms=TIMEOUT_MS, topic_data=[data])
        response = await self._connection.ask(request, ProduceResponse, node=led.leaders[spot.partition])
        (told,) = response.responses[0].partition_responses
        if told.error_code:
            code = ErrorCode(told.error_code)
            message = f"{spot}: a batch is not appended: {told.error_message or code.name}"
            raise (_NotYet if code in _NOT_APPENDED else RequestError if code in _REFUSED else BrokerError)(message)
        return told
