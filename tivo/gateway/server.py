"""Runs a gateway: its connections to broker and store, its port, and the order in which all of it stops."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from tivo.client.access import Bootstrap, access_of
from tivo.client.cluster import Cluster
from tivo.client.live_consumer import LiveConsumer
from tivo.client.log_reader import LogReader
from tivo.client.producer import Producer
from tivo.client.tail import RING_BYTES, Tail
from tivo.client.waiting import until_connected
from tivo.gateway.admission import Admission, nobody_asked
from tivo.gateway.answers import Answers
from tivo.gateway.app import Access, Doors, make_app
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Clock
from tivo.gateway.guard import is_loopback
from tivo.gateway.near import Near
from tivo.gateway.scheduler import Scheduler, make_alarm
from tivo.gateway.sessions import MAX_SESSIONS, MAX_SESSIONS_PER_CLIENT, Sessions
from tivo.gateway.socket_protocol import BoundedHttp, DirectSocket
from tivo.gateway.sources import Sources
from tivo.gateway.states import States
from tivo.gateway.websocket import Sockets
from tivo.model.errors import ConfigError
from tivo.playback.facts import TopicRef
from tivo.store.base import Store
from tivo.users_file import UsersFile

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 256 * 2**10
SEND_BUFFER_BYTES = 64 * 2**10
"""Without it the kernel swallows 4 MB before a write waits: 160 s of a stream of 100 events a second."""
PING_SECONDS = 20
KEEP_ALIVE_SECONDS = 65
BACKLOG = 1_024
CLOSING_SECONDS = 1
LET_GO_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Everything that a gateway wants to be told."""

    bootstrap: Bootstrap
    host: str = "127.0.0.1"
    port: int = 8080
    insecure: bool = False
    auth: Literal["none", "tokens"] = "none"
    users_file: Path = Path("users.toml")
    allow_origins: tuple[str, ...] = ()
    max_sessions: int = MAX_SESSIONS
    max_sessions_per_client: int = MAX_SESSIONS_PER_CLIENT
    ring_bytes: int = RING_BYTES
    console_dir: Path = Path("console/static")
    library_dir: Path = Path("console/lib")


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs."""

    port: int
    _catalogue: Catalogue

    def unready(self) -> dict[str, str]:
        """Why it should get no work: name → what is the matter."""
        return dict(self._catalogue.trouble)


@asynccontextmanager
async def serving(options: GatewayOptions, *, store: Store, now: Clock) -> AsyncIterator[Gateway]:
    """A gateway that serves from here to the end of the context, which closes within 3 s or so.

    Viewers that are still there get `bye` and close code 1001, requests under way may finish.
    Raises ConfigError where it may not or cannot bind, or would ask for tokens and there is none.
    """
    admission = _admission(options, now)
    with _listening(options) as listener:
        log = _Log(options, now)
        scheduler = Scheduler(now, lambda ring: make_alarm(ring, now))
        catalogue = Catalogue(cluster=log.cluster, store=store, now=now)
        answers = Answers(catalogue=catalogue, store=store, now=now)
        near = Near(store, log.tail, catalogue)
        images = States(store, log.tail, catalogue)
        sources = Sources(store=store, tail=log.tail, catalogue=catalogue, answers=answers, near=near, images=images)
        sessions = Sessions(max_sessions=options.max_sessions, max_sessions_per_client=options.max_sessions_per_client)
        sockets = Sockets(sources=sources, scheduler=scheduler, sessions=sessions, now=now)
        gateway = Gateway(listener.getsockname()[1], catalogue)
        doors = Doors(
            sources=sources,
            cluster=log.cluster,
            producer=log.producer,
            sessions=sessions,
            sockets=sockets,
            unready=gateway.unready,
            admission=admission,
            now=now,
        )
        server = UvicornServer(make_app(doors, _access(options)))
        async with asyncio.TaskGroup() as tasks:
            running = (log.run(), _watch(log, catalogue, sockets), admission.watch(), images.run())
            background = [tasks.create_task(each) for each in running]
            answering = tasks.create_task(server.serve(sockets=[listener]))
            await server.ready.wait()
            try:
                yield gateway
            finally:
                await sockets.close()
                server.should_exit = True
                await answering
                for task in background:
                    task.cancel()
                scheduler.close()
                await log.close()


class _Log:
    """The gateway's connections to the log."""

    def __init__(self, options: GatewayOptions, now: Clock) -> None:
        self.address = access_of(options.bootstrap).bootstrap
        self.cluster = Cluster(options.bootstrap)
        self.producer = Producer(options.bootstrap)
        self._reader = LogReader(options.bootstrap, self.cluster, now)
        self.tail = Tail(
            live=LiveConsumer(options.bootstrap, self.cluster, now),
            log=self._reader,
            ends=self.cluster,
            now=now,
            ring_bytes=options.ring_bytes,
        )

    async def run(self) -> None:
        await until_connected(self.producer.start, self.address, lambda _: None)  # the cluster's connection tells
        await self.tail.run()

    async def close(self) -> None:
        """Let go of all of them, side by side, a broker that does not answer or not."""
        async with asyncio.TaskGroup() as tasks:
            for each in (self.cluster, self.producer, self._reader):
                tasks.create_task(_within(LET_GO_SECONDS, each.close()))


