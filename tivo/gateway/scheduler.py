"""The one timer heap of the process: absolute deadlines on the steady clock, one alarm for all of them.

uvloop's own timers tick in milliseconds, fire up to 1.25 ms early and spin a core when they are armed
again for less than one (measured; uvloop #739). So the alarm is a timerfd where there is one.
Exact wake-ups cost 60 to 80 µs of CPU each; when they come thick, deadlines are rounded up to a
1 ms grid, which has a third of the CPU for 0.7 ms more delay.
"""

import asyncio
import ctypes
import os
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from tivo.gateway.doors import Clock

GRID_US = 1_000
MEASURED_US = 100_000
BUSY_DEADLINES = 150
"""Deadlines in a measured span beyond which they are rounded up to the grid."""


class Alarm(Protocol):
    """Calls back once at or after a steady time; setting it anew replaces the time."""

    def set(self, steady_us: int | None) -> None: ...

    def close(self) -> None: ...


class Timer:
    """One session's alarm clock."""

    __slots__ = ("_scheduler", "deadline_us", "ring")

    def __init__(self, scheduler: "Scheduler", ring: Callable[[], None]) -> None:
        self._scheduler = scheduler
        self.ring = ring
        self.deadline_us: int | None = None

    def set(self, steady_us: int | None) -> None:
        """Ring at this steady time, in place of the one set before; None: not at all."""
        if steady_us != self.deadline_us:
            self.deadline_us = steady_us
            if steady_us is not None:
                self._scheduler.add(steady_us, self)


class Scheduler:
    """Rings timers in the order of their deadlines, never before them."""

    def __init__(self, now: Clock, make_alarm: Callable[[Callable[[], None]], Alarm]) -> None:
        self._now = now
        self._alarm = make_alarm(self.run_due)
        self._heap: list[tuple[int, int, Timer]] = []
        self._added = 0
        self._armed_us: int | None = None
        self._span_end_us = 0
        self._rung = 0
        self.on_grid = False

    def timer(self, ring: Callable[[], None]) -> Timer:
        """A timer that calls `ring`, which must not wait."""
        return Timer(self, ring)

    def close(self) -> None:
        self._heap.clear()
        self._alarm.close()

    def add(self, deadline_us: int, timer: Timer) -> None:
        """For `Timer.set`. What it was set to before stays in the heap and is passed over."""
        self._added += 1
        heappush(self._heap, (deadline_us, self._added, timer))
        if self._armed_us is None or deadline_us < self._armed_us:
            self._arm()

    def run_due(self) -> None:
        """Ring everything that is due; for the alarm.

        A timer that is set to the past while it rings waits for the next turn of the loop, a
        millisecond later, so that no session starves the others.
        """
        steady_us = self._now().steady_us
        self._armed_us = steady_us
        due: list[tuple[int, Timer]] = []
        while self._heap and self._heap[0][0] <= steady_us:
            deadline_us, _, timer = heappop(self._heap)
            due.append((deadline_us, timer))
        for deadline_us, timer in due:
            if timer.deadline_us == deadline_us:
                timer.deadline_us = None
                self._rung += 1
                timer.ring()
        self._measure(steady_us)
        self._armed_us = None
        self._arm(rung_us=steady_us)

    def _measure(self, steady_us: int) -> None:
        if steady_us >= self._span_end_us:
            self.on_grid = self._rung > BUSY_DEADLINES
            self._rung = 0
            self._span_end_us = steady_us + MEASURED_US

    def _arm(self, *, rung_us: int | None = None) -> None:
        while self._heap and self._heap[0][2].deadline_us != self._heap[0][0]:
            heappop(self._heap)
        if not self._heap:
            if self._armed_us is not None:
                self._alarm.set(None)
                self._armed_us = None
            return
        due_us = self._heap[0][0]
        if rung_us is not None and due_us <= rung_us:
            due_us = rung_us + GRID_US
        if self.on_grid:
            due_us = -(-due_us // GRID_US) * GRID_US
        if due_us != self._armed_us:
            self._armed_us = due_us
            self._alarm.set(due_us)


def make_alarm(ring: Callable[[], None], now: Clock) -> Alarm:
    """The best alarm of this platform, on the running loop."""
    loop = asyncio.get_running_loop()
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "timerfd_create"):
        return TimerFd(ring, loop, libc)
    return LoopAlarm(ring, loop, now)


class LoopAlarm:
    """The event loop's own timer, never for less than a millisecond, always rounded up."""

    def __init__(self, ring: Callable[[], None], loop: asyncio.AbstractEventLoop, now: Clock) -> None:
        self._ring = ring
        self._loop = loop
        self._now = now
        self._handle: asyncio.TimerHandle | None = None

    def set(self, steady_us: int | None) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if steady_us is not None:
            wait_us = max(steady_us - self._now().steady_us, 0)
            self._handle = self._loop.call_later((wait_us // GRID_US + 1) * GRID_US / 1e6, self._ring)

    def close(self) -> None:
        self.set(None)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerFd:
    """A Linux timerfd on CLOCK_MONOTONIC with absolute times, watched by the event loop.

    The steady clock must be the same: `time.monotonic`. Python has timerfd itself from 3.13 on.
    """

    _ABSOLUTE = 1  # TFD_TIMER_ABSTIME
    _CLOCK_MONOTONIC = 1

    def __init__(self, ring: Callable[[], None], loop: asyncio.AbstractEventLoop, libc: ctypes.CDLL) -> None:
        self._ring = ring
        self._loop = loop
        self._libc = libc
        self._fd = self._libc.timerfd_create(self._CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._spec = _Itimerspec()
        self._reference = ctypes.byref(self._spec)
        loop.add_reader(self._fd, self._expired)

    def set(self, steady_us: int | None) -> None:
        value = self._spec.value  # all zero disarms it
        value.seconds, micro = divmod(0 if steady_us is None else max(steady_us, 1), 1_000_000)
        value.nanoseconds = micro * 1_000
        if self._libc.timerfd_settime(self._fd, self._ABSOLUTE, self._reference, None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _expired(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # it was set anew after it had rung
        self._ring()
