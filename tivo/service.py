"""Builds each process from its settings and runs it; the one place that reads the clocks.

A process is ready when its server says so, tells that on its private port, and stops on Ctrl-C
or SIGTERM in the order in which things were opened.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import uvloop

from tivo import config
from tivo.metrics import PROCESS_TASKS
from tivo.model.errors import ConfigError, LogError, RequestError
from tivo.model.timeline import SECOND_US, Now, to_rfc_3339
from tivo.probes import Probes

if TYPE_CHECKING:  # a process loads only what it runs
    from tivo.broker.listeners import TlsOptions
    from tivo.broker.options import BrokerOptions
    from tivo.broker.server import Server as Broker
    from tivo.client.access import Access
    from tivo.log import facts, places, repair, verdict

Tell = Callable[[str], None]

KEPT_DESCRIPTORS = 44
"""For the log and the process itself: enough for a few partitions where a process may have no more than 64."""
LEAST_CONNECTIONS = 8

WATCH_S = 1.0
WATCH_UNREADY_S = 0.02


def now() -> Now:
    """Both clocks, read together."""
    return Now(wall_us=time.time_ns() // 1_000, steady_us=time.monotonic_ns() // 1_000)


def steady_us() -> int:
    """The monotonic clock in microseconds."""
    return now().steady_us


def wall_us() -> int:
    """UTC in microseconds."""
    return now().wall_us


def make_directory(directory: Path) -> None:
    """Have a directory that this process may write to. Raises ConfigError naming it and the reason."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigError(
            f"the data directory {directory} cannot be made or written to: {error.strerror}; "
            "let this user write there, or name another directory with --data (setting `data`)"
        ) from error


@contextlib.contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold a data directory for this process. Raises ConfigError naming who holds it, or why it cannot be."""
    from tivo.log.data_dir import lock as hold

    make_directory(directory)
    try:
        held = hold(directory)
    except LogError as error:
        raise ConfigError(f"{error}; stop that one, or name another directory with --data") from error
    try:
        yield
    finally:
        held.release()


@contextlib.contextmanager
def held_log(settings: config.Settings, wanted: str | None) -> "Iterator[places.Places]":
    """The partitions that are meant, their data directory held by this process as long as it takes.

    Raises ConfigError naming the process that holds it; RequestError where there is no such log.
    """
    from tivo.log.disk import ReadOnlyDisk
    from tivo.log.places import find

    found = find(wanted, settings.log_dir, ReadOnlyDisk())
    with contextlib.nullcontext() if found.data_dir is None else lock(found.data_dir):
        yield found


def topics_on_disk(settings: config.Settings) -> list[str]:
    """Names of the topics of the data directory; none where there is no log in it. Raises LogError."""
    from tivo.log.catalog import Catalog
    from tivo.log.disk import ReadOnlyDisk

    return [topic.name for topic in Catalog.look(settings.log_dir, ReadOnlyDisk())]


def dump_log(
    settings: config.Settings, wanted: str | None, *, from_offset: int, as_records: bool
) -> "Iterator[facts.Facts]":
    """What stands in a log. Raises LogError, and what `held_log` raises."""
    from tivo.log.disk import ReadOnlyDisk
    from tivo.log.dump import dump

    with held_log(settings, wanted) as found:
        for place in found.partitions:
            yield from dump(place, ReadOnlyDisk(), from_offset=from_offset, as_records=as_records)


def verify_log(settings: config.Settings, wanted: str | None) -> "Iterator[verdict.Verdict]":
    """Whether a log is whole, partition by partition. Raises LogError, and what `held_log` raises."""
    from tivo.log.disk import ReadOnlyDisk
    from tivo.log.verify import verify

    with held_log(settings, wanted) as found:
        for place in found.partitions:
            yield verify(place, ReadOnlyDisk())


def repair_log(settings: config.Settings, wanted: str | None) -> "Iterator[repair.Repaired]":
    """Put damaged partitions right; gives those. Raises LogError, and what `held_log` raises."""
    from tivo.log.repair import repair

    with held_log(settings, wanted) as found:
        if found.data_dir is None:
            raise RequestError(f"{wanted} lies in no data directory of tivo: only what belongs to one is repaired")
        stamp = to_rfc_3339(wall_us() // SECOND_US * SECOND_US).replace(":", "")
        yield from repair(found.data_dir, found.partitions, name=stamp)


class Server(Protocol):
    """What a process runs: it tells why it should get no work, and nothing when it should."""

    def unready(self) -> dict[str, str]: ...


S = TypeVar("S", bound=Server)


@dataclass(slots=True)
class Readiness:
    """Why the process is not ready; the demo's own server."""

    reasons: dict[str, str]

    def unready(self) -> dict[str, str]:
        return self.reasons


