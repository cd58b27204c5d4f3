"""Waiting for what comes from other threads; the clock of the loop is moved by hand."""

import asyncio
from collections.abc import Callable

import pytest

from tivo.broker.patience import arrivals, happens

Pass = Callable[[float], None]


@pytest.fixture
async def time_passes(monkeypatch: pytest.MonkeyPatch) -> Pass:
    loop = asyncio.get_running_loop()
    now = loop.time()

    def forward(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(loop, "time", lambda: now)
    return forward


async def turns() -> None:
    """Let the loop do what is due, and what that leads to."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_event_is_waited_for(time_passes: Pass) -> None:
    event = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(happens(event, 10))
        await turns()
        time_passes(9)
        event.set()

    assert waiting.result()


async def test_an_event_is_not_waited_for_for_ever(time_passes: Pass) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(happens(asyncio.Event(), 10))
        await turns()
        time_passes(11)

    assert not waiting.result()


async def test_many_are_waited_for_as_long_as_they_come(time_passes: Pass) -> None:
    queue = asyncio.Queue[int]()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(arrivals(queue, 5, 10))
        for number in range(5):
            await turns()
            time_passes(9)
            queue.put_nowait(number)

    assert [0, 1, 2, 3, 4] == waiting.result()


async def test_what_came_is_given_when_no_more_comes(time_passes: Pass) -> None:
    queue = asyncio.Queue[int]()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(arrivals(queue, 5, 10))
        await turns()
        queue.put_nowait(0)
        await turns()
        time_passes(11)

    assert [0] == waiting.result()


async def test_nothing_is_waited_for_where_nothing_is_owed() -> None:
    assert [] == await arrivals(asyncio.Queue[int](), 0, 10)
