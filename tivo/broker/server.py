"""The broker as a process runs it: data directory, listener, upkeep, and a stop that leaves nothing half done."""

import asyncio
import logging
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

from tivo.broker.broker import Broker, Identity, Limits
from tivo.broker.commits import Commits
from tivo.broker.complaints import Complaints
from tivo.broker.connection import Connection
from tivo.broker.coordinator import Coordinator
from tivo.broker.handlers import SERVED
from tivo.broker.journal import Journal
from tivo.broker.leader import Leader
from tivo.broker.runtime import Alarm, LoopRuntime
from tivo.broker.topic_settings import TopicSettings
from tivo.broker.topics import Topics
from tivo.broker.waiters import Waiters
from tivo.log.catalog import Catalog, DataDirLock, lock
from tivo.log.disk import OsDisk, read_file, replace_file
from tivo.log.flusher import FlushMode
from tivo.log.settings import LogSettings
from tivo.model.errors import ConfigError, LogError
from tivo.model.timeline import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Now
from tivo.wire.connection import advertised

logger = logging.getLogger(__name__)

NODE_ID = 1
JOURNAL_TOPIC = "__consumer_offsets"
CLUSTER_FILE = "cluster"
LOCALHOST = "127.0.0.1"
"""`localhost` may resolve to ::1 on a client where only IPv4 is bound, so the literal is told instead."""

LARGEST_BATCH_BYTES = (1 << 20) + 12
"""Kafka's default `max.message.bytes`."""

SWEEP_US = SECOND_US
RETENTION_EVERY_US = MINUTE_US
CLOSE_DISK_SECONDS, CLOSE_CLIENTS_SECONDS = 2.0, 0.7
"""How long a stop waits for the disk, and for clients to take their last replies."""

READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Settings of a broker. Spans are µs where the name says so.

    `insecure` allows to bind beyond loopback, where nobody is asked who he is; `advertised_host`
    and `advertised_port` are what clients are told to connect to, by default what is bound.
    """

    data: Path
    host: str = LOCALHOST
    port: int = 9092
    insecure: bool = False
    advertised_host: str | None = None
    advertised_port: int | None = None
    flush: FlushMode = "always"
    flush_interval_ms: int = 1_000
    segment_bytes: int = 128 << 20
    retention_us: int | None = 7 * DAY_US
    retention_bytes: int | None = None
    max_future_us: int = HOUR_US
    default_partitions: int = 1
    auto_create: bool = True
    max_partitions: int = 1_000
    max_request_bytes: int = 16 << 20
    max_connections: int = 1_000
    max_connections_per_host: int = 500
    initial_rebalance_delay_us: int = 100_000
    max_group_members: int = 1_000
    idle_us: int = 10 * MINUTE_US
    request_deadline_us: int = MINUTE_US
    stall_us: int = MINUTE_US


@asynccontextmanager
async def serving(options: BrokerOptions, *, now: Callable[[], Now]) -> AsyncIterator["Server"]:
    """A broker that serves while the context is open; leaving it takes 3 s at most.

    Raises ConfigError for an address that may not be bound, LogError for a data directory that is
    in use or damaged, OSError for a port that is taken.
    """
    server = Server(options, now)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


async def run(options: BrokerOptions, *, now: Callable[[], Now], ready: Callable[["Server"], None]) -> None:
    """Serve until cancelled; `ready` is called once clients can connect. Raises what `serving` and `watch` raise."""
    async with serving(options, now=now) as server:
        ready(server)
        await server.watch()


class Server:
    """A broker and its listener. Opened and closed by `serving`."""

    def __init__(self, options: BrokerOptions, now: Callable[[], Now]) -> None:
        self.max_request_bytes = options.max_request_bytes
        self.complaints = Complaints(logger, now)
        self.port = 0
        self.broker: Broker
        self._options = options
        self._now = now
        self._runtime: LoopRuntime
        self._commits: Commits
        self._lock: DataDirLock
        self._catalog: Catalog
        self._listener: asyncio.Server
        self._connections: set[Connection] = set()
        self._hosts: Counter[str] = Counter()
        self._all_gone = asyncio.Event()
        self._alarm: Alarm
        self._retention_us = 0
        self._state = "starting"

    # ------------------------------------------------------------- life

    async def open(self) -> None:
        """Recover, then listen."""
        options = self._options
        host = _bindable(options)
        self._runtime = LoopRuntime(self._now)
        self._lock = lock(options.data)
        try:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(
                partial(Connection, self), host, options.port, start_serving=False
            )
            self.port = self._listener.sockets[0].getsockname()[1]
            self._catalog = Catalog.open(options.data)
            self.broker = self._build(host)
            await self._listener.start_serving()
        except BaseException:
            self._lock.release()
            raise
        self._state = READY
        self._alarm = self._runtime.call_at(self._now().steady_us + SWEEP_US, self._sweep)

    async def watch(self) -> None:
        """Wait for a failure that nobody foresaw, and raise it. Returns only so."""
        await self._runtime.failed

    def unready(self) -> dict[str, str]:
        """Why the broker should get no work: name → what is the matter. Empty while it is well."""
        if self._state != READY:
            return {"broker": self._state}
        return {leader.log.name: str(leader.log.read_only) for leader in self._leaders() if leader.log.read_only}

    async def close(self) -> None:
        """Take nothing more, answer what is owed, leave the log clean."""
        self._state = "closing"
        self._alarm.cancel()
        self._listener.close()
        self.broker.waiters.wake_all()
        for connection in tuple(self._connections):
            connection.drain()
        is_clean = await self._close_log()
        for connection in tuple(self._connections):
            connection.finish()
        if self._connections:
            await _happens(self._all_gone, CLOSE_CLIENTS_SECONDS)
        for connection in tuple(self._connections):
            connection.abort("the broker stops")
        self._catalog.close(clean=is_clean)
        self._runtime.close(wait=is_clean)
        self._lock.release()

    async def _close_log(self) -> bool:
        """Close all partitions; whether all of them are clean."""
        self._commits.close()
        self.broker.coordinator.close()
        results: list[LogError | None] = []
        done = asyncio.Event()

        def closed(owed: int, result: LogError | None) -> None:
            results.append(result)
            if len(results) == owed:
                done.set()

        def close_partitions() -> None:
            leaders = list(self._leaders())
            for leader in leaders:
                self._runtime.in_thread(leader.close, partial(closed, len(leaders)))

        self.broker.topics.when_settled(close_partitions)
        in_time = await _happens(done, CLOSE_DISK_SECONDS)
        for leader in self._leaders():
            leader.synced()
        return in_time and not any(isinstance(result, LogError) for result in results)

    # ------------------------------------------------------------- connections

    def admit(self, connection: Connection, host: str) -> str | None:
        """None, or why there is no room for one more connection."""
        if len(self._connections) >= self._options.max_connections:
            return f"there are {len(self._connections)} connections, the limit"
        if self._hosts[host] >= self._options.max_connections_per_host:
            return f"there are {self._hosts[host]} connections from there, the limit"
        self._all_gone.clear()
        self._connections.add(connection)
        self._hosts[host] += 1
        return None

    def forget(self, connection: Connection, host: str) -> None:
        """The connection is gone."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
            if not self._connections:
                self._all_gone.set()

    # ------------------------------------------------------------- upkeep

    def _sweep(self) -> None:
        """Each second: close what has been silent, stuck or half said for too long."""
        now = self._now()
        for connection in tuple(self._connections):
            why = self._why_close(connection, now.steady_us)
            if why is not None:
                connection.abort(why)
        if now.steady_us >= self._retention_us:
            self._retention_us = now.steady_us + RETENTION_EVERY_US
            for leader in self._leaders():
                if leader.log.segments > 1:
                    work = partial(leader.log.enforce_retention, now_us=now.wall_us)
                    self._runtime.in_thread(work, lambda removed: None)
        self._alarm = self._runtime.call_at(now.steady_us + SWEEP_US, self._sweep)

    def _why_close(self, connection: Connection, steady_us: int) -> str | None:
        options = self._options
        if connection.is_idle and steady_us - connection.heard_us > options.idle_us:
            return f"silent for {options.idle_us // SECOND_US} s"
        since_us = connection.unfinished_since_us
        if since_us is not None and steady_us - since_us > options.request_deadline_us:
            return f"a request did not arrive whole within {options.request_deadline_us // SECOND_US} s"
        since_us = connection.stalled_since_us
        if since_us is not None and steady_us - since_us > options.stall_us:
            return f"what it was sent was not read within {options.stall_us // SECOND_US} s"
        return None

    def _leaders(self) -> Iterator[Leader]:
        return self.broker.topics.leaders()

    # ------------------------------------------------------------- parts

    def _build(self, host: str) -> Broker:
        options = self._options
        self._commits = Commits(self._runtime, options.flush, options.flush_interval_ms)
        waiters = Waiters()
        log = LogSettings(
            segment_bytes=options.segment_bytes,
            retention_us=options.retention_us,
            retention_bytes=options.retention_bytes,
        )
        topics = Topics(
            self._catalog,
            self._runtime,
            self._commits,
            waiters,
            defaults=TopicSettings(log=log, max_message_bytes=LARGEST_BATCH_BYTES, max_future_us=options.max_future_us),
            max_partitions=options.max_partitions,
        )
        topics.open()
        kept = topics.find(JOURNAL_TOPIC) or topics.create_now(JOURNAL_TOPIC, 1, {"cleanup.policy": "compact"})
        coordinator = Coordinator(
            Journal(kept.leaders[0], self._runtime),
            self._runtime,
            initial_delay_us=options.initial_rebalance_delay_us,
            max_members=options.max_group_members,
        )
        coordinator.load()
        return Broker(
            identity=Identity(
                node_id=NODE_ID,
                cluster_id=_cluster_id(options.data),
                host=options.advertised_host or host,
                port=options.advertised_port or self.port,
            ),
            limits=Limits(auto_create=options.auto_create, default_partitions=options.default_partitions),
            data_dir=str(options.data),
            runtime=self._runtime,
            topics=topics,
            waiters=waiters,
            coordinator=coordinator,
            apis=advertised(SERVED),
        )


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so long at most; whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _bindable(options: BrokerOptions) -> str:
    """The address to bind. Raises ConfigError where that would let in whoever comes."""
    host = LOCALHOST if options.host == "localhost" else options.host
    try:
        address = ip_address(host)
    except ValueError:
        raise ConfigError(f"the broker binds an IP address, not {options.host!r}") from None
    if not address.is_loopback and not options.insecure:
        raise ConfigError(f"{host} is reached from other machines, and nobody is asked who he is: say so to allow it")
    if address.is_unspecified and options.advertised_host is None:
        raise ConfigError(f"{host} is every address of this machine: which one are clients told to connect to?")
    return host


def _cluster_id(data: Path) -> str:
    """The id of this data directory, made once (22 characters, as Kafka's are)."""
    path = data / CLUSTER_FILE
    disk = OsDisk()
    kept = read_file(disk, path)
    if kept is None:
        kept = urlsafe_b64encode(uuid4().bytes).rstrip(b"=")
        replace_file(disk, path, kept)
        disk.fsync_dir(data)
    return kept.decode()
