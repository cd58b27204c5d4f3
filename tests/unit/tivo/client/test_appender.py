"""Batches are appended, and come to lie where they should."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.unit.tivo.client.peer import a_topic, peer
from tivo.client.appender import Appender
from tivo.client.cluster import Cluster
from tivo.client.group_offsets import Spot
from tivo.client.transfer import to_batch
from tivo.model.errors import BrokerError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from tivo.wire.record_batch import Record

ID = bytes(range(16))
BATCH = to_batch([Record(0, 1_000, b"k", b"v")])


@dataclass
class Leader:
    """Tells the codes in turn, then appends at the offset `at`."""

    codes: Iterator[ErrorCode] = field(default_factory=lambda: iter(()))
    at: int = 7
    came: list[bytes] = field(default_factory=list)

    def produce(self, request: ProduceRequest) -> ProduceResponse:
        ((data,),) = (topic.partition_data for topic in request.topic_data)
        self.came.append(bytes(data.records or b""))
        code = next(self.codes, ErrorCode.NONE)
        told = PartitionProduceResponse(index=data.index, error_code=code, base_offset=self.at, error_message=None)
        return ProduceResponse(responses=[TopicProduceResponse(name="quakes", partition_responses=[told])])


async def append(leader: Leader, *, partition: int = 0) -> None:
    async with peer({ProduceRequest: leader.produce}) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]
        async with Cluster(broker.bootstrap) as cluster:
            appender = Appender(broker.bootstrap, cluster, patience_s=0.5)
            await appender.start()
            try:
                await appender.append(Spot("quakes", partition), BATCH, at=7)
            finally:
                await appender.close()


async def test_batch_is_appended_as_it_is() -> None:
    leader = Leader()

    await append(leader)

    assert [bytes(BATCH)] == leader.came


async def test_batch_that_was_not_appended_is_sent_again() -> None:
    leader = Leader(iter([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_ENOUGH_REPLICAS]))

    await append(leader)

    assert 3 == len(leader.came)


async def test_batch_of_which_nothing_is_known_is_not_sent_again() -> None:
    leader = Leader(iter([ErrorCode.REQUEST_TIMED_OUT]))

    with pytest.raises(BrokerError, match="quakes/0: a batch is not appended: REQUEST_TIMED_OUT"):
        await append(leader)

    assert 1 == len(leader.came)


async def test_batch_that_a_topic_does_not_take_is_refused() -> None:
    with pytest.raises(RequestError, match="MESSAGE_TOO_LARGE"):
        await append(Leader(iter([ErrorCode.MESSAGE_TOO_LARGE])))


async def test_somebody_else_who_writes_is_noticed() -> None:
    with pytest.raises(BrokerError, match="offset 8 in place of 7: somebody else writes there"):
        await append(Leader(at=8))


async def test_partition_that_nobody_leads_is_told() -> None:
    with pytest.raises(BrokerError, match="quakes/1: nobody leads it"):
        await append(Leader(), partition=1)