def run_broker(settings: config.Settings, *, tell: Tell) -> None:
    """The embedded broker, until it is told to stop. Raises ConfigError, LogError."""
    options = _broker_options(settings)
    make_directory(settings.log_dir)

    def told(broker: "Broker") -> None:
        for endpoint, port in zip(broker.doors.endpoints, broker.doors.ports, strict=True):
            what = "Kafka" if endpoint.security == "PLAINTEXT" else f"Kafka ({endpoint.security})"
            tell(f"broker: {what} on {endpoint.host}:{port}")

    _run(_serve(serving_broker(options), settings, told))


@contextlib.asynccontextmanager
async def serving_broker(options: "BrokerOptions") -> AsyncIterator["Broker"]:
    """The broker, broken off where its work breaks in a way nobody foresaw: that is raised, for a new process to begin.

    Raises what `serving` raises.
    """
    from tivo.broker.server import serving

    async with serving(options, now=now) as broker:
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(broker.watch())
                yield broker
                watching.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None


def _broker_options(settings: config.Settings) -> "BrokerOptions":
    """Raises ConfigError."""
    from tivo.auth.principals import named
    from tivo.broker.listeners import Security, parse_listener
    from tivo.broker.options import BrokerOptions

    kafka, log = settings.kafka, settings.log
    listeners = tuple(map(parse_listener, kafka.listeners))
    has_login = kafka.security.startswith("SASL") or any(each.security.has_login for each in listeners)
    own = () if kafka.user is None else (kafka.user,)
    return BrokerOptions(
        data=settings.log_dir,
        security=Security(kafka.security),
        host=kafka.host,
        port=kafka.port,
        listeners=listeners,
        tls=_tls_options(kafka),
        users_file=settings.users_path if has_login else None,
        authorizer=kafka.authorizer,
        super_users=tuple(named(each) for each in (*own, *kafka.super_users)),
        produce_bytes_per_second=kafka.produce_bytes_per_second,
        fetch_bytes_per_second=kafka.fetch_bytes_per_second,
        insecure=kafka.insecure,
        advertised_host=kafka.advertised_host,
        advertised_port=kafka.advertised_port,
        flush=log.flush,
        flush_interval_ms=config.duration_us(log.flush_interval) // 1_000,
        default_partitions=kafka.partitions,
        auto_create=kafka.auto_create,
        max_request_bytes=kafka.max_request_bytes,
        max_connections=min(kafka.max_connections, _room_for_connections()),
        max_connections_per_host=kafka.max_connections_per_host,
        max_connections_per_second=kafka.max_connections_per_second,
        segment_bytes=log.segment_bytes,
        retention_us=config.duration_us(log.retention),
        retention_bytes=log.retention_bytes,
    )


