"""Drives one playback session: does its effects and reports what came of them. All decisions are the session's."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeAlias

from tivo.gateway.doors import Clock
from tivo.gateway.outbox import Outbox
from tivo.gateway.scheduler import Scheduler
from tivo.gateway.sources import Sources
from tivo.metrics import GATEWAY_EVENTS_SENT, GATEWAY_LATENESS
from tivo.model.errors import NeighbourError, StoreError, UnknownTopic
from tivo.model.timeline import Now
from tivo.playback.commands import Command
from tivo.playback.effects import (
    Ask,
    Cancel,
    Close,
    CloseTail,
    Discard,
    Effect,
    OpenTail,
    ReadBounds,
    ReadFrontier,
    ReadImage,
    ReadNear,
    ReadPage,
    ReadTail,
    Send,
    Tell,
    WakeAt,
)
from tivo.playback.facts import (
    Answered,
    BoundsRead,
    Fact,
    FrontierRead,
    OutboxDrained,
    OutboxFull,
    PageRead,
    ReadFailed,
    Source,
    TailRead,
    TopicRef,
    Woke,
)
from tivo.playback.notices import LASTING, Bye, Notice

READ_SECONDS = 10
IMAGE_SECONDS = 60
"""An image may have to be folded out of everything that is stored, where none was built yet."""
CLOSING_SECONDS = 1

Read: TypeAlias = ReadBounds | ReadFrontier | ReadPage | ReadTail | ReadNear | ReadImage | Ask


class Session(Protocol):
    """A playback session: what it is told, and what it wants done, in order."""

    def open(self, now: Now) -> Iterable[Effect]: ...

    def receive(self, given: Command | Fact, now: Now) -> Iterable[Effect]: ...


class Player:
    """The shell of one session. `receive` never waits; `run` must run as long as the session does."""

    def __init__(
        self,
        session: Session,
        *,
        sources: Sources,
        scheduler: Scheduler,
        now: Clock,
        encode: Callable[[Notice], bytes],
        make_outbox: Callable[["Player"], Outbox],
    ) -> None:
        self._session = session
        self._sources = sources
        self._now = now
        self._encode = encode
        self._timer = scheduler.timer(lambda: self.receive(Woke()))
        self._given: deque[Command | Fact] = deque()
        self._busy = False
        self._reads: dict[int, asyncio.Task[None]] = {}
        self._tails: list[TopicRef] = []
        self._tasks = asyncio.TaskGroup()
        self._over: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self.outbox = make_outbox(self)

    async def run(self, commands: Callable[[], Coroutine[Any, Any, None]]) -> Close:
        """Play until the session closes; what it closes with. `commands` brings commands until it is cancelled."""
        try:
            async with self._tasks:
                reader = self._tasks.create_task(commands())
                self._do(self._session.open(self._now()))
                closing = await self._over
                reader.cancel()
                self._stop()
            return closing
        finally:
            self._stop()

    def receive(self, given: Command | Fact) -> None:
        """Tell the session something and do what it wants. A fault in either ends `run`."""
        self._given.append(given)
        if not self._busy:
            self._do(())

    def _do(self, effects: Iterable[Effect]) -> None:
        """Do these effects, and those of whatever is given meanwhile: an effect may itself lead to a fact."""
        self._busy = True
        try:
            for effect in effects:
                self._perform(effect)
            while self._given and not self._over.done():
                for effect in self._session.receive(self._given.popleft(), self._now()):
                    self._perform(effect)
        except Exception as error:
            if self._over.done():
                raise
            self._over.set_exception(error)  # above a timer stands nobody: `run` raises it
        finally:
            self._busy = False

    def close(self, code: int, reason: str) -> None:
        """End the session from outside."""
        if not self._over.done():
            self._over.set_result(Close(code, reason))

    def leave(self, bye: Bye, *before: Notice, reason: str | None = None) -> None:
        """End the session from outside, and tell the viewer why; `reason` stands in the close of its socket."""
        if not self._over.done():
            for notice in (*before, bye):
                self.outbox.put(self._encode(notice), lasting=True)
            self.close(bye.code, reason or bye.reason)

    def on_full(self) -> None:
        self.receive(OutboxFull())

    def on_drained(self) -> None:
        self.receive(OutboxDrained())

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(frame):
                GATEWAY_LATENESS.observe(frame.late_us / 1e6)
                GATEWAY_EVENTS_SENT.inc(len(frame.events))
                self.outbox.put(self._encode(frame), lasting=False)
            case WakeAt(steady_us):
                self._timer.set(steady_us)
            case ReadBounds() | ReadFrontier() | ReadPage() | ReadTail() | ReadNear() | ReadImage() | Ask():
                self._reads[effect.read] = self._tasks.create_task(self._read(effect))
            case Tell(notice):
                self.outbox.put(self._encode(notice), lasting=isinstance(notice, LASTING))
            case _:
                self._perform_rare(effect)

    def _perform_rare(self, effect: Effect) -> None:
        match effect:
            case Cancel(reads):
                for read in reads:
                    task = self._reads.pop(read, None)
                    if task is not None:
                        task.cancel()
            case OpenTail(topic):
                self._tails.append(topic)
                self._sources.tail.open(topic)
            case CloseTail(topic):
                self._tails.remove(topic)
                self._sources.tail.close(topic)
            case Discard():
                self.outbox.discard()
            case Close(code, reason):
                self.close(code, reason)
            case _:
                raise AssertionError(f"no player knows the effect {effect!r}")

    async def _read(self, effect: Read) -> None:
        """Answer a read exactly once."""
        seconds = _seconds(effect)
        try:
            async with asyncio.timeout(seconds):
                fact = await self._fact(effect)
        except (NeighbourError, UnknownTopic) as error:
            fact = ReadFailed(effect.read, Source.STORE if isinstance(error, StoreError) else Source.LOG, str(error))
        except TimeoutError:
            source = Source.LOG if isinstance(effect, ReadTail | ReadBounds) else Source.STORE
            fact = ReadFailed(effect.read, source, f"the {source} did not answer within {seconds} s")
        if self._reads.pop(effect.read, None) is not None:
            self.receive(fact)

    async def _fact(self, effect: Read) -> Fact:
        store, tail = self._sources.store, self._sources.tail
        match effect:
            case ReadPage():
                found = await store.read(
                    effect.topic.topic_id,
                    effect.window,
                    above=effect.above,
                    upto=effect.upto,
                    after=effect.after,
                    until=effect.until,
                    limit=effect.limit,
                    max_bytes=effect.max_bytes,
                )
                return PageRead(effect.read, found.events, found.last)
            case ReadTail():
                answer = await tail.read(effect.topic, effect.places, max_bytes=effect.max_bytes, wait=effect.wait)
                return TailRead(effect.read, answer.slices, answer.behind)
            case ReadFrontier():
                return await self._frontier(effect)
            case ReadBounds():
                return BoundsRead(effect.read, await self._sources.catalogue.log_ends(effect.topic))
            case ReadNear():
                return await self._sources.near.read(effect)
            case ReadImage():
                return await self._sources.images.read(effect)
            case Ask():
                return Answered(effect.read, await self._sources.answers.to(effect.question))

    async def _frontier(self, effect: ReadFrontier) -> FrontierRead:
        """What lies below a frontier never changes, so what is lost there may be asked for after it."""
        store, topic_id = self._sources.store, effect.topic.topic_id
        frontier = await store.frontier(topic_id)
        if all(end <= effect.above.get(partition, 0) for partition, end in frontier.items()):
            return FrontierRead(effect.read, frontier)
        lost = await store.lost(topic_id, effect.window, above=effect.above, upto=frontier)
        return FrontierRead(effect.read, frontier, lost)

    def _stop(self) -> None:
        self._timer.set(None)
        for task in self._reads.values():
            task.cancel()
        self._reads.clear()
        tails, self._tails = self._tails, []
        for topic in tails:
            self._sources.tail.close(topic)


def _seconds(effect: Read) -> int | None:
    """How long a read may take; None where it waits for something to come."""
    if isinstance(effect, ReadTail) and effect.wait:
        return None
    return IMAGE_SECONDS if isinstance(effect, ReadImage) else READ_SECONDS
