"""What an answer tells of a partition that the driver cannot read; who is asked for it."""

from typing import cast

import pytest

from streams.salvage import Salvager, pieces
from tivo.client.cluster import Cluster, Led
from tivo.client.fetcher import Fetched, Place
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import AbortedTransaction, PartitionData
from tivo.wire.record_batch import Record, build

TOPIC_ID = b"topic id quakes."
RECORD = Record(7, 1, b"key", b"value")


PLACE = Place("quakes", TOPIC_ID, 3)


def answer(records: bytes = b"", **more: object) -> Fetched:
    data = PartitionData(
        partition_index=3,
        last_stable_offset=100,
        records=memoryview(records),
        **more,  # type: ignore[arg-type]
    )
    return Fetched(PLACE, 7, data)


def test_records_are_told() -> None:
    assert [([RECORD], 8, None)] == pieces(PLACE, 7, answer(build([RECORD])))


def test_nothing_behind_the_end_is_nothing() -> None:
    assert [] == pieces(PLACE, 7, answer(records=b""))
    assert [] == pieces(PLACE, 7, answer(aborted_transactions=None))


def test_aborted_transactions_are_passed_over() -> None:
    batch = build([RECORD], producer_id=9)
    batch[22] |= 0x10
    aborted = [AbortedTransaction(producer_id=9, first_offset=7)]

    (piece,) = pieces(PLACE, 7, answer(batch, aborted_transactions=aborted))

    assert [] == piece.records


def test_refusal_is_told_with_the_place() -> None:
    with pytest.raises(BrokerError, match="quakes/3 cannot be read at offset 7: TOPIC_AUTHORIZATION_FAILED"):
        pieces(PLACE, 7, ErrorCode.TOPIC_AUTHORIZATION_FAILED)


def test_a_topic_made_anew_since_it_was_asked_who_leads_is_unknown() -> None:
    with pytest.raises(UnknownTopic):
        pieces(PLACE, 7, ErrorCode.UNKNOWN_TOPIC_ID)


class FakeCluster:
    """Tells who leads."""

    def __init__(self, **leds: Led) -> None:
        self.leds = leds

    async def leaders(self, topics: tuple[str, ...]) -> dict[str, Led]:
        return {topic: self.leds[topic] for topic in topics if topic in self.leds}

    async def topic_ids(self, topics: tuple[str, ...]) -> dict[str, bytes]:
        return {topic: self.leds[topic].topic_id for topic in topics if topic in self.leds}


async def read(**leds: Led) -> None:
    salvager = Salvager("127.0.0.1:1", cast("Cluster", FakeCluster(**leds)), max_bytes=1)
    try:
        await salvager.read("quakes", TOPIC_ID, 3, 7)
    finally:
        await salvager.close()


@pytest.mark.parametrize("leds", [{}, {"quakes": Led(b"topic id anew...", {3: 1})}])
async def test_topic_that_is_gone_or_was_made_anew_is_not_read(leds: dict[str, Led]) -> None:
    with pytest.raises(UnknownTopic):
        await read(**leds)


async def test_partition_without_a_leader_is_told() -> None:
    with pytest.raises(BrokerError, match="quakes/3 has no leader"):
        await read(quakes=Led(TOPIC_ID, {2: 1}))
