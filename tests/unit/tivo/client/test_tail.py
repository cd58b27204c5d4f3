import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.memory_log import MemoryLive, MemoryLog
from tivo.client.producer import NewRecord
from tivo.client.ring import weight
from tivo.client.tail import IDLE_US, RINGS, Tail, TailAnswer
from tivo.model.errors import BrokerError, UnknownTopic
from tivo.model.event import Lost
from tivo.model.record import Record, to_event
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef

BIG = 2**30
SAMPLE = to_event(Record("t", 0, 0, 0, None, b"0", ()), received_us=0)


class Bench:
    """A tail over a log in memory; `reads` counts what had to be read from the log itself.

    `meanwhile` happens once, while the log is being read.
    """

    def __init__(self, ring_bytes: int = BIG) -> None:
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.clock = ManualClock()
        self.log = MemoryLog(self.clock)
        self.live = MemoryLive(self.log)
        self.reads: list[tuple[TailPlace, ...]] = []
        self.tail = Tail(live=self.live, log=self, ends=self.log, now=self.clock, ring_bytes=ring_bytes)

    async def read(self, topic: TopicRef, places: list[TailPlace], *, max_bytes: int) -> list[TailSlice]:
        self.reads.append(tuple(places))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await self.log.read(topic, places, max_bytes=max_bytes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            run = tasks.create_task(self.tail.run())
            yield
            run.cancel()

    async def at(self, topic: TopicRef, offset: int | None, *, upto: int | None = None) -> TailAnswer:
        return await self.tail.read(topic, [TailPlace(0, offset, upto, 100)], max_bytes=BIG, wait=False)

    def behind(self, topic: TopicRef, offset: int | None) -> Awaitable[TailAnswer]:
        return self.tail.read(topic, [TailPlace(0, offset, None, 100)], max_bytes=BIG, wait=True)


def values(answer: TailAnswer) -> list[bytes | None]:
    return [event.value for each in answer.slices for event in each.events]


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_no_ring_reaches_is_read_from_the_log() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.fill("t", 3)

    answer = await bench.at(topic, 1)

    assert [b"1", b"2"] == values(answer)
    assert answer.behind


async def test_the_log_start_is_told_where_no_offset_was_given() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.fill("t", 3)
    bench.log.trim("t", 0, 2)

    (read,) = (await bench.at(topic, None)).slices

    assert (2, 3) == (read.base, read.next)


async def test_a_waiting_read_comes_back_with_what_is_appended() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.fill("t", 2)

    async with bench.running(), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.behind(topic, 2))
        await settle()
        assert not waiting.done()
        bench.log.append("t", NewRecord(value=b"new"))

    assert [b"new"] == values(waiting.result())
    assert not waiting.result().behind


async def test_a_waiting_read_of_a_place_further_back_comes_from_the_log_at_once() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.fill("t", 2)

    async with bench.running():
        answer = await bench.behind(topic, 0)

    assert [b"0", b"1"] == values(answer)
    assert answer.behind


async def test_many_readers_share_one_ring() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.tail.open(topic)

    async with bench.running(), asyncio.TaskGroup() as tasks:
        await settle()
        waiting = [tasks.create_task(bench.behind(topic, 0)) for _ in range(50)]
        await settle()
        bench.reads.clear()
        bench.log.append("t", NewRecord(value=b"new"))

    assert 50 * [[b"new"]] == [values(each.result()) for each in waiting]
    assert [] == bench.reads
    assert 1 == len({id(each.result().slices[0].events[0]) for each in waiting})


async def test_only_the_places_that_moved_are_told() -> None:
    bench = Bench()
    topic = bench.log.make("t", partitions=2)
    places = [TailPlace(0, 0, None, 100), TailPlace(1, 0, None, 100)]

    async with bench.running(), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.tail.read(topic, places, max_bytes=BIG, wait=True))
        await settle()
        bench.log.append("t", NewRecord(value=b"new", partition=1))

    assert [1] == [each.partition for each in waiting.result().slices]


async def test_a_read_that_does_not_wait_tells_every_place() -> None:
    bench = Bench()
    topic = bench.log.make("t", partitions=2)
    bench.tail.open(topic)
    places = [TailPlace(0, 0, None, 100), TailPlace(1, 0, None, 100)]

    async with bench.running():
        await settle()
        answer = await bench.tail.read(topic, places, max_bytes=BIG, wait=False)

    assert [(0, 0, 0), (1, 0, 0)] == [(each.partition, each.next, each.log_end) for each in answer.slices]
    assert not answer.behind


async def test_what_the_ring_has_dropped_comes_from_the_log() -> None:
    bench = Bench(ring_bytes=1)
    topic = bench.log.make("t")
    bench.tail.open(topic)

    async with bench.running():
        await settle()
        bench.log.fill("t", 3)
        await settle()
        answer = await bench.behind(topic, 0)

    assert [b"0", b"1", b"2"] == values(answer)
    assert answer.behind


