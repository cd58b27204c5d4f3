"""Settings of a broker, as plain values, and which of them do not go together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tivo.auth.principals import Principal
from tivo.broker import listeners
from tivo.broker.listeners import LOCALHOST, Listener, Security, TlsOptions
from tivo.log.flusher import FlushMode
from tivo.model.errors import ConfigError
from tivo.model.timeline import DAY_US, HOUR_US, MINUTE_US, SECOND_US

AuthorizerMode = Literal["off", "acl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Settings of a broker. Spans are µs where the name says so.

    `security`, `host`, `port` and what is advertised are those of the first listener, by which
    tivo's own processes come; `listeners` are further ones. `insecure` allows to bind beyond
    loopback where nobody is asked who he is. Rates are in bytes per second for each principal that
    is no super user, None for no bound. `complaint_lines` is how many lines about clients may be
    logged in 10 s.
    """

    data: Path
    security: Security = Security.PLAINTEXT
    host: str = LOCALHOST
    port: int = 9092
    advertised_host: str | None = None
    advertised_port: int | None = None
    listeners: tuple[Listener, ...] = ()
    insecure: bool = False
    tls: TlsOptions | None = None
    users_file: Path | None = None
    authorizer: AuthorizerMode = "off"
    super_users: tuple[Principal, ...] = ()
    produce_bytes_per_second: int | None = None
    fetch_bytes_per_second: int | None = None
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
    max_connections_per_second: int = 1_000
    login_us: int = 10 * SECOND_US
    login_request_bytes: int = 64 << 10
    initial_rebalance_delay_us: int = 100_000
    shortest_session_us: int = 6 * SECOND_US
    max_group_members: int = 1_000
    idle_us: int = 10 * MINUTE_US
    request_deadline_us: int = MINUTE_US
    stall_us: int = MINUTE_US
    complaint_lines: int = 10

    @property
    def all_listeners(self) -> tuple[Listener, ...]:
        """The first listener, and the further ones."""
        first = Listener(
            security=self.security,
            host=self.host,
            port=self.port,
            advertised_host=self.advertised_host,
            advertised_port=self.advertised_port,
        )
        return (first, *self.listeners)


def check(options: BrokerOptions) -> None:
    """Raises ConfigError where the listeners would let in whoever comes, or cannot do what they are asked to."""
    for listener in options.all_listeners:
        listeners.check(listener, options.tls, insecure=options.insecure)
    if options.users_file is None and any(each.security.has_login for each in options.all_listeners):
        raise ConfigError("a listener with SASL needs a users file")
