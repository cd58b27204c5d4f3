"""The broker as a process runs it: data directory, listener, upkeep, and a stop that leaves nothing half done."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from tivo.auth.users import NOBODY, Users
from tivo.broker.assembly import assemble
from tivo.broker.broker import Broker
from tivo.broker.complaints import Complaints
from tivo.broker.connection import Connection
from tivo.broker.doors import Doors
from tivo.broker.leader import Leader
from tivo.broker.options import BrokerOptions, check
from tivo.broker.patience import arrivals, happens
from tivo.broker.quotas import Rate
from tivo.broker.runtime import Alarm, LoopRuntime
from tivo.broker.throttle import Throttle
from tivo.broker.upkeep import Upkeep
from tivo.log.catalog import Catalog
from tivo.log.data_dir import DataDirLock, lock
from tivo.metrics import BROKER_CONNECTIONS
from tivo.model.errors import LogError
from tivo.model.timeline import SECOND_US, Now
from tivo.users_file import UsersFile

logger = logging.getLogger(__name__)

SWEEP_US = SECOND_US
CLOSE_DISK_SECONDS, CLOSE_CLIENTS_SECONDS = 10.0, 0.7
"""How long a stop waits for the disk to close one more partition, and for clients to take their last replies."""

READY = "ready"


@asynccontextmanager
async def serving(options: BrokerOptions, *, now: Callable[[], Now]) -> AsyncIterator["Server"]:
    """A broker that serves while the context is open; leaving it takes as long as partition after partition closes.

    Raises ConfigError for an address that cannot or may not be bound, LogError for a data
    directory that is in use or damaged.
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
        self.login_request_bytes = options.login_request_bytes
        self.login_us = options.login_us
        self.throttle = Throttle(options.produce_bytes_per_second, options.fetch_bytes_per_second, options.super_users)
        self.complaints = Complaints(logger, now, lines=options.complaint_lines)
        self.doors = Doors(self)
        self.broker: Broker
        self._options = options
        self._now = now
        self._runtime: LoopRuntime
        self._lock: DataDirLock
        self._catalog: Catalog
        self._users: UsersFile | None = None
        self._rate = Rate(options.max_connections_per_second)
        self.connections: set[Connection] = set()
        self._hosts: Counter[str] = Counter()
        self._all_gone = asyncio.Event()
        self._alarm: Alarm
        self._upkeep: Upkeep
        self._state = "starting"

    # ------------------------------------------------------------- life

    async def open(self) -> None:
        """Recover, then listen."""
        options = self._options
        check(options)
        if options.users_file is not None:
            self._users = UsersFile(options.users_file)
        self._runtime = LoopRuntime(self._now)
        self._runtime.failed.add_done_callback(self._fail)
        self._lock = lock(options.data)
        try:
            self.doors.bind(options.all_listeners, options.tls)  # a broker without its ports touches no log
            self._catalog = Catalog.open(options.data)
            endpoints = tuple(self.doors.endpoints)
            self.broker = assemble(options, self._catalog, self._runtime, endpoints=endpoints, users=self._users_now)
            self._upkeep = Upkeep(self.broker.topics, self._runtime)
            await self.doors.open()
        except BaseException:
            self.doors.shut()
            self.doors.give_back()
            self._runtime.close(wait=True)
            self._lock.release()
            raise
        self._state = READY
        self._alarm = self._runtime.call_at(self._now().steady_us + SWEEP_US, self._tick)

    @property
    def port(self) -> int:
        """Where the first listener listens."""
        return self.doors.ports[0]

    def _users_now(self) -> Users:
        return NOBODY if self._users is None else self._users.users

    def _fail(self, failed: "asyncio.Future[None]") -> None:
        if not failed.cancelled() and (error := failed.exception()) is not None:
            self._state = f"failed: {error!r}"
            logger.critical("the broker failed at its disk work", exc_info=error)

    async def watch(self) -> None:
        """Wait for a failure that nobody foresaw, and raise it. Returns only so."""
        await asyncio.shield(self._runtime.failed)  # who stops watching does not stop others from being told

    def unready(self) -> dict[str, str]:
        """Why the broker should get no work: name → what is the matter. Empty while it is well."""
        if self._state != READY:
            return {"broker": self._state}
        reasons = {leader.log.name: str(leader.log.read_only) for leader in self._leaders() if leader.log.read_only}
        return reasons | ({} if self._catalog.refusal is None else {"catalog": self._catalog.refusal})

    async def close(self) -> None:
        """Take nothing more, answer what is owed, leave the log clean.

        After work that broke in a way nobody foresaw it is not called clean: the next start looks it over.
        """
        self._state = "closing"
        self._alarm.cancel()
        self.doors.shut()
        await self.doors.close()
        self.broker.waiters.wake_all()
        for connection in tuple(self.connections):
            connection.drain()
        is_clean = await self._close_log()
        for connection in tuple(self.connections):
            connection.finish()
        if self.connections:
            await happens(self._all_gone, CLOSE_CLIENTS_SECONDS)
        for connection in tuple(self.connections):
            connection.abort("the broker stops")
        self._catalog.close(clean=is_clean and not self._runtime.failed.done())
        self._runtime.close(wait=is_clean)
        self._lock.release()

    async def _close_log(self) -> bool:
        """Close all partitions; whether all of them are clean."""
        self.broker.commits.close()
        self.broker.coordinator.close()
        self.broker.transactions.close()
        closed: asyncio.Queue[LogError | None] = asyncio.Queue()
        settled = asyncio.Event()

        def close_partitions() -> None:
            for leader in self._leaders():
                self._runtime.in_thread(leader.close, closed.put_nowait)
            settled.set()

        self.broker.topics.when_settled(close_partitions)
        await happens(settled, CLOSE_DISK_SECONDS)
        leaders = list(self._leaders())
        results = await arrivals(closed, len(leaders), CLOSE_DISK_SECONDS)
        for leader in leaders:
            leader.synced()
        return len(results) == len(leaders) and not any(isinstance(result, LogError) for result in results)

    # ------------------------------------------------------------- connections

    def admit(self, connection: Connection, host: str) -> str | None:
        """None, or why there is no room for one more connection."""
        if not self._rate.allows(host, self._now().steady_us):
            return f"{self._options.max_connections_per_second} connections from there in a second are the limit"
        if len(self.connections) >= self._options.max_connections:
            return f"there are {len(self.connections)} connections, the limit"
        if self._hosts[host] >= self._options.max_connections_per_host:
            return f"there are {self._hosts[host]} connections from there, the limit"
        self._all_gone.clear()
        self.connections.add(connection)
        self._hosts[host] += 1
        BROKER_CONNECTIONS.inc()
        return None

    def forget(self, connection: Connection, host: str) -> None:
        """The connection is gone."""
        if connection in self.connections:
            self.connections.remove(connection)
            BROKER_CONNECTIONS.dec()
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
            if not self.connections:
                self._all_gone.set()

    # ------------------------------------------------------------- upkeep

    def sweep(self) -> None:
        """Close what has been silent, stuck or half said for too long, and look after the logs. Called each second."""
        now = self._now()
        if self._users is not None:
            self._users.look()
        for connection in tuple(self.connections):
            why = self._why_close(connection, now.steady_us)
            if why is not None:
                connection.abort(why)
        self._upkeep.tick()

    def _tick(self) -> None:
        self.sweep()
        self._alarm = self._runtime.call_at(self._now().steady_us + SWEEP_US, self._tick)

    def _why_close(self, connection: Connection, steady_us: int) -> str | None:
        options = self._options
        if connection.opened_us is None:
            return None  # TLS has a deadline of its own
        if not connection.is_known and steady_us - connection.opened_us > options.login_us:
            return f"did not say within {options.login_us // SECOND_US} s who it is"
        if connection.is_idle and steady_us - connection.heard_us > options.idle_us:
            return f"silent for {options.idle_us // SECOND_US} s"
        since_us = connection.unfinished_since_us
        is_late = since_us is not None and steady_us - since_us > options.request_deadline_us
        if is_late and not connection.is_held_back:
            return f"a request did not arrive whole within {options.request_deadline_us // SECOND_US} s"
        since_us = connection.stalled_since_us
        if since_us is not None and steady_us - since_us > options.stall_us:
            return f"what it was sent was not read within {options.stall_us // SECOND_US} s"
        return None

    def _leaders(self) -> Iterator[Leader]:
        return self.broker.topics.leaders()
