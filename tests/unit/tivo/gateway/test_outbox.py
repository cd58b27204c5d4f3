import asyncio
from collections.abc import Callable

from tivo.gateway.outbox import HIGH_BYTES, LOW_BYTES, Outbox


class Socket:
    """Takes frames while it is open."""

    def __init__(self, *, is_writable: bool = True, room: int | None = None) -> None:
        self.written: list[bytes] = []
        self.room = room
        self.is_writable = is_writable
        self.on_writable: Callable[[], None] = lambda: None

    def write(self, frame: bytes) -> None:
        assert self.is_writable
        self.written.append(frame)
        if self.room is not None:
            self.room -= 1
            self.is_writable = self.room > 0

    def open(self, room: int | None = None) -> None:
        self.room = room
        self.is_writable = True
        self.on_writable()


class Bench:
    def __init__(self, *, is_writable: bool = True) -> None:
        self.socket = Socket(is_writable=is_writable)
        self.told: list[str] = []
        self.outbox = Outbox(
            self.socket, on_full=lambda: self.told.append("full"), on_drained=lambda: self.told.append("drained")
        )


def test_a_frame_is_written_at_once_where_the_socket_takes_it() -> None:
    bench = Bench()

    bench.outbox.put(b"a", lasting=False)

    assert [b"a"] == bench.socket.written
    assert 0 == bench.outbox.waiting_bytes


def test_frames_and_notices_keep_their_order_across_a_full_socket() -> None:
    bench = Bench(is_writable=False)
    bench.outbox.put(b"frame", lasting=False)
    bench.outbox.put(b"notice", lasting=False)
    bench.socket.open(room=1)
    bench.outbox.put(b"frame2", lasting=False)

    bench.socket.open()

    assert [b"frame", b"notice", b"frame2"] == bench.socket.written


def test_each_mark_is_told_once_when_it_is_passed() -> None:
    bench = Bench(is_writable=False)
    half = bytes(HIGH_BYTES // 2)
    for _ in range(4):
        bench.outbox.put(half, lasting=False)
    assert ["full"] == bench.told

    bench.socket.open(room=2)
    assert ["full"] == bench.told

    bench.socket.open()
    assert ["full", "drained"] == bench.told


def test_it_is_drained_as_soon_as_the_low_mark_is_reached() -> None:
    bench = Bench(is_writable=False)
    bench.outbox.put(bytes(HIGH_BYTES), lasting=False)
    bench.outbox.put(bytes(LOW_BYTES), lasting=False)

    bench.socket.open(room=1)

    assert ["full", "drained"] == bench.told


def test_discard_drops_what_is_not_lasting_and_keeps_the_order_of_the_rest() -> None:
    bench = Bench(is_writable=False)
    bench.outbox.put(b"ack", lasting=True)
    bench.outbox.put(b"old", lasting=False)
    bench.outbox.put(b"gap", lasting=True)

    bench.outbox.discard()
    bench.outbox.put(b"new", lasting=False)
    bench.socket.open()

    assert [b"ack", b"gap", b"new"] == bench.socket.written


def test_discard_may_drain_the_outbox() -> None:
    bench = Bench(is_writable=False)
    bench.outbox.put(bytes(HIGH_BYTES + 1), lasting=False)

    bench.outbox.discard()

    assert ["full", "drained"] == bench.told
    assert 0 == bench.outbox.waiting_bytes


async def test_below_comes_back_when_enough_has_gone() -> None:
    bench = Bench(is_writable=False)
    bench.outbox.put(b"aaaa", lasting=False)
    bench.outbox.put(b"bb", lasting=False)

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.outbox.below(2))
        await asyncio.sleep(0)
        assert not waiting.done()
        bench.socket.open(room=1)

    assert 2 == bench.outbox.waiting_bytes


async def test_below_outlives_one_who_stopped_waiting() -> None:
    bench = Bench(is_writable=False)
    bench.outbox.put(b"aaaa", lasting=False)
    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(bench.outbox.below(0))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)

        bench.socket.open()

    assert [b"aaaa"] == bench.socket.written
