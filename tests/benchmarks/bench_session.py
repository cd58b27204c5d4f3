"""What a wake-up costs that has one event to send.

    python -m tests.benchmarks.bench_session

In µs of CPU time, the median of several rounds. The pure session plays a window of one event every
10 ms, its frame's JSON included; the short way of a wake-up stands beside the long one in the same
run, and the long one also prepares the short one each time. No socket, no store, one session: in a
gateway with many of them caches are cold and each frame is sent too (`bench_gateway`).
"""

import statistics
import sys
import time
from collections.abc import Iterable

from tests.benchmarks import machine
from tivo.model.event import Event, ValueKind
from tivo.model.timeline import HOUR_US, Now
from tivo.playback import encoding, protocol
from tivo.playback.effects import Effect, ReadBounds, ReadFrontier, ReadPage, ReadTail, Send, WakeAt
from tivo.playback.facts import BoundsRead, FrontierRead, PageRead, ReadAnswer, TailRead, TailSlice, TopicRef, Woke
from tivo.playback.session import Session

EVENTS = 10_000
STEP_US = 10_000
ROUNDS = 5
WALL_US = 1_800_000_000_000_000
START_US = WALL_US - HOUR_US
TOPIC = TopicRef("bench", b"0123456789abcdef", (0,))
RATIO_BAR = 0.6


class World:
    """A session on a store that holds everything, driven without a gateway."""

    def __init__(self) -> None:
        self.session = Session(sid="s", server="bench", topics=("bench",), catalogue={"bench": TOPIC})
        self.steady_us = 1_000_000
        self.wake_us: int | None = None
        self.sent = 0
        self._events = [
            Event(
                START_US + n * STEP_US, "bench", 0, n, b"s%d" % (n % 50), b'{"temp":20.5}', (), START_US, ValueKind.JSON
            )
            for n in range(EVENTS)
        ]
        self._do(self.session.open(self._now))
        command = b'{"action":"play","start":%d,"end":%d,"clock_hz":0}' % (START_US, START_US + EVENTS * STEP_US)
        self._do(self.session.receive(protocol.decode(command), self._now))

    @property
    def _now(self) -> Now:
        return Now(WALL_US + self.steady_us, self.steady_us)

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(frame):
                    encoding.encode(frame)
                    self.sent += len(frame.events)
                case WakeAt(steady_us):
                    self.wake_us = steady_us
                case ReadBounds() | ReadFrontier() | ReadPage() | ReadTail():
                    self._do(self.session.receive(self._answer(effect), self._now))
                case _:
                    pass

    def _answer(self, read: ReadBounds | ReadFrontier | ReadPage | ReadTail) -> ReadAnswer:
        match read:
            case ReadBounds():
                return BoundsRead(read.read, {0: EVENTS})
            case ReadFrontier():
                return FrontierRead(read.read, {0: EVENTS})
            case ReadPage():
                first = 0 if read.after is None else read.after.offset + 1
                return PageRead(read.read, self._events[first : first + read.limit], first + read.limit >= EVENTS)
            case _:
                return TailRead(
                    read.read, [TailSlice(each.partition, EVENTS, EVENTS, 0, EVENTS) for each in read.places]
                )

    def play(self) -> float:
        """µs of CPU time a wake-up, over the whole window."""
        began, woken = time.process_time(), 0
        while self.sent < EVENTS and self.wake_us is not None:
            self.steady_us = max(self.steady_us, self.wake_us)
            self._do(self.session.receive(Woke(), self._now))
            woken += 1
        assert self.sent == EVENTS, f"{EVENTS} events were owed, {self.sent} came"
        return (time.process_time() - began) / woken * 1e6


def wake_up(*, short: bool) -> float:
    world = World()
    if not short:
        world.session._playback.glide = lambda now: False  # type: ignore[method-assign]
    return world.play()


def main() -> int:
    print(machine.told())
    rounds = [(wake_up(short=True), wake_up(short=False)) for _ in range(ROUNDS)]
    short, long = map(statistics.median, zip(*rounds, strict=True))
    holds = short / long <= RATIO_BAR
    print(f"a wake-up, the short way {short:.1f} µs, the long way {long:.1f} µs, ratio {short / long:.2f}", end="")
    print(f" (bar {RATIO_BAR}) {'ok' if holds else 'MISSED'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
