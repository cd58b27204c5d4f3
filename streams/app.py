"""The Faust app and its process. The only place here that reads settings and owns clocks."""

import asyncio
import gc
import logging
import signal
import sys
import time

import faust

from streams import subscription
from streams.agents.images import ImageBuilder, build_images, standing_back
from streams.agents.persist import Keeper, Patience, persist
from streams.driver import check_driver
from streams.images import Spacing
from streams.intake import Intake
from streams.models import PageSchema
from streams.pages import PageTransport
from streams.places import Most, Places
from streams.salvage import Salvager
from streams.timers import StoreAway, Watch, merge_pages
from tivo import config
from tivo.client.access import Access, open_access
from tivo.client.cluster import Cluster
from tivo.client.waiting import until_connected
from tivo.model.errors import ConfigError
from tivo.model.timeline import Now
from tivo.probes import Probes
from tivo.store.base import Store
from tivo.store.open import open_store

log = logging.getLogger(__name__)

EXIT_CRASHED = 1
EXIT_TEMPORARY = 75
"""sysexits' EX_TEMPFAIL: start it again."""
EXIT_REFUSED = 78
"""sysexits' EX_CONFIG: it cannot run as it is configured."""

PAGE_BYTES = 2**20
QUEUED_PAGES = 64
"""Pages that wait for the store at most; then the fetch loop waits."""
FULL_PAGES = 8
"""So many full pages come with one fetch and go into one transaction at most; small ones up to as many events."""

SESSION_S, HEARTBEAT_S = 6.0, 0.5
LONGEST_POLL_S = 300.0


def now() -> Now:
    """Both clocks, read together."""
    return Now(time.time_ns() // 1000, time.monotonic_ns() // 1000)


def steady_us() -> int:
    """The monotonic clock."""
    return now().steady_us


def main() -> None:
    """Run the agent until SIGTERM; end the process with what it came to."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # It repeats itself while the broker is away; readiness tells it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    check_driver()
    try:
        settings = config.load()
        access = access_to(settings)
        store = open_store(settings.store_url, bucket_us=config.duration_us(settings.store.bucket))
    except ConfigError as error:
        log.critical("%s", error)
        sys.exit(EXIT_REFUSED)
    # Records come by the million and hold no cycles; looking for some takes a third of decoding.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    sys.exit(asyncio.run(serve(settings, access, store)))


async def serve(settings: config.Settings, access: Access, store: Store) -> int:
    """Persist topics into a store until SIGTERM or SIGINT; the exit code of the process."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    exit_code = 0
    try:
        with Probes(port=settings.private_port, steady_us=steady_us) as probes:
            await _Worker(settings, access, store, probes).run(stopping)
    except* StoreAway as error:
        log.critical("%s; the agent ends, to be started again", error.exceptions[0])
        exit_code = EXIT_TEMPORARY
    except* Exception:
        log.critical("the agent crashed", exc_info=True)
        exit_code = EXIT_CRASHED
    finally:
        await store.close()
    return exit_code


class _Worker:
    """The parts of the agent, put together."""

    def __init__(self, settings: config.Settings, access: Access, store: Store, probes: Probes) -> None:
        self._store = store
        self._address = access.bootstrap
        self._cluster = Cluster(access)
        self._salvager = Salvager(access, self._cluster, max_bytes=PAGE_BYTES)
        places, patience = Places(), Patience(steady_us)
        keeper = Keeper(store, places, patience, now)
        self._places = places
        self._images = image_builder(settings, store, keeper)
        intake = Intake(
            places=places,
            cluster=self._cluster,
            store=store,
            until_there=patience.until_there,
            salvage=self._salvager.read,
            set_aside=keeper.set_aside,
            now=now,
            most=Most(settings.agent.page_events, PAGE_BYTES),
            fetch_records=FULL_PAGES * settings.agent.page_events,
            linger_s=settings.agent.linger_ms / 1000,
        )
        self._app = make_app(settings, access, intake, keeper)
        self._watch = Watch(
            places=places,
            cluster=self._cluster,
            keeper=keeper,
            patience=patience,
            probes=probes,
            now=now,
            log_end=self._app.consumer.highwater,
        )

    async def run(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            chores = [
                tasks.create_task(self._watch.run()),
                tasks.create_task(merge_pages(self._store, now)),
                tasks.create_task(self._work()),
            ]
            if self._images is not None:
                chores.append(tasks.create_task(build_images(self._images, self._places)))
            try:
                await stopping.wait()
            finally:
                await self._app.stop()
                await self._salvager.close()
                await self._cluster.close()
                for chore in chores:
                    chore.cancel()

    async def _work(self) -> None:
        """Run the app once Kafka answers. Raises what it crashed of."""
        await until_connected(self._cluster.start, self._address, log.warning)
        await self._app.start()
        await self._app.wait_until_stopped()
        if self._app.crash_reason is not None:
            raise self._app.crash_reason


def image_builder(settings: config.Settings, store: Store, keeper: Keeper) -> ImageBuilder | None:
    """Who builds images; None where none are wanted."""
    if not settings.agent.image_bytes:
        return None
    bucket_us = config.duration_us(settings.store.bucket)
    spacing = Spacing(every_bytes=settings.agent.image_bytes, bucket_us=bucket_us)
    return ImageBuilder(store, spacing, stand_back=standing_back(keeper))


def access_to(settings: config.Settings) -> Access:
    """How to get into Kafka. Raises ConfigError where something for it is missing."""
    kafka = settings.kafka
    return open_access(
        bootstrap=settings.bootstrap,
        security=kafka.security,
        mechanism=kafka.mechanism,
        user=kafka.user,
        password_file=kafka.password_file,
        ca_file=kafka.ca_file,
    )


def _credentials(access: Access) -> faust.auth.Credentials | None:
    """The same in Faust's words."""
    context = access.tls_context()
    if access.has_login:
        return faust.SASLCredentials(
            username=access.user, password=access.password, mechanism=access.mechanism, ssl_context=context
        )
    return None if context is None else faust.SSLCredentials(context)


def make_app(settings: config.Settings, access: Access, intake: Intake, keeper: Keeper) -> faust.App:
    """The app with its one agent. It delivers pages only once, but its acknowledgements are not what counts."""
    folder = settings.data_dir / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        settings.agent.group,
        broker=f"kafka://{access.bootstrap}",
        broker_credentials=_credentials(access),
        datadir=str(folder),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_buffer_maxsize=QUEUED_PAGES,
        broker_commit_interval=1.0,
        broker_max_poll_interval=LONGEST_POLL_S,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        consumer_max_fetch_size=PAGE_BYTES,
    )
    app.transport = PageTransport(app.conf.broker_consumer, app, intake, topics=subscription.PATTERN)
    agent = persist(keeper, most_pages=QUEUED_PAGES, most_events=FULL_PAGES * settings.agent.page_events)
    app.agent(app.topic(acks=False, schema=PageSchema()), name="persist", concurrency=1)(agent)
    return app
