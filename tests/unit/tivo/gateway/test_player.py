import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from tests.support.gateway_app import GatewayApp
from tivo.client.producer import NewRecord
from tivo.gateway.outbox import HIGH_BYTES, Outbox
from tivo.gateway.player import Player
from tivo.gateway.scheduler import Scheduler
from tivo.model.event import Lost, Page
from tivo.model.record import Record, to_event
from tivo.model.timeline import Now, Window
from tivo.playback.commands import Command, Pause
from tivo.playback.effects import (
    Ask,
    Cancel,
    Close,
    CloseTail,
    Discard,
    Effect,
    OpenTail,
    OverviewQuestion,
    ReadBounds,
    ReadFrontier,
    ReadImage,
    ReadNear,
    ReadPage,
    ReadTail,
    Send,
    TailPlace,
    Tell,
    TopicsQuestion,
    WakeAt,
)
from tivo.playback.encoding import encode
from tivo.playback.facts import (
    Answered,
    BoundsRead,
    Fact,
    FrontierRead,
    ImageRead,
    NearRead,
    OutboxDrained,
    OutboxFull,
    PageRead,
    ReadFailed,
    Source,
    TailRead,
    TopicRef,
    Woke,
)
from tivo.playback.merge import LAST
from tivo.playback.notices import Events, Gap, Shown, Skipped


