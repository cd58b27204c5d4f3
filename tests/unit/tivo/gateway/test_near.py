import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest

from tests.support.gateway_app import GatewayApp
from tivo.client.producer import NewRecord
from tivo.client.tail import Tail, TailAnswer
from tivo.gateway.near import Near
from tivo.model.errors import BrokerError
from tivo.model.event import Cursor, Event
from tivo.model.timeline import MILLISECOND_US, Window
from tivo.playback.effects import ReadNear, TailPlace
from tivo.playback.facts import NearRead, Scanned, TopicRef
from tivo.playback.merge import FIRST, LAST, behind


def wanted(
    topic: TopicRef, beside: Cursor, *, reverse: bool = True, limit: int = 100, max_bytes: int = 1 << 20
) -> ReadNear:
    return ReadNear(
        read=1, topic=topic, window=Window(), beside=beside, reverse=reverse, limit=limit, max_bytes=max_bytes
    )


def produce(gateway: GatewayApp, *milliseconds: int, partition: int = 0, value: bytes = b"1") -> None:
    for ms in milliseconds:
        gateway.log.append("t", NewRecord(value=value, partition=partition, time_us=ms * MILLISECOND_US))


async def read(near: Near, given: ReadNear) -> tuple[list[Event], NearRead]:
    """What the parts of the log hold, and the page of the store behind them."""
    found, answer = list[Event](), await near.read(given)
    while answer.scanned is not None:
        assert not answer.last
        found += answer.events
        answer = await near.read(replace(given, scanned=answer.scanned))
    return found, answer


def milliseconds(events: Sequence[Event]) -> list[int]:
    return [event.time_us // MILLISECOND_US for event in events]


class Committed:
    """A tail of a log of which a part is not committed yet: it is read up to there, and ends later."""

    def __init__(self, tail: Tail, stable: dict[int, int]) -> None:
        self._tail = tail
        self._stable = stable

    def open(self, topic: TopicRef) -> None:
        self._tail.open(topic)

    def close(self, topic: TopicRef) -> None:
        self._tail.close(topic)

    def keep(self, topics: Mapping[str, TopicRef]) -> None:
        self._tail.keep(topics)

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int, wait: bool) -> TailAnswer:
        bounded = [each._replace(upto=min(each.upto or 0, self._stable[each.partition])) for each in places]
        return await self._tail.read(topic, bounded, max_bytes=max_bytes, wait=wait)


class Silent(Committed):
    """A tail of a log that never answers."""

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int, wait: bool) -> TailAnswer:
        return await asyncio.get_running_loop().create_future()


async def test_the_log_beyond_the_store_is_read_and_then_the_store() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=2)
    produce(gateway, 10, 30)
    produce(gateway, 20, partition=1)
    await gateway.log.store_all("t", gateway.store)
    produce(gateway, 25, 5, 40)

    logged, stored = await read(gateway.sources.near, wanted(topic, behind(30 * MILLISECOND_US - 1)))
    assert ([25, 5], [20, 10], True) == (milliseconds(logged), milliseconds(stored.events), stored.last)
    assert {0: 5, 1: 1} == stored.frontier

    logged, stored = await read(gateway.sources.near, wanted(topic, behind(20 * MILLISECOND_US), reverse=False))
    assert ([25, 40], [30], True) == (milliseconds(logged), milliseconds(stored.events), stored.last)


async def test_what_is_stored_meanwhile_is_read_once() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, 1, 2)
    part = await gateway.sources.near.read(wanted(topic, LAST))
    produce(gateway, 3)
    await gateway.log.store_all("t", gateway.store)

    stored = await gateway.sources.near.read(replace(wanted(topic, LAST), scanned=part.scanned))

    assert ([2, 1], [], {0: 2}) == (milliseconds(part.events), milliseconds(stored.events), stored.frontier)


async def test_a_topic_that_was_never_stored_is_read_from_the_log() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, *range(50))
    gateway.log.trim("t", 0, 20)

    logged, _ = await read(gateway.sources.near, wanted(topic, LAST))

    assert list(range(49, 19, -1)) == milliseconds(logged)


async def test_a_log_that_was_trimmed_beyond_the_store_is_read_from_where_it_begins() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, 1, 2)
    await gateway.log.store_all("t", gateway.store)
    produce(gateway, 3, 4, 5, 6)
    gateway.log.trim("t", 0, 4)

    logged, stored = await read(gateway.sources.near, wanted(topic, LAST))

    assert [6, 5, 2, 1] == milliseconds([*logged, *stored.events])


