"""Puts a broker together on an open catalog: topics, group commit, groups, transactions."""

import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from secrets import randbits
from uuid import uuid4

from tivo.auth.acl import Acls
from tivo.auth.users import NOBODY, Users
from tivo.broker.acl_book import ACL_FORMAT, AclBook
from tivo.broker.authorizer import Authorizer
from tivo.broker.broker import FEWEST_PLACES, Broker, Identity, Limits
from tivo.broker.commits import Commits
from tivo.broker.complaints import Complaints
from tivo.broker.coordinator import Coordinator
from tivo.broker.handlers import SERVED
from tivo.broker.journal import Journal
from tivo.broker.journal_format import GROUP_FORMAT
from tivo.broker.leader import Leader, Shared
from tivo.broker.listeners import Endpoint
from tivo.broker.logins import Logins
from tivo.broker.options import BrokerOptions
from tivo.broker.runtime import Runtime
from tivo.broker.topic_settings import TopicSettings
from tivo.broker.topics import Topics
from tivo.broker.transaction_coordinator import OFFSETS, TransactionCoordinator
from tivo.broker.transaction_format import TRANSACTION_FORMAT
from tivo.broker.unsent import Unsent
from tivo.broker.waiters import Waiters
from tivo.log.catalog import Catalog
from tivo.log.disk import Disk, OsDisk, read_file, replace_file
from tivo.log.settings import LogSettings
from tivo.wire.connection import advertised

denials = logging.getLogger("tivo.broker.denied")

NODE_ID = 1
JOURNAL_TOPIC = OFFSETS.topic
TRANSACTIONS_TOPIC = "__transaction_state"
ACL_TOPIC = "__acls"
PRODUCER_ID_BITS = 62
"""Producer ids are random: so many bits need no memory to be unique, 10 million of them meet with a chance of 10⁻⁵."""
CLUSTER_FILE = "cluster"
LARGEST_BATCH_BYTES = (1 << 20) + 12
"""Kafka's default `max.message.bytes`."""


def assemble(
    options: BrokerOptions,
    kept: Catalog,
    runtime: Runtime,
    *,
    endpoints: tuple[Endpoint, ...],
    users: Callable[[], Users] = lambda: NOBODY,
    disk: Disk | None = None,
) -> Broker:
    """A broker with its partitions open, its groups and transactions read back; blocks.

    `endpoints` are what clients are told. Raises LogError where the disk fails or a journal is damaged.
    """
    commits = Commits(runtime, options.flush, options.flush_interval_ms)
    shared = Shared(runtime, commits, Waiters(), disk or OsDisk())
    topics = Topics(kept, shared, defaults=topic_settings_of(options), max_partitions=options.max_partitions)
    topics.open()
    coordinator = Coordinator(
        Journal(_kept_in(topics, JOURNAL_TOPIC), runtime, GROUP_FORMAT),
        runtime,
        initial_delay_us=options.initial_rebalance_delay_us,
        max_members=options.max_group_members,
    )
    coordinator.load(topics.id_of)
    transactions = TransactionCoordinator(
        Journal(_kept_in(topics, TRANSACTIONS_TOPIC), runtime, TRANSACTION_FORMAT),
        coordinator,
        topics,
        runtime,
        new_id=partial(randbits, PRODUCER_ID_BITS),
    )
    transactions.load()
    return Broker(
        identity=Identity(node_id=NODE_ID, cluster_id=_cluster_id(options.data), endpoints=endpoints),
        limits=Limits(
            auto_create=options.auto_create,
            default_partitions=options.default_partitions,
            shortest_session_us=options.shortest_session_us,
            max_places_per_request=max(options.max_partitions, FEWEST_PLACES),
        ),
        data_dir=str(options.data),
        runtime=runtime,
        commits=commits,
        topics=topics,
        waiters=shared.waiters,
        coordinator=coordinator,
        transactions=transactions,
        unsent=Unsent(),
        logins=Logins.of(runtime, users),
        authorizer=_authorizer(options, topics, runtime),
        apis=advertised(SERVED),
    )


def _kept_in(topics: Topics, name: str) -> Leader:
    """The partition of a journal, made where there is none."""
    topic = topics.find(name) or topics.create_now(name, 1, {"cleanup.policy": "compact"})
    return topic.leaders[0]


def _authorizer(options: BrokerOptions, topics: Topics, runtime: Runtime) -> Authorizer:
    log = Complaints(denials, runtime.now, lines=options.complaint_lines).log
    if options.authorizer == "off":
        return Authorizer(None, log=log)
    acls = Acls(super_users=options.super_users)
    book = AclBook(acls, Journal(_kept_in(topics, ACL_TOPIC), runtime, ACL_FORMAT))
    book.load()
    return Authorizer(acls, book=book, log=log)


def topic_settings_of(options: BrokerOptions) -> TopicSettings:
    """What topics do that are given no settings."""
    log = LogSettings(
        segment_bytes=options.segment_bytes,
        retention_us=options.retention_us,
        retention_bytes=options.retention_bytes,
    )
    return TopicSettings(log=log, max_message_bytes=LARGEST_BATCH_BYTES, max_future_us=options.max_future_us)


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