class Script:
    """A session that does what a test says, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Command | Fact] = []
        self.answers: dict[type, Callable[[Any], Sequence[Effect]]] = {}
        self.opening: Sequence[Effect] = ()
        self._changed = asyncio.Event()

    def open(self, now: Now) -> Iterable[Effect]:
        return self.opening

    def receive(self, given: Command | Fact, now: Now) -> Iterable[Effect]:
        self.told.append(given)
        self._changed.set()
        return self.answers.get(type(given), lambda _: ())(given)

    async def next(self, kind: type) -> Any:
        """The next fact of a kind, as soon as it has been told."""
        while not (found := [each for each in self.told if isinstance(each, kind)]):
            self._changed.clear()
            await self._changed.wait()
        self.told.remove(found[0])
        return found[0]


class Socket:
    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.is_writable = True
        self.on_writable: Callable[[], None] = lambda: None

    def write(self, frame: bytes) -> None:
        self.frames.append(orjson.loads(frame))


class Alarm:
    def __init__(self, ring: Callable[[], None]) -> None:
        self.ring = ring

    def set(self, steady_us: int | None) -> None:
        """A test rings it."""

    def close(self) -> None:
        """Nothing to let go of."""


class Stage:
    """A player of a scripted session over a store and a log in memory."""

    def __init__(self) -> None:
        self.gateway = GatewayApp()
        self.clock = self.gateway.clock
        self.topic: TopicRef = self.gateway.log.make("t")
        self.session = Script()
        self.socket = Socket()
        self.scheduler = Scheduler(self.clock, Alarm)
        self.player = Player(
            self.session,
            sources=self.gateway.sources,
            scheduler=self.scheduler,
            now=self.clock,
            encode=encode,
            make_outbox=lambda player: Outbox(self.socket, on_full=player.on_full, on_drained=player.on_drained),
        )

    @asynccontextmanager
    async def playing(self, *opening: Effect) -> AsyncIterator[Script]:
        self.session.opening = opening
        async with asyncio.TaskGroup() as tasks:
            tail = tasks.create_task(self.gateway.tail.run())
            run = tasks.create_task(self.player.run(wait_for_ever))
            await asyncio.sleep(0)
            try:
                yield self.session
            finally:
                self.player.close(1000, "over")
                await run
                tail.cancel()

    def do(self, *effects: Effect) -> None:
        """Have the session do something, at the word of a viewer."""
        self.session.answers[Pause] = lambda _: effects
        self.player.receive(Pause())
        self.session.told = [each for each in self.session.told if not isinstance(each, Pause)]


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


def page(read: int, topic: TopicRef, frontier: dict[int, int], *, limit: int = 10) -> ReadPage:
    return ReadPage(
        read=read,
        topic=topic,
        window=Window(),
        above={},
        upto=frontier,
        after=None,
        until=None,
        limit=limit,
        max_bytes=2**20,
    )


def tail(read: int, topic: TopicRef, offset: int, *, wait: bool) -> ReadTail:
    return ReadTail(read=read, topic=topic, places=(TailPlace(0, offset, None, 10),), max_bytes=2**20, wait=wait)


def frame(number: int, size: int = 1, epoch: int = 1) -> Send:
    event = to_event(Record("t", 0, number, 0, None, b"x" * size, ()), received_us=0)
    return Send(
        Events(
            epoch=epoch,
            n=number,
            due_us=0,
            late_us=0,
            iteration=1,
            live=False,
            thinned=0,
            cursor=None,
            events=[Shown(event, b"i" * 16, 0)],
        )
    )


def skip(from_us: int) -> Tell:
    return Tell(Skipped(from_us=from_us, to_us=from_us))


def gap() -> Tell:
    return Tell(Gap(topic="t", partition=0, from_offset=0, to_offset=1, reason="retention"))


async def test_a_frontier_tells_what_was_lost_below_it() -> None:
    stage = Stage()
    await stage.gateway.store.quarantine(
        Page(topic="t", topic_id=stage.topic.topic_id, partition=0, base=0, next=2, events=()), "retention", "gone"
    )

    async with stage.playing(ReadFrontier(1, stage.topic, Window(), {})) as session:
        frontier = await session.next(FrontierRead)

    assert FrontierRead(1, {0: 2}, [Lost(0, 0, 2, "retention")]) == frontier


async def test_every_read_is_answered_by_its_fact() -> None:
    stage = Stage()
    stage.gateway.log.fill("t", 3)
    await stage.gateway.log.store_all("t", stage.gateway.store)

    async with stage.playing(ReadFrontier(1, stage.topic, Window(), {})) as session:
        stage.do(ReadBounds(2, stage.topic), page(3, stage.topic, {0: 3}, limit=2), tail(4, stage.topic, 1, wait=False))
        frontier, bounds = await session.next(FrontierRead), await session.next(BoundsRead)
        read, log = await session.next(PageRead), await session.next(TailRead)

    assert FrontierRead(1, {0: 3}, []) == frontier
    assert BoundsRead(2, {0: 3}) == bounds
    assert (3, 2, False) == (read.read, len(read.events), read.last)
    assert (4, 2, True) == (log.read, len(log.slices[0].events), log.behind)


async def test_what_lies_next_to_a_place_is_read() -> None:
    stage = Stage()
    stage.gateway.log.fill("t", 5, start_us=0)
    await stage.gateway.log.store_all("t", stage.gateway.store)
    near = ReadNear(read=7, topic=stage.topic, window=Window(), beside=LAST, reverse=True, limit=2, max_bytes=2**20)

    async with stage.playing(near) as session:
        found = await session.next(NearRead)

    assert (7, [4, 3], False) == (found.read, [event.offset for event in found.events], found.last)


async def test_an_image_is_read_of_store_and_log() -> None:
    stage = Stage()
    stage.gateway.log.fill("t", 5, start_us=0)
    image = ReadImage(read=7, topic=stage.topic, until=LAST, upto={}, after=None, max_bytes=2**20)

    async with stage.playing(image) as session:
        found = await session.next(ImageRead)

    assert (7, [4], None) == (found.read, [event.offset for event in found.events], found.after)


async def test_questions_of_the_viewer_are_answered_ready_for_json() -> None:
    stage = Stage()
    stage.gateway.log.fill("t", 3)
    await stage.gateway.log.store_all("t", stage.gateway.store)

    async with stage.playing() as session:
        stage.do(Ask(1, TopicsQuestion((stage.topic,))))
        topics = await session.next(Answered)
        stage.do(Ask(2, OverviewQuestion((stage.topic,), Window(), 3)))
        counts = await session.next(Answered)

    assert ("t", 3) == (topics.result["topics"][0]["name"], topics.result["topics"][0]["events"])
    assert {"start_us": 0, "width_us": 1_000, "counts": [1, 1, 1]} == counts.result["topics"]["t"]
    assert orjson.dumps([topics.result, counts.result])


async def test_a_parked_read_is_answered_when_its_topic_moves() -> None:
    stage = Stage()

    async with stage.playing(OpenTail(stage.topic), tail(1, stage.topic, 0, wait=True)) as session:
        await asyncio.sleep(0)
        stage.gateway.log.append("t", NewRecord(value=b"1"))
        read = await session.next(TailRead)

    assert [b"1"] == [event.value for event in read.slices[0].events]


async def test_a_cancelled_read_is_not_answered() -> None:
    stage = Stage()

    async with stage.playing(tail(1, stage.topic, 0, wait=True)) as session:
        await asyncio.sleep(0)
        stage.do(Cancel((1, 99)))
        stage.gateway.log.append("t", NewRecord(value=b"1"))
        stage.do(tail(2, stage.topic, 0, wait=True))
        read = await session.next(TailRead)

    assert 2 == read.read
    assert [] == session.told


async def test_a_log_that_is_away_fails_the_read_and_not_the_session() -> None:
    stage = Stage()

    async with stage.playing() as session:
        stage.gateway.log.away = True
        stage.do(ReadBounds(1, stage.topic))
        failed = await session.next(ReadFailed)

    assert ReadFailed(1, Source.LOG, "no broker answers") == failed


async def test_a_log_that_is_away_fails_the_question_and_not_the_session() -> None:
    stage = Stage()

    async with stage.playing() as session:
        stage.gateway.log.away = True
        stage.do(Ask(1, TopicsQuestion((stage.topic,))))
        failed = await session.next(ReadFailed)

    assert ReadFailed(1, Source.LOG, "no broker answers") == failed


async def test_a_topic_that_is_gone_fails_the_read() -> None:
    stage = Stage()

    async with stage.playing() as session:
        await stage.gateway.log.delete_topic("t")
        stage.do(tail(1, stage.topic, 0, wait=True))
        failed = await session.next(ReadFailed)

    assert (1, Source.LOG) == (failed.read, failed.source)


async def test_the_timer_wakes_the_session_once_at_its_time() -> None:
    stage = Stage()

    async with stage.playing(WakeAt(stage.clock.steady_us + 100)) as session:
        stage.scheduler.run_due()
        assert [] == session.told
        stage.clock.forward(100)
        stage.scheduler.run_due()
        stage.scheduler.run_due()

    assert [Woke()] == session.told


async def test_frames_and_notices_leave_in_the_order_they_were_made() -> None:
    stage = Stage()

    async with stage.playing(skip(1), frame(1), skip(2)):
        stage.do(frame(2))

    assert ["skip", "events", "skip", "events"] == [each["type"] for each in stage.socket.frames]


async def test_a_full_outbox_is_told_once_and_its_draining_too() -> None:
    stage = Stage()

    async with stage.playing() as session:
        stage.socket.is_writable = False
        stage.do(*(frame(number, HIGH_BYTES // 2) for number in range(4)))
        assert [OutboxFull()] == session.told
        stage.socket.is_writable = True
        stage.socket.on_writable()

    assert [OutboxFull(), OutboxDrained()] == session.told


async def test_what_the_session_does_when_it_is_full_comes_behind_what_it_was_doing() -> None:
    stage = Stage()
    stage.session.answers[OutboxFull] = lambda _: [skip(9)]

    async with stage.playing():
        stage.socket.is_writable = False
        stage.do(frame(1, HIGH_BYTES + 1), skip(1))
        stage.socket.is_writable = True
        stage.socket.on_writable()

    assert [None, 1, 9] == [each.get("from_us") for each in stage.socket.frames]


async def test_what_belongs_to_an_older_epoch_is_dropped_and_what_lasts_is_sent() -> None:
    stage = Stage()

    async with stage.playing():
        stage.socket.is_writable = False
        stage.do(frame(1), skip(1), gap(), Discard(2), frame(2, epoch=2))
        stage.socket.is_writable = True
        stage.socket.on_writable()

    assert ["gap", "events"] == [each["type"] for each in stage.socket.frames]
    assert 2 == stage.socket.frames[1]["epoch"]


async def test_tails_that_are_still_open_are_closed_at_the_end() -> None:
    stage = Stage()
    other = stage.gateway.log.make("u")

    async with stage.playing(OpenTail(stage.topic), OpenTail(other), CloseTail(other)):
        pass

    assert [0, 0] == [each.tails for each in stage.gateway.tail._tailed.values()]


async def closing(stage: Stage, commands: Callable[[], Awaitable[None]] = wait_for_ever) -> Close:
    return await stage.player.run(commands)  # type: ignore[arg-type]


async def test_a_session_that_closes_ends_the_run_with_its_code() -> None:
    stage = Stage()
    stage.session.opening = [Close(1008, "slow")]

    assert Close(1008, "slow") == await closing(stage)


async def test_a_session_that_was_closed_does_nothing_more() -> None:
    stage = Stage()
    stage.session.opening = [Close(1000, "done")]
    await closing(stage)

    stage.player.receive(Pause())

    assert [] == stage.session.told


async def test_a_viewer_that_leaves_ends_the_run() -> None:
    stage = Stage()

    async def leave() -> None:
        stage.player.close(1005, "left")

    assert Close(1005, "left") == await closing(stage, leave)


async def test_a_fault_of_the_session_ends_the_run_loudly() -> None:
    stage = Stage()

    def fail(_: Woke) -> Sequence[Effect]:
        raise AssertionError("a fault of ours")

    stage.session.answers[Woke] = fail
    stage.session.opening = [WakeAt(stage.clock.steady_us)]

    async def ring() -> None:
        stage.scheduler.run_due()

    with pytest.raises(ExceptionGroup) as raised:
        await closing(stage, ring)

    assert raised.group_contains(AssertionError, match="a fault of ours")
