"""What the handlers work on: this broker's identity, limits, topics, groups and transactions."""

from dataclasses import dataclass

from tivo.broker.authorizer import Authorizer
from tivo.broker.commits import Commits
from tivo.broker.coordinator import Coordinator
from tivo.broker.listeners import Endpoint
from tivo.broker.logins import Logins
from tivo.broker.runtime import Runtime
from tivo.broker.session import Caller
from tivo.broker.topics import Topics
from tivo.broker.transaction_coordinator import TransactionCoordinator
from tivo.broker.unsent import Unsent
from tivo.broker.waiters import Waiters
from tivo.model.timeline import MINUTE_US, SECOND_US
from tivo.wire.messages.api_versions import ApiVersion

__all__ = ["Broker", "Caller", "Identity", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How the broker is known to clients, whatever the listener they come by."""

    node_id: int
    cluster_id: str
    endpoints: tuple[Endpoint, ...]


FEWEST_PLACES = 1_000
"""So many partitions a request about offsets may name, however few there can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of what clients may ask for.

    `max_fetch_bytes` bounds the answer to one Fetch, whatever the client would take (a first
    batch above it is still given whole); `longest_wait_us` how long a Fetch may park. One request may name
    `max_named_per_request` groups, transactional ids or members, and `max_places_per_request` partitions whose
    offsets are committed: as many as there can be.
    """

    auto_create: bool = True
    default_partitions: int = 1
    max_topics_per_request: int = 1_000
    max_named_per_request: int = 1_000
    max_places_per_request: int = FEWEST_PLACES
    max_fetch_bytes: int = 4 << 20
    longest_wait_us: int = 5 * MINUTE_US
    shortest_session_us: int = 6 * SECOND_US
    longest_session_us: int = 30 * MINUTE_US
    max_offset_metadata_bytes: int = 4_096
    max_member_metadata_bytes: int = 256 << 10
    max_inflated_bytes: int = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker of one, without its sockets. `apis` is what it tells that it serves."""

    identity: Identity
    limits: Limits
    data_dir: str
    runtime: Runtime
    commits: Commits
    topics: Topics
    waiters: Waiters
    coordinator: Coordinator
    transactions: TransactionCoordinator
    unsent: Unsent
    logins: Logins
    authorizer: Authorizer
    apis: list[ApiVersion]
