import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from tests.support.manual_clock import ManualClock
from tivo.gateway.scheduler import BUSY_DEADLINES, GRID_US, MEASURED_US, LoopAlarm, Scheduler, make_alarm
from tivo.model.timeline import Now


class ManualAlarm:
    """Rings when a test says so."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self.ring = ring
        self.set_us: int | None = None
        self.closed = False

    def set(self, steady_us: int | None) -> None:
        self.set_us = steady_us

    def close(self) -> None:
        self.closed = True


class Bench:
    """A scheduler under a manual clock, and what it rang."""

    def __init__(self) -> None:
        self.clock = ManualClock(steady_us=0)
        self.rung: list[str] = []
        self.alarms: list[ManualAlarm] = []
        self.scheduler = Scheduler(self.clock, self._alarm)

    def _alarm(self, ring: Callable[[], None]) -> ManualAlarm:
        self.alarms.append(ManualAlarm(ring))
        return self.alarms[0]

    @property
    def alarm(self) -> ManualAlarm:
        return self.alarms[0]

    def at(self, steady_us: int) -> list[str]:
        """What rings when the alarm goes off at this time."""
        self.clock.steady_us = steady_us
        self.rung.clear()
        self.alarm.ring()
        return self.rung

    def timer(self, name: str, steady_us: int | None = None):  # type: ignore[no-untyped-def]
        made = self.scheduler.timer(lambda: self.rung.append(name))
        made.set(steady_us)
        return made


def test_alarm_is_set_to_the_earliest_deadline() -> None:
    bench = Bench()

    bench.timer("late", 5_000)
    bench.timer("early", 3_000)
    bench.timer("later", 9_000)

    assert 3_000 == bench.alarm.set_us


def test_timers_ring_in_the_order_of_their_deadlines_and_never_before() -> None:
    bench = Bench()
    bench.timer("b", 2_000)
    bench.timer("a", 1_000)
    bench.timer("c", 2_001)

    assert ["a", "b"] == bench.at(2_000)
    assert 2_001 == bench.alarm.set_us


def test_a_timer_set_anew_rings_at_its_last_time_only() -> None:
    bench = Bench()
    timer = bench.timer("a", 1_000)
    timer.set(4_000)

    assert [] == bench.at(1_000)
    assert ["a"] == bench.at(4_000)
    assert [] == bench.at(9_000)


def test_a_timer_set_to_nothing_never_rings() -> None:
    bench = Bench()
    timer = bench.timer("a", 1_000)
    timer.set(None)

    assert [] == bench.at(1_000)
    assert bench.alarm.set_us is None or bench.alarm.set_us == 1_000


def test_a_timer_may_set_itself_while_it_rings() -> None:
    bench = Bench()
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(bench.clock.steady_us)
        timer.set(bench.clock.steady_us + 10_000)

    timer = bench.scheduler.timer(tick)
    timer.set(10_000)
    for steady_us in (10_000, 20_000, 30_000):
        bench.at(steady_us)

    assert [10_000, 20_000, 30_000] == ticks
    assert 40_000 == bench.alarm.set_us


def test_a_timer_that_keeps_setting_itself_to_the_past_starves_nobody() -> None:
    bench = Bench()
    insistent = bench.scheduler.timer(lambda: (bench.rung.append("insistent"), insistent.set(5)))  # type: ignore[func-returns-value]
    insistent.set(5)
    bench.timer("patient", 10_000)

    assert ["insistent", "patient"] == bench.at(10_000)
    assert 10_000 + GRID_US == bench.alarm.set_us
    assert ["insistent"] == bench.at(10_000 + GRID_US)


def test_deadlines_are_exact_while_there_is_time_to_spare() -> None:
    bench = Bench()
    bench.timer("a", 10_001)

    assert 10_001 == bench.alarm.set_us


def test_deadlines_are_rounded_up_to_the_grid_when_they_come_thick() -> None:
    bench = Bench()
    for number in range(BUSY_DEADLINES + 1):
        bench.timer("x", number)
    bench.at(MEASURED_US)

    bench.timer("a", MEASURED_US + 1)

    assert bench.scheduler.on_grid
    assert MEASURED_US + GRID_US == bench.alarm.set_us


def test_the_grid_is_left_again_when_it_grows_quiet() -> None:
    bench = Bench()
    for number in range(BUSY_DEADLINES + 1):
        bench.timer("x", number)
    bench.at(MEASURED_US)
    bench.timer("a", MEASURED_US + 1)
    bench.at(2 * MEASURED_US)

    bench.timer("b", 2 * MEASURED_US + 1)

    assert not bench.scheduler.on_grid
    assert 2 * MEASURED_US + 1 == bench.alarm.set_us


def test_close_closes_the_alarm() -> None:
    bench = Bench()

    bench.scheduler.close()

    assert bench.alarm.closed


def real_now() -> Now:
    return Now(0, time.monotonic_ns() // 1_000)  # noqa: TID251  the alarms are set on the machine's own clock


def rings_in_order(
    make: Callable[[Callable[[], None]], object], *, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def scenario() -> list[int]:
        early_by: list[int] = []
        done = asyncio.Event()
        scheduler = Scheduler(real_now, make)  # type: ignore[arg-type]
        deadlines = [real_now().steady_us + step for step in (0, 300, 1_700, 4_000)]

        def rung(deadline_us: int) -> Callable[[], None]:
            def ring() -> None:
                early_by.append(deadline_us - real_now().steady_us)
                if len(early_by) == len(deadlines):
                    done.set()

            return ring

        for deadline_us in deadlines:
            scheduler.timer(rung(deadline_us)).set(deadline_us)
        await done.wait()
        scheduler.close()
        return early_by

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        early_by = runner.run(scenario())

    assert all(early_us <= 0 for early_us in early_by), early_by


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_platforms_alarm_never_rings_early(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    rings_in_order(lambda ring: make_alarm(ring, real_now), loop_factory=loop_factory)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_loops_own_alarm_rings_too_where_there_is_no_timerfd(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    rings_in_order(lambda ring: LoopAlarm(ring, asyncio.get_running_loop(), real_now), loop_factory=loop_factory)
