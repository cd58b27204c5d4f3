"""Waiting for what comes from other threads, so long and no longer."""

import asyncio
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so long at most; whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def arrivals(queue: asyncio.Queue[T], count: int, seconds: float) -> list[T]:
    """So many of what comes into a queue; fewer where, so long, none has come."""
    found: list[T] = []
    with suppress(TimeoutError):
        while len(found) < count:
            async with asyncio.timeout(seconds):
                found.append(await queue.get())
    return found
