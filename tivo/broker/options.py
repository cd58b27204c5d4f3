"""Settings of a broker, as plain values, and which of them do not go together."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tivo.log.flusher import FlushMode
from tivo.model.errors import ConfigError
from tivo.model.timeline import DAY_US, HOUR_US, MINUTE_US, SECOND_US

LOCALHOST = "127.0.0.1"
"""`localhost` may resolve to ::1 on a client where only IPv4 is bound, so the literal is told instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Settings of a broker. Spans are µs where the name says so.

    `insecure` allows to bind beyond loopback, where nobody is asked who he is; `advertised_host`
    and `advertised_port` are what clients are told to connect to, by default what is bound.
    `complaint_lines` is how many lines about clients may be logged in 10 s.
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
    shortest_session_us: int = 6 * SECOND_US
    max_group_members: int = 1_000
    idle_us: int = 10 * MINUTE_US
    request_deadline_us: int = MINUTE_US
    stall_us: int = MINUTE_US
    complaint_lines: int = 10


def bindable(options: BrokerOptions) -> str:
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
