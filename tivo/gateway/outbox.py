"""Frames on their way to one viewer: written at once where the socket takes them, else kept in order and bounded."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

HIGH_BYTES = 256 * 2**10
"""What may wait before the session is told to send no more events."""
LOW_BYTES = 64 * 2**10
"""What may wait when it is told to go on."""
CROWDED_BYTES = 2**20
"""What may wait before no more commands are taken, since each of them is answered."""


class Writer(Protocol):
    """The socket: takes frames while it is writable, and calls `on_writable` when it is again."""

    on_writable: Callable[[], None]

    @property
    def is_writable(self) -> bool: ...

    def write(self, frame: bytes) -> None: ...


class _Waiting(NamedTuple):
    frame: bytes
    lasting: bool


class Outbox:
    """One queue for frames and notices. `on_full` and `on_drained` tell when it passes its marks, once each."""

    def __init__(self, writer: Writer, *, on_full: Callable[[], None], on_drained: Callable[[], None]) -> None:
        self._writer = writer
        self._on_full = on_full
        self._on_drained = on_drained
        self._waiting: deque[_Waiting] = deque()
        self._full = False
        self._drained: list[asyncio.Future[None]] = []
        self.waiting_bytes = 0
        writer.on_writable = self.flush

    def put(self, frame: bytes, *, lasting: bool) -> None:
        """Send a frame behind those that wait. What is not `lasting` may be discarded while it waits."""
        if not self._waiting and self._writer.is_writable:
            self._writer.write(frame)
            return
        self._waiting.append(_Waiting(frame, lasting))
        self.waiting_bytes += len(frame)
        if self.waiting_bytes > HIGH_BYTES and not self._full:
            self._full = True
            self._on_full()

    def flush(self) -> None:
        """Write what waits, as far as the socket takes it."""
        while self._waiting and self._writer.is_writable:
            frame, _ = self._waiting.popleft()
            self.waiting_bytes -= len(frame)
            self._writer.write(frame)
        self._tell_drained()

    def discard(self) -> None:
        """Drop what waits and is not lasting; the rest keeps its order."""
        self._waiting = deque(each for each in self._waiting if each.lasting)
        self.waiting_bytes = sum(len(each.frame) for each in self._waiting)
        self._tell_drained()

    async def below(self, mark_bytes: int) -> None:
        """Come back when no more than this waits."""
        while self.waiting_bytes > mark_bytes:
            waiter = asyncio.get_running_loop().create_future()
            self._drained.append(waiter)
            await waiter

    def _tell_drained(self) -> None:
        drained, self._drained = self._drained, []
        for waiter in drained:
            if not waiter.done():
                waiter.set_result(None)
        if self._full and self.waiting_bytes <= LOW_BYTES:
            self._full = False
            self._on_drained()