async def test_what_the_ring_drops_while_the_log_is_read_comes_from_the_log_too() -> None:
    bench = Bench(ring_bytes=3 * weight(SAMPLE))
    topic = bench.log.make("t", partitions=2)
    bench.log.fill("t", 1)
    bench.tail.open(topic)

    async def the_ring_turns_over() -> None:
        bench.log.fill("t", 3, partition=1)
        await settle()

    async with bench.running():
        await settle()
        bench.log.fill("t", 3, partition=1)
        await settle()
        bench.meanwhile = the_ring_turns_over
        places = [TailPlace(0, 0, None, 100), TailPlace(1, 0, None, 100)]
        answer = await bench.tail.read(topic, places, max_bytes=BIG, wait=False)

    assert [[0], [0, 1, 2, 3, 4, 5]] == [[event.offset for event in each.events] for each in answer.slices]
    assert answer.behind


async def test_what_a_ring_that_starts_again_leaves_out_is_told_by_the_log() -> None:
    bench = Bench()
    topic = bench.log.make("t", partitions=2)
    bench.log.fill("t", 1)
    bench.tail.open(topic)

    async def the_log_is_trimmed() -> None:
        bench.log.fill("t", 4, partition=1)
        bench.log.trim("t", 1, 3)
        await settle()

    async with bench.running():
        await settle()
        bench.meanwhile = the_log_is_trimmed
        places = [TailPlace(0, 0, None, 100), TailPlace(1, 0, None, 100)]
        _, told = (await bench.tail.read(topic, places, max_bytes=BIG, wait=False)).slices

    assert (0, 0, 3, []) == (told.base, told.next, told.log_start, list(told.events))


async def test_a_ring_that_ends_while_the_log_is_read_is_read_no_more() -> None:
    bench = Bench()
    topic = bench.log.make("t", partitions=2)
    bench.log.fill("t", 1)
    bench.tail.open(topic)

    async def the_ring_ends() -> None:
        bench.tail.keep({})

    async with bench.running():
        await settle()
        bench.meanwhile = the_ring_ends
        places = [TailPlace(0, 0, None, 100), TailPlace(1, 0, None, 100)]
        await bench.tail.read(topic, places, max_bytes=BIG, wait=False)

    assert [(0,), (1,)] == [tuple(place.partition for place in read) for read in bench.reads]


async def test_all_slices_together_hold_about_the_bytes_allowed() -> None:
    bench = Bench()
    topic = bench.log.make("t", partitions=2)
    bench.tail.open(topic)
    places = [TailPlace(0, 0, None, 100), TailPlace(1, 0, None, 100)]

    async with bench.running():
        await settle()
        bench.log.fill("t", 5)
        bench.log.fill("t", 5, partition=1)
        await settle()
        one = weight(bench.log.log("t", 0)[0])
        answer = await bench.tail.read(topic, places, max_bytes=3 * one, wait=False)

    assert [3, 1] == [len(each.events) for each in answer.slices]


async def test_a_trimmed_log_is_told_by_its_start() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.fill("t", 9)
    bench.log.trim("t", 0, 5)

    async with bench.running():
        (read,) = (await bench.behind(topic, 2)).slices

    assert (2, 2, 5) == (read.base, read.next, read.log_start)


async def test_a_truncated_log_is_told_by_its_end() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.fill("t", 3)

    async with bench.running():
        (read,) = (await bench.behind(topic, 7)).slices

    assert (7, 7, 3, True) == (read.base, read.next, read.log_end, read.truncated)


async def test_a_log_end_that_is_merely_old_is_no_news() -> None:
    bench = OldEndBench()
    topic = bench.log.make("t")
    bench.log.fill("t", 3)

    async with bench.running(), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.behind(topic, 4))
        await settle()
        assert not waiting.done()
        bench.log.fill("t", 2)

    assert [4] == [event.offset for event in waiting.result().slices[0].events]


async def test_the_ring_goes_on_where_the_log_was_trimmed_beyond_it() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.tail.open(topic)

    async with bench.running(), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.behind(topic, 4))
        bench.log.fill("t", 4)
        bench.log.trim("t", 0, 3)
        await settle()
        bench.log.append("t", NewRecord(value=b"new"))

    assert [b"new"] == values(waiting.result())


async def test_a_deleted_topic_ends_its_waiting_reads() -> None:
    bench = Bench()
    topic = bench.log.make("t")

    async with bench.running():
        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(bench.behind(topic, 0))
                await settle()
                bench.tail.keep({})

    assert raised.group_contains(UnknownTopic, match="'t'")


async def test_a_topic_made_anew_is_not_taken_for_the_old_one() -> None:
    bench = Bench()
    old = bench.log.make("t")
    bench.log.fill("t", 3)
    await bench.log.delete_topic("t")
    new = bench.log.make("t")

    async with bench.running():
        with pytest.raises(UnknownTopic):
            await bench.behind(old, 3)
        bench.log.append("t", NewRecord(value=b"anew"))
        answer = await bench.behind(new, 0)

    assert [b"anew"] == values(answer)