def _tls_options(kafka: config.KafkaSettings) -> "TlsOptions | None":
    from tivo.broker.listeners import TlsOptions

    if kafka.tls_certificate is None and kafka.tls_key is None:
        return None
    if kafka.tls_certificate is None or kafka.tls_key is None:
        raise ConfigError("kafka.tls_certificate and kafka.tls_key go together: the other is not set")
    if kafka.tls_client_ca is not None and kafka.security.endswith("SSL"):
        raise ConfigError(
            "kafka.tls_client_ca asks every client with TLS for a certificate, and tivo's own processes bring none: "
            "let kafka.security be without TLS, and speak it at kafka.listeners"
        )
    return TlsOptions(
        certificate=Path(kafka.tls_certificate).expanduser(),
        key=Path(kafka.tls_key).expanduser(),
        client_ca=None if kafka.tls_client_ca is None else Path(kafka.tls_client_ca).expanduser(),
    )


def kafka_access(settings: config.Settings) -> "Access":
    """How to get into Kafka. Raises ConfigError where something for it is missing."""
    from tivo.client.access import open_access

    kafka = settings.kafka
    return open_access(
        bootstrap=settings.bootstrap,
        security=kafka.security,
        mechanism=kafka.mechanism,
        user=kafka.user,
        password_file=kafka.password_file,
        ca_file=kafka.ca_file,
    )


def run_gateway(settings: config.Settings, *, tell: Tell) -> None:
    """One gateway, until it is told to stop. Raises ConfigError."""
    from tivo.gateway.server import Gateway, GatewayOptions, serving
    from tivo.store.open import open_store

    here = Path(__file__).parent / "console"
    gateway = settings.gateway
    options = GatewayOptions(
        bootstrap=kafka_access(settings),
        host=gateway.host,
        port=gateway.port,
        insecure=gateway.insecure,
        auth=gateway.auth,
        users_file=settings.users_path,
        allow_origins=gateway.allow_origin,
        max_sessions=gateway.max_sessions,
        max_sessions_per_client=gateway.max_sessions_per_client,
        ring_bytes=gateway.ring_bytes,
        console_dir=here / "static",
        library_dir=here / "lib",
    )

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Gateway]:
        async with (
            open_store(settings.store_url, read_only=True) as store,
            serving(options, store=store, now=now) as running,
        ):
            yield running

    _run(_serve(opened(), settings, lambda running: tell(f"gateway: http://{gateway.host}:{running.port}")))


def run_demo(settings: config.Settings, *, seed: int, backfill_us: int, tell: Tell) -> None:
    """The demo's producer, until it is told to stop. Raises BrokerError."""
    from tivo.demo import Demo

    demo = Demo(kafka_access(settings), seed=seed, backfill_us=backfill_us, wall_us=wall_us, tell=tell)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Readiness]:
        readiness = Readiness({"demo": "filling in the past"})
        async with asyncio.TaskGroup() as tasks:
            producing = tasks.create_task(demo.run(readiness.reasons.clear))
            try:
                yield readiness
            finally:
                producing.cancel()

    _run(_serve(opened(), settings, lambda _: None))


def _run(main: Coroutine[Any, Any, None]) -> None:
    _raise_file_limit()
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # It repeats itself ten times a second while the broker is away, which readiness and sessions tell once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def _room_for_connections() -> int:
    """How many descriptors are left for clients: they must not take those that the log needs."""
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[1] - KEPT_DESCRIPTORS, LEAST_CONNECTIONS)


def _raise_file_limit() -> None:
    """Partitions and connections hold files: take all that the system allows this process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(
    server: AbstractAsyncContextManager[S], settings: config.Settings, on_open: Callable[[S], None]
) -> None:
    """Open a server, keep its probes true, close it when the process is told to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with Probes(port=settings.private_port, steady_us=steady_us) as probes:
        async with server as running:
            on_open(running)
            gc.collect()
            gc.freeze()  # what was loaded stays: walking it stops a process for 20 to 55 ms each time (measured)
            while not stopping.is_set():
                probes.beat()
                PROCESS_TASKS.set(len(asyncio.all_tasks()))
                probes.unready = running.unready()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(WATCH_UNREADY_S if probes.unready else WATCH_S):
                        await stopping.wait()
            probes.unready = {"process": "stopping"}
