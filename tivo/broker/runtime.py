"""What the broker wants of the process it runs in: the time, an alarm, threads for work that waits on the disk, and one
for what takes processor time."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from tivo.model.errors import LogError, RequestError
from tivo.model.timeline import Now

T = TypeVar("T")

THREADS = 4
"""Enough for a few disks' worth of fdatasync side by side; a partition never has two of them in flight."""

MOST_COMPUTING = 64
"""Computations that may wait for their thread: half a second's worth of passwords."""


class Alarm(Protocol):
    """A call that is due."""

    def cancel(self) -> None: ...


class Runtime(Protocol):
    """The door between the broker's rules and the event loop."""

    def now(self) -> Now:
        """The two clocks."""

    def call_at(self, steady_us: int, callback: Callable[[], None]) -> Alarm:
        """Call back on the loop at a steady time, at once if it has passed."""

    def in_thread(self, work: Callable[[], T], then: Callable[[T | LogError], None]) -> None:
        """Do blocking work on another thread; on the loop again, give `then` its result or the LogError it raised."""

    def compute(self, work: Callable[[], T], then: Callable[[T | LogError], None]) -> bool:
        """The same for what takes processor time: on one thread, in turn, so that no sync waits behind it.

        False, and nothing is done, where too many wait already.
        """


class Turns:
    """Blocking work that must be done one after the other, off the loop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._queue: deque[Callable[[], None]] = deque()

    def take(self, begin: Callable[[], Callable[[], T]], then: Callable[[T | LogError | RequestError], None]) -> None:
        """In its turn: `begin` on the loop, the work that it gives on a thread, `then` on the loop with the result.

        A RequestError that `begin` or the work raises, or a LogError of the work, goes to `then` in its place.
        """
        self._queue.append(lambda: self._begin(begin, then))
        if len(self._queue) == 1:
            self._queue[0]()

    def _begin(self, begin: Callable[[], Callable[[], T]], then: Callable[[T | LogError | RequestError], None]) -> None:
        def end(result: T | LogError | RequestError) -> None:
            then(result)
            self._queue.popleft()
            if self._queue:
                self._queue[0]()

        try:
            work = begin()
        except RequestError as error:
            end(error)
        else:
            self._runtime.in_thread(lambda: _tried(work), end)


def _tried(work: Callable[[], T]) -> T | RequestError:
    try:
        return work()
    except RequestError as error:
        return error


class LoopRuntime:
    """The running asyncio loop, a few threads for the disk, and one that computes.

    `failed` takes the exception of work that broke in a way nobody foresaw: the owner stops the broker.
    """

    def __init__(self, read_now: Callable[[], Now]) -> None:
        self.now = read_now
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="broker-disk")
        self._computer = ThreadPoolExecutor(1, thread_name_prefix="broker-computer")
        self._computing = 0
        self.failed: asyncio.Future[None] = self._loop.create_future()

    def call_at(self, steady_us: int, callback: Callable[[], None]) -> Alarm:
        return self._loop.call_later(max(steady_us - self.now().steady_us, 0) / 1e6, callback)

    def in_thread(self, work: Callable[[], T], then: Callable[[T | LogError], None]) -> None:
        self._submit(self._threads, work, then)

    def compute(self, work: Callable[[], T], then: Callable[[T | LogError], None]) -> bool:
        if self._computing >= MOST_COMPUTING:
            return False

        def end(result: T | LogError) -> None:
            self._computing -= 1
            then(result)

        self._computing += 1
        self._submit(self._computer, work, end)
        return True

    def close(self, *, wait: bool) -> None:
        """Take no more work; `wait` for what is under way."""
        for pool in (self._computer, self._threads):
            pool.shutdown(wait=wait, cancel_futures=not wait)

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[[], T], then: Callable[[T | LogError], None]) -> None:
        def on_loop(done: "Future[T]") -> None:
            error = done.exception()
            if error is None:
                then(done.result())
            elif isinstance(error, LogError):
                then(error)
            elif not self.failed.done():
                self.failed.set_exception(error)

        pool.submit(work).add_done_callback(lambda done: self._loop.call_soon_threadsafe(on_loop, done))
