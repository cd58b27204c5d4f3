"""Group commit: syncs partitions on worker threads, at most one sync of a partition at a time."""

from functools import partial
from typing import Protocol

from tivo.broker.runtime import Alarm, Runtime
from tivo.log.flusher import Flusher, FlushMode
from tivo.model.errors import LogError


class Syncable(Protocol):
    """A partition as its syncs see it."""

    def __hash__(self) -> int: ...

    def sync(self) -> int:
        """Blocks, on a worker thread, until what was appended before the call is on stable storage."""

    def synced(self) -> None:
        """A sync came back; on the loop."""

    def failed(self, error: LogError) -> None:
        """A sync failed; on the loop. There is no other until a restart."""


class Commits:
    """Starts the syncs that the flusher asks for. All calls come from the loop.

    `durable`: what is appended may be read and acknowledged once it is on stable storage, not before.
    """

    def __init__(self, runtime: Runtime, mode: FlushMode, interval_ms: int) -> None:
        self.durable = mode == "always"
        self._runtime = runtime
        self._flusher: Flusher[Syncable] = Flusher(mode, interval_ms)
        self._alarm: Alarm | None = None

    def appended(self, partition: Syncable, *, rolled: bool) -> None:
        """The partition was appended to; `rolled`: a new segment began with it."""
        if self._flusher.appended(partition, steady_us=self._runtime.now().steady_us, rolled=rolled):
            self._start(partition)
        elif self._alarm is None and (wake_us := self._flusher.wake_us) is not None:
            self._alarm = self._runtime.call_at(wake_us, self._due)

    def release(self, partition: Syncable) -> None:
        """Begin no more syncs of this partition."""
        self._flusher.forget(partition)

    def close(self) -> None:
        """Start no sync by the clock any more."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _due(self) -> None:
        self._alarm = None
        for partition in self._flusher.due(steady_us=self._runtime.now().steady_us):
            self._start(partition)
        if (wake_us := self._flusher.wake_us) is not None:
            self._alarm = self._runtime.call_at(wake_us, self._due)

    def _start(self, partition: Syncable) -> None:
        self._runtime.in_thread(partition.sync, partial(self._finished, partition))

    def _finished(self, partition: Syncable, result: int | LogError) -> None:
        if isinstance(result, LogError):
            self._flusher.forget(partition)
            partition.failed(result)
        else:
            if self._flusher.finished(partition, steady_us=self._runtime.now().steady_us):
                self._start(partition)
            partition.synced()
