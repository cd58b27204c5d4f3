"""A viewer that knows only the protocol: a bare WebSocket, and what came over it."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

Notice = dict[str, Any]
Place = tuple[str, int, int]


@dataclass(slots=True)
class Watching:
    """One socket. `notices` is all that came, `events` the events among it, each with the time it arrived."""

    socket: ClientConnection
    notices: list[Notice] = field(default_factory=list)
    events: list[Notice] = field(default_factory=list)
    arrived_us: list[int] = field(default_factory=list)

    async def send(self, **command: Any) -> None:
        await self.socket.send(json.dumps(command))

    async def until(self, done: Callable[[Notice], bool]) -> Notice:
        """Read on until a notice for which `done` holds."""
        while True:
            notice: Notice = json.loads(await self.socket.recv())
            now_us = time.monotonic_ns() // 1_000
            self.notices.append(notice)
            if notice["type"] == "events":
                for event in notice["events"]:
                    of_frame = {"live": notice["live"], "epoch": notice["epoch"], "due_us": notice["due_us"]}
                    self.events.append(of_frame | event)
                    self.arrived_us.append(now_us)
            if notice["type"] == "error":
                raise AssertionError(f"the gateway refused: {notice}")
            if done(notice):
                return notice

    async def until_type(self, *kinds: str) -> Notice:
        return await self.until(lambda notice: notice["type"] in kinds)

    def places(self) -> list[Place]:
        """(topic, partition, offset) of every event, as they came."""
        return [(event["topic"], event["partition"], event["offset"]) for event in self.events]

    def of_type(self, kind: str) -> list[Notice]:
        return [notice for notice in self.notices if notice["type"] == kind]


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watching]:
    """Open a socket at a gateway and read its hello."""
    async with connect(url, max_size=None) as socket:
        watcher = Watching(socket)
        await watcher.until_type("hello")
        yield watcher