async def test_a_log_that_ends_before_the_place_asked_for_is_read_no_further() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, 1, 2)

    part = await gateway.sources.near.read(replace(wanted(topic, LAST), scanned=Scanned({0: 5}, {0: 5}, {0: 9})))

    assert (Scanned({0: 5}, {0: 5}, {}), []) == (part.scanned, part.events)


async def test_a_page_is_bounded_in_bytes_and_holds_at_least_one_event() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, 1, 2, 3, value=b"x" * 5_000)
    await gateway.log.store_all("t", gateway.store)

    found = await gateway.sources.near.read(wanted(topic, LAST, max_bytes=6_000))
    one = await gateway.sources.near.read(wanted(topic, LAST, max_bytes=1))

    assert ([3, 2], False) == (milliseconds(found.events), found.last)
    assert ([3], False) == (milliseconds(one.events), one.last)


async def test_no_read_takes_more_of_the_log_than_its_bytes() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=2)
    produce(gateway, *range(10), value=b"x" * 5_000)

    part = await gateway.sources.near.read(wanted(topic, LAST, max_bytes=15_000))

    assert ([2, 1, 0], {0: 3}) == (milliseconds(part.events), part.frontier)


@pytest.mark.parametrize("most", [1, 3_500, 1 << 20])
async def test_a_partition_that_fills_an_answer_of_the_log_keeps_none_from_being_read(most: int) -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=3)
    for ms in range(30):
        produce(gateway, ms, partition=ms % 3, value=b"x" * 1_000)

    logged, stored = await read(gateway.sources.near, wanted(topic, LAST, max_bytes=most))

    assert [*range(30)] == sorted(milliseconds(logged))
    assert {0: 10, 1: 10, 2: 10} == stored.frontier


async def test_only_what_was_read_was_looked_at() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=2)
    produce(gateway, 1, 2, 3, 4)
    produce(gateway, 5, 6, partition=1)
    near = Near(gateway.store, Committed(gateway.tail, {0: 4, 1: 1}), gateway.catalogue)

    logged, stored = await read(near, wanted(topic, LAST, max_bytes=1))

    assert [1, 2, 3, 4, 5] == sorted(milliseconds(logged))
    assert {0: 4, 1: 1} == stored.frontier


async def test_a_log_that_is_away_fails_the_read() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    gateway.log.away = True

    with pytest.raises(BrokerError):
        await gateway.sources.near.read(wanted(topic, LAST))


async def test_a_log_that_does_not_answer_in_time_is_what_failed() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, 1)
    near = Near(gateway.store, Silent(gateway.tail, {}), gateway.catalogue, log_seconds=0)

    with pytest.raises(BrokerError, match="the log of 't' did not answer within 0 s"):
        await near.read(wanted(topic, LAST))


@pytest.mark.parametrize("seed", range(40))
async def test_parts_and_pages_in_turn_give_every_event_once(seed: int) -> None:
    random, gateway = Random(seed), GatewayApp()
    topic = gateway.log.make("t", partitions=2)
    for _ in range(random.choice([0, 1, 30])):
        produce(gateway, random.randrange(20), partition=random.randrange(2))
    await gateway.log.store_all("t", gateway.store)
    for _ in range(random.choice([0, 1, 30])):
        produce(gateway, random.randrange(20), partition=random.randrange(2))
    reverse = random.random() < 0.5
    beside, logged, found, last = LAST if reverse else FIRST, list[Event](), list[Event](), False
    scanned: Scanned | None = None

    while not last:
        limit, max_bytes = random.choice([1, 3, 100]), random.choice([1, 700, 1 << 20])
        asked = wanted(topic, beside, reverse=reverse, limit=limit, max_bytes=max_bytes)
        page = await gateway.sources.near.read(replace(asked, scanned=scanned))
        if page.scanned is None:
            found, last = [*found, *page.events], page.last
            beside = found[-1].cursor if found else beside
        else:
            logged, scanned = [*logged, *page.events], page.scanned

    held = [event for partition in (0, 1) for event in gateway.log._topics["t"].logs[partition]]
    assert sorted(found, reverse=reverse) == found
    assert sorted(held) == sorted([*logged, *found])
