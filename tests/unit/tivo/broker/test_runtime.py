"""The door between the broker's rules and the event loop."""

import asyncio
import threading

import pytest

from tests.support.broker import ManualRuntime
from tests.support.manual_clock import ManualClock
from tivo.broker.refusal import Refusal
from tivo.broker.runtime import MOST_COMPUTING, LoopRuntime, Turns
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode


async def test_work_is_done_on_another_thread_and_told_on_the_loop() -> None:
    runtime = LoopRuntime(ManualClock())
    told: asyncio.Future[tuple[int | LogError, int]] = asyncio.get_running_loop().create_future()

    runtime.in_thread(threading.get_ident, lambda worker: told.set_result((worker, threading.get_ident())))

    worker, loop = await told
    assert worker != threading.get_ident()
    assert loop == threading.get_ident()
    runtime.close(wait=True)


async def test_failure_of_the_disk_is_told() -> None:
    runtime = LoopRuntime(ManualClock())
    told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    error = LogError("no space left")

    def fail() -> None:
        raise error

    runtime.in_thread(fail, told.set_result)

    assert error is await told
    runtime.close(wait=True)


async def test_first_failure_that_nobody_foresaw_is_kept() -> None:
    runtime = LoopRuntime(ManualClock())

    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(2):
        runtime.in_thread(fail, lambda result: None)

    with pytest.raises(ZeroDivisionError):
        await runtime.failed
    runtime.close(wait=True)


async def test_disk_is_not_kept_waiting_by_what_computes_and_computations_are_bounded() -> None:
    runtime = LoopRuntime(ManualClock())
    may_end, ended = threading.Event(), list[object]()
    synced: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    all_ended = asyncio.Event()

    def end(result: object) -> None:
        ended.append(result)
        if len(ended) == MOST_COMPUTING:
            all_ended.set()

    taken = [runtime.compute(may_end.wait, end) for _ in range(MOST_COMPUTING + 1)]
    runtime.in_thread(lambda: "synced", synced.set_result)

    assert [True] * MOST_COMPUTING + [False] == taken
    assert "synced" == await synced
    assert [] == ended
    may_end.set()
    await all_ended.wait()
    assert runtime.compute(may_end.wait, ended.append)
    runtime.close(wait=True)


async def test_alarm_rings_at_its_time_even_if_that_has_passed() -> None:
    clock = ManualClock()
    runtime = LoopRuntime(clock)
    rung = asyncio.Event()

    runtime.call_at(clock.steady_us - 1, rung.set)

    await rung.wait()
    runtime.close(wait=False)


def test_turns_are_taken_one_after_the_other() -> None:
    runtime = ManualRuntime()
    turns, seen = Turns(runtime), list[str]()
    for name in ("a", "b"):
        turns.take(
            lambda name=name: seen.append(f"{name} begins") or (lambda: name), lambda done: seen.append(f"{done} ends")
        )

    assert ["a begins"] == seen
    runtime.work()

    assert ["a begins", "a ends", "b begins", "b ends"] == seen


def test_turn_that_is_refused_ends_at_once_and_the_next_begins() -> None:
    runtime = ManualRuntime()
    turns, ends = Turns(runtime), list[object]()
    refusal = Refusal(ErrorCode.TOPIC_ALREADY_EXISTS, "t exists already")

    def refuse() -> None:
        raise refusal

    turns.take(refuse, ends.append)
    turns.take(lambda: lambda: "done", ends.append)
    runtime.work()

    assert [refusal, "done"] == ends


async def test_turn_whose_work_is_refused_tells_so_and_the_next_begins() -> None:
    runtime = LoopRuntime(ManualClock())
    turns, ends, is_over = Turns(runtime), list[object](), asyncio.Event()
    runtime.failed.add_done_callback(lambda failed: is_over.set())
    refusal = RequestError("topic t has 6 partitions, cannot be given 4")

    def refuse() -> str:
        raise refusal

    turns.take(lambda: refuse, ends.append)
    turns.take(lambda: lambda: "done", lambda done: (ends.append(done), is_over.set()))
    await is_over.wait()

    assert [refusal, "done"] == ends
    assert not runtime.failed.done()
    runtime.close(wait=True)


def test_turn_whose_work_fails_tells_so_and_the_next_begins() -> None:
    runtime = ManualRuntime()
    turns, ends = Turns(runtime), list[object]()

    def fail() -> str:
        raise LogError("no space left")

    turns.take(lambda: fail, ends.append)
    turns.take(lambda: lambda: "done", ends.append)
    runtime.work()

    first, second = ends
    assert isinstance(first, LogError)
    assert not isinstance(first, RequestError)
    assert "done" == second
