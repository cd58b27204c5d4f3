"""The live edge, out of a broker that answers as a test tells it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.manual_clock import ManualClock
from tests.unit.tivo.client.shelves import Opened, batch, opened
from tivo.client.fetcher import Place
from tivo.client.live_consumer import AGAIN_MS, Arrived, LiveConsumer, OutOfRange
from tivo.model.errors import BrokerError
from tivo.model.event import Lost
from tivo.model.timeline import MILLISECOND_US
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchRequest
from tivo.wire.messages.metadata import MetadataResponseBroker

OLD, NEW = b"o" * 16, b"n" * 16
T, U = Place("t", OLD, 0), Place("u", NEW, 0)


class Bench:
    """A live edge that has started, over a broker of its own."""

    def __init__(self, log: Opened) -> None:
        self.log = log
        self.shelves = log.shelves
        self.clock = ManualClock()
        self.live = LiveConsumer(log.broker.bootstrap, log.cluster, self.clock)

    async def next(self) -> list[Arrived]:
        """What arrives next; empty polls are passed over."""
        while not (arrived := [each for each in await self.live.take() if each.events]):
            self.clock.forward(AGAIN_MS * MILLISECOND_US)
        return arrived


@asynccontextmanager
async def running() -> AsyncIterator[Bench]:
    async with opened() as log:
        bench = Bench(log)
        await bench.live.start()
        try:
            yield bench
        finally:
            await bench.live.stop()


async def test_what_is_appended_behind_a_position_arrives_once() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        shelf.append(b"0", b"1")
        bench.live.assign({T: 1})
        (first,) = await bench.next()
        shelf.append(b"2")
        (second,) = await bench.next()

    assert (T, [b"1"], 2, 2) == (first.place, [event.value for event in first.events], first.next, first.log_end)
    assert [b"2"] == [event.value for event in second.events]


async def test_an_empty_poll_comes_back_without_events() -> None:
    async with running() as bench:
        bench.shelves.make("t", OLD)
        bench.live.assign({T: 0})

        assert [Arrived(T, [], 0, 0, [])] == await bench.live.take()


async def test_where_nothing_is_assigned_nothing_arrives() -> None:
    async with running() as bench:
        assert [] == await bench.live.take()


async def test_only_what_was_assigned_last_is_read() -> None:
    async with running() as bench:
        _, (one,) = bench.shelves.make("t", OLD)
        _, (two,) = bench.shelves.make("u", NEW)
        one.append(b"t")
        two.append(b"u")
        bench.live.assign({T: 0})
        await bench.next()
        bench.live.assign({U: 0})
        arrived = await bench.next()

    assert [U] == [each.place for each in arrived]


async def test_a_position_that_was_set_anew_is_read_from_there() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        shelf.append(b"0", b"1")
        bench.live.assign({T: 0})
        await bench.next()
        bench.live.assign({T: 1})
        (again,) = await bench.next()

    assert [1] == [event.offset for event in again.events]


@pytest.mark.parametrize("position", [0, 9])
async def test_a_position_that_the_log_does_not_have_is_told(position: int) -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        shelf.append(b"0", b"1")
        shelf.start = 1
        bench.live.assign({T: position})

        with pytest.raises(OutOfRange) as told:
            await bench.next()

    assert {T: position} == told.value.positions


async def test_what_cannot_be_decoded_arrives_as_lost_and_holds_nobody_up() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        _, (other,) = bench.shelves.make("u", NEW)
        shelf.put(batch(0, "a", "h?x", "a"))
        other.append(b"u")
        bench.live.assign({T: 0, U: 0})
        arrived = {each.place: each for each in await bench.next()}
        shelf.append(b"behind")
        (behind,) = await bench.next()

    assert [0, 2] == [event.offset for event in arrived[T].events]
    assert ([Lost(0, 1, 2, "quarantine")], 3) == (arrived[T].lost, arrived[T].next)
    assert ([0], []) == ([event.offset for event in arrived[U].events], arrived[U].lost)
    assert ([3], []) == ([event.offset for event in behind.events], behind.lost)


async def test_a_partition_of_which_all_is_broken_moves_on() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        shelf.put(batch(0, "h?x"))
        bench.live.assign({T: 0})

        assert [Arrived(T, [], 1, 1, [Lost(0, 0, 1, "quarantine")])] == await bench.live.take()
        assert [Arrived(T, [], 1, 1, [])] == await bench.live.take()


async def test_records_of_a_topic_made_anew_do_not_arrive_in_the_place_of_the_old_one() -> None:
    async with running() as bench:
        bench.shelves.make("t", OLD)
        bench.live.assign({T: 0})
        await bench.live.take()
        _, (new,) = bench.shelves.make("t", NEW)
        _, (other,) = bench.shelves.make("u", b"u" * 16)
        new.append(b"new")
        bench.live.assign({T: 0, Place("u", b"u" * 16, 0): 0})
        other.append(b"other")
        arrived = await bench.next()

        assert [[b"other"]] == [[event.value for event in each.events] for each in arrived]
        assert [[]] == [each.events for each in await bench.live.take()]


async def test_a_partition_whose_leader_has_moved_is_read_again_after_a_moment() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        shelf.append(b"0")
        shelf.codes = [ErrorCode.NOT_LEADER_OR_FOLLOWER]
        bench.live.assign({T: 0})
        refused = await bench.live.take()
        resting = await bench.live.take()
        (arrived,) = await bench.next()

    assert ([], [], [b"0"]) == (refused, resting, [event.value for event in arrived.events])


async def test_a_leader_that_is_away_holds_nobody_else_up() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        bench.shelves.make("u", NEW)
        bench.log.broker.others = [MetadataResponseBroker(node_id=8, host="127.0.0.1", port=1)]
        bench.log.broker.topics[1].partitions[0].leader_id = 8
        bench.live.assign({T: 0, U: 0})
        for number in range(3):
            shelf.append(b"%d" % number)
            (arrived,) = await bench.next()

            assert [b"%d" % number] == [event.value for event in arrived.events]


async def test_whoever_got_records_comes_last_in_the_next_poll() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        bench.shelves.make("u", NEW)
        shelf.append(b"0")
        bench.live.assign({T: 0, U: 0})
        await bench.next()
        await bench.live.take()

    first, second = (each for each in bench.log.broker.asked if isinstance(each, FetchRequest))
    assert [[OLD, NEW], [NEW, OLD]] == [[topic.topic_id for topic in each.topics] for each in (first, second)]


async def test_a_broker_that_goes_away_is_told_and_it_may_start_again() -> None:
    async with running() as bench:
        _, (shelf,) = bench.shelves.make("t", OLD)
        bench.live.assign({T: 0})
        await bench.live.take()
        bench.log.broker.falls = True
        with pytest.raises(BrokerError):
            await bench.next()
        await bench.live.stop()
        bench.log.broker.falls = False
        await bench.live.start()
        shelf.append(b"0")

        assert 1 == len(await bench.next())
