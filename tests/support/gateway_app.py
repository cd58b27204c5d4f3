"""The gateway's HTTP over a store and a log in memory, and a client that takes a stream piece by piece."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from starlette.types import ASGIApp, Message, Scope

from tests.support.manual_clock import ManualClock
from tests.support.memory_log import MemoryLive, MemoryLog
from tivo.auth.users import Users
from tivo.client.tail import Tail
from tivo.gateway.admission import Admission
from tivo.gateway.answers import Answers
from tivo.gateway.app import Access, Doors, make_app
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Producer
from tivo.gateway.near import Near
from tivo.gateway.scheduler import Scheduler
from tivo.gateway.server import UvicornServer
from tivo.gateway.sessions import Sessions
from tivo.gateway.sources import Sources
from tivo.gateway.states import States
from tivo.gateway.websocket import Sockets
from tivo.store.base import Store
from tivo.store.memory import MemoryStore

NOWHERE = Path("/nowhere")


class GatewayApp:
    """Everything behind the routes, to be looked at and broken by a test."""

    def __init__(
        self,
        *,
        store: Store | None = None,
        producer: Producer | None = None,
        console: Path = NOWHERE,
        library: Path = NOWHERE,
        max_sessions: int = 512,
        users: Users | None = None,
    ) -> None:
        """With `users` it asks for their tokens; a wrong one is answered without a wait, which is noted."""
        self.clock = ManualClock()
        self.users = None if users is None else KnownUsers(users)
        self.waited_s: list[float] = []
        self.admission = Admission(self.users, self.clock, sleep=self._wait)
        self.log = MemoryLog(self.clock)
        self.live = MemoryLive(self.log)
        self.store: Store = store or MemoryStore()
        self.tail = Tail(live=self.live, log=self.log, ends=self.log, now=self.clock, retry_seconds=0)
        self.producer: Producer = producer or self.log
        self.unready: dict[str, str] = {}
        self.sessions = Sessions(max_sessions=max_sessions)
        self.catalogue = Catalogue(cluster=self.log, store=self.store, now=self.clock)
        self.sources = Sources(
            store=self.store,
            tail=self.tail,
            catalogue=self.catalogue,
            answers=Answers(catalogue=self.catalogue, store=self.store, now=self.clock),
            near=Near(self.store, self.tail, self.catalogue),
            images=States(self.store, self.tail, self.catalogue),
        )
        self.scheduler = Scheduler(self.clock, Alarm)
        self.sockets = Sockets(sources=self.sources, scheduler=self.scheduler, sessions=self.sessions, now=self.clock)
        self.app = make_app(
            self._doors(), Access(loopback_only=True, allow_origins=(), console=console, library=library)
        )

    def _doors(self) -> Doors:
        return Doors(
            sources=self.sources,
            cluster=self.log,
            producer=self.producer,
            sessions=self.sessions,
            sockets=self.sockets,
            unready=lambda: self.unready,
            admission=self.admission,
            now=self.clock,
        )

    async def _wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """Answers come whole."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    def become(self, users: Users) -> None:
        """The users file has changed, and was looked at."""
        assert self.users is not None
        self.users.users = users
        self.admission.look()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The address of the gateway's sockets, while it serves on a free port of this machine."""
        self.sockets.topics_changed(await self.catalogue.topics())
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = UvicornServer(self.app)
            async with asyncio.TaskGroup() as tasks:
                tail = tasks.create_task(self.tail.run())
                tasks.create_task(server.serve(sockets=[listener]))
                await server.ready.wait()
                try:
                    yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
                finally:
                    await self.sockets.close()
                    server.should_exit = True
                    tail.cancel()

    def forward(self, span_us: int) -> None:
        """Move the clocks, and ring what has become due."""
        self.clock.forward(span_us)
        self.scheduler.run_due()

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: str = "", headers: Mapping[str, str] | None = None, app: ASGIApp | None = None
    ) -> "AsyncIterator[Stream]":
        """Answers come piece by piece, while the tail runs."""
        stream = Stream(path, query, headers or {})
        async with asyncio.TaskGroup() as tasks:
            tail = tasks.create_task(self.tail.run())
            task = tasks.create_task((app or self.app)(stream.scope, stream.receive, stream.send))
            try:
                yield stream
            finally:
                stream.leave()
                await task
                tail.cancel()


class KnownUsers:
    """Users that a test gives and takes."""

    def __init__(self, users: Users) -> None:
        self.users = users

    def look(self) -> None:
        """Nothing to read."""


class Stream:
    """One GET whose body is taken as it comes; `hold` makes the client stop taking any."""

    def __init__(self, path: str, query: str, headers: Mapping[str, str]) -> None:
        given = [(b"host", b"localhost"), *((name.lower().encode(), value.encode()) for name, value in headers.items())]
        self.scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": given,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        self._start: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.sent = 0
        self.ended = False

    async def status(self) -> int:
        return int((await self._start)["status"])

    async def piece(self) -> bytes:
        """The next part of the body that is not empty."""
        return await self._pieces.get()

    def hold(self) -> None:
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def leave(self) -> None:
        self._gone.set()
        self._flowing.set()

    async def receive(self) -> Message:
        if self._asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start.set_result(message)
            return
        if message.get("body"):
            self.sent += len(message["body"])
            self._pieces.put_nowait(message["body"])
        self.ended = not message.get("more_body", False)
        await self._flowing.wait()


class Alarm:
    """Rings when a test says so: `scheduler.run_due()`."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """Nothing to keep."""

    def set(self, steady_us: int | None) -> None:
        """Nothing to set."""

    def close(self) -> None:
        """Nothing to let go of."""


def json_lines(body: bytes) -> list[Any]:
    """The objects of an NDJSON body."""
    return [orjson.loads(line) for line in body.splitlines()]