async def test_a_read_that_does_not_wait_tells_old_from_new_too() -> None:
    bench = Bench()
    old = bench.log.make("t")
    await bench.log.delete_topic("t")
    bench.log.make("t")
    bench.log.append("t", NewRecord(value=b"anew"))

    with pytest.raises(UnknownTopic):
        await bench.at(old, 0)


async def test_records_of_a_topic_made_anew_do_not_get_into_the_ring_of_the_old_one() -> None:
    bench = Bench()
    old = bench.log.make("t")
    bench.tail.open(old)

    async with bench.running():
        await settle()
        await bench.log.delete_topic("t")
        bench.log.make("t")
        bench.log.append("t", NewRecord(value=b"anew"))
        await settle()
        answer = await bench.at(old, 0)

    assert [] == values(answer)


async def test_tailing_the_new_topic_ends_the_ring_of_the_old_one() -> None:
    bench = Bench()
    old = bench.log.make("t")
    bench.tail.open(old)

    async with bench.running():
        await settle()
        await bench.log.delete_topic("t")
        new = bench.log.make("t")
        bench.tail.open(new)
        bench.tail.close(old)
        bench.log.append("t", NewRecord(value=b"anew"))
        answer = await bench.behind(new, 0)

    assert [b"anew"] == values(answer)


async def test_new_partitions_are_tailed_from_their_first_offset() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.tail.open(topic)

    async with bench.running(), asyncio.TaskGroup() as tasks:
        await settle()
        grown = bench.log.make("t", partitions=2)
        bench.tail.keep({"t": grown})
        place = [TailPlace(1, 0, None, 100)]
        waiting = tasks.create_task(bench.tail.read(grown, place, max_bytes=BIG, wait=True))
        await settle()
        bench.log.append("t", NewRecord(value=b"new", partition=1))

    assert [b"new"] == values(waiting.result())


async def test_a_topic_that_nobody_tails_any_more_is_dropped_after_a_while() -> None:
    bench = Bench()
    topic, other = bench.log.make("t"), bench.log.make("other")
    bench.tail.open(topic)
    bench.tail.open(other)

    async with bench.running():
        await settle()
        bench.tail.close(topic)
        bench.clock.forward(IDLE_US + 1)
        bench.log.append("other", NewRecord(value=b"x"))
        await settle()

        assert {("other", 0)} == bench.live.assigned


async def test_a_topic_tailed_again_in_time_keeps_its_ring() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.tail.open(topic)

    async with bench.running():
        await settle()
        bench.log.fill("t", 2)
        await settle()
        bench.tail.close(topic)
        bench.clock.forward(IDLE_US - 1)
        bench.tail.open(topic)
        answer = await bench.behind(topic, 0)

    assert [b"0", b"1"] == values(answer)
    assert not answer.behind


async def test_a_broker_that_is_away_is_told_to_whoever_reads_now() -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.away = True

    with pytest.raises(BrokerError):
        await bench.at(topic, 0)


class OldEndBench(Bench):
    """A bench whose broker does not know yet how far its log goes: beyond that it has nothing, and refuses nothing."""

    async def read(self, topic: TopicRef, places: list[TailPlace], *, max_bytes: int) -> list[TailSlice]:
        return [each._replace(truncated=False) for each in await super().read(topic, places, max_bytes=max_bytes)]


@pytest.mark.parametrize("live", [True, False])
async def test_what_cannot_be_given_is_told_beside_what_can_by_the_ring_and_by_the_log(live: bool) -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.spoil("t", 0, 1)
    if live:
        bench.tail.open(topic)

    async with bench.running():
        await settle()
        bench.log.fill("t", 3)
        await settle()
        bench.reads.clear()
        answer = await (bench.behind(topic, 0) if live else bench.at(topic, 0))

    (read,) = answer.slices
    assert ([b"0", b"2"], [Lost(0, 1, 2, "quarantine")], 3) == (values(answer), read.lost, read.next)
    assert live is not bool(bench.reads)


async def test_a_loss_alone_is_news(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    topic = bench.log.make("t")
    bench.log.spoil("t", 0, 0)

    async with bench.running(), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.behind(topic, 0))
        await settle()
        bench.log.fill("t", 1)

    (read,) = waiting.result().slices
    assert ([], [Lost(0, 0, 1, "quarantine")], 1) == (read.events, read.lost, read.next)
    assert ["t/0 cannot be read from offset 0 to 1"] == caplog.messages


async def test_rings_are_bounded_together_and_what_is_not_read_gives_first() -> None:
    bench = Bench(ring_bytes=2 * weight(SAMPLE))
    topics = [bench.log.make(f"t{number}") for number in range(RINGS + 1)]
    for topic in topics:
        bench.tail.open(topic)

    async with bench.running():
        await settle()
        for topic in topics:
            bench.clock.forward(1)
            await bench.at(topic, 0)
            bench.log.fill(topic.name, 2)
        await settle()
        first, last = await bench.at(topics[0], 0), await bench.at(topics[-1], 0)

    assert [b"0", b"1"] == values(first) == values(last)
    assert (True, False) == (first.behind, last.behind)