async def _watch(log: _Log, catalogue: Catalogue, sockets: Sockets) -> None:
    def changed(topics: Mapping[str, TopicRef]) -> None:
        log.tail.keep(topics)
        log.producer.keep_only(topics.keys())
        sockets.topics_changed(topics)

    await catalogue.note_away("not reached yet")
    await until_connected(log.cluster.start, log.address, logger.warning, away=catalogue.note_away)
    await catalogue.watch(changed)


def _admission(options: GatewayOptions, now: Clock) -> Admission:
    """Raises ConfigError where the users file is not there, or nobody in it has a token."""
    if options.auth == "none":
        return nobody_asked(now)
    known = UsersFile(options.users_file)
    if not any(user.tokens for user in known.users.users.values()):
        raise ConfigError(
            f"gateway.auth = 'tokens', and nobody in the users file {options.users_file} has one, so nobody could "
            "come in: `tivo users token add` makes one"
        )
    return Admission(known, now)


def _access(options: GatewayOptions) -> Access:
    return Access(
        loopback_only=is_loopback(options.host),
        host=options.host,
        allow_origins=options.allow_origins,
        console=options.console_dir,
        library=options.library_dir,
    )


async def _within(seconds: float, closing: Awaitable[None]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await closing


class UvicornServer(uvicorn.Server):
    """uvicorn inside a process that has a loop, signals and sockets of its own."""

    def __init__(self, app: ASGIApp, *, http: type[BoundedHttp] = BoundedHttp) -> None:
        config = uvicorn.Config(
            app,
            http=http,
            ws=DirectSocket,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process has its own handlers."""
        yield


@contextlib.contextmanager
def _listening(options: GatewayOptions) -> Iterator[socket.socket]:
    """The socket, whose send buffer every accepted one inherits. Raises ConfigError."""
    if not is_loopback(options.host) and not options.insecure and options.auth == "none":
        raise ConfigError(
            f"gateway.host = {options.host!r} can be reached from other machines, and nothing asks who may: "
            "bind 127.0.0.1, ask for tokens (gateway.auth = 'tokens'), or set gateway.insecure (--insecure) if that "
            "is meant"
        )
    try:
        family, kind, number, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise ConfigError(f"gateway.host = {options.host!r} is no address of this machine: {error}") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        try:
            listener.bind(address)
        except OSError as error:
            raise ConfigError(
                f"port {options.port} of {options.host} cannot be bound: {error.strerror}; "
                "set gateway.port (--port) to another, or to 0 for any that is free"
            ) from error
        listener.listen(BACKLOG)
        listener.setblocking(False)
        yield listener
