"""The doors of a broker: where each listens, what is spoken there, and what clients are told to connect to."""

import re
import ssl
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from tivo.model.errors import ConfigError
from tivo.users_file import check_private

LOCALHOST = "127.0.0.1"
"""`localhost` may resolve to ::1 on a client where only IPv4 is bound, so the literal is told instead."""

_ADDRESS = r"(\[[0-9a-fA-F:.]+\]|[^\s\[\]:/]+):([0-9]{1,5})"
_LISTENER = re.compile(rf"([A-Z_]+)://{_ADDRESS}(?:\s+as\s+{_ADDRESS})?")


class Security(StrEnum):
    """What is spoken at a listener, in Kafka's words: TLS or not, logging in (SASL) or not."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def has_tls(self) -> bool:
        return self in (Security.SSL, Security.SASL_SSL)

    @property
    def has_login(self) -> bool:
        return self in (Security.SASL_PLAINTEXT, Security.SASL_SSL)


class Endpoint(NamedTuple):
    """What clients of a listener are told to connect to."""

    security: Security
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.security}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One door. Port 0 takes a free one; what is not advertised otherwise is what is bound."""

    security: Security = Security.PLAINTEXT
    host: str = LOCALHOST
    port: int = 9092
    advertised_host: str | None = None
    advertised_port: int | None = None

    def told(self, port: int) -> Endpoint:
        """What clients are told, where the listener got this port."""
        return Endpoint(self.security, self.advertised_host or self.address, self.advertised_port or port)

    @property
    def address(self) -> str:
        """The IP address to bind."""
        return LOCALHOST if self.host == "localhost" else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """Files in PEM form. With `client_ca` every client must show a certificate that it has signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


def parse_listener(text: str) -> Listener:
    """The listener of a text such as `SASL_SSL://0.0.0.0:9093 as broker.example:9093`. Raises ConfigError."""
    found = _LISTENER.fullmatch(text.strip())
    if found is None or found[1] not in Security.__members__:
        raise ConfigError(
            f"a listener is written PROTOCOL://HOST:PORT or PROTOCOL://HOST:PORT as HOST:PORT, "
            f"with one of {', '.join(Security)}, got {text!r}"
        )
    _, host, port, told_host, told_port = found.groups()
    for each in (port, told_port):
        if each is not None and int(each) > 65_535:
            raise ConfigError(f"ports go up to 65535, got {text!r}")
    return Listener(
        security=Security(found[1]),
        host=host.strip("[]"),
        port=int(port),
        advertised_host=None if told_host is None else told_host.strip("[]"),
        advertised_port=None if told_port is None else int(told_port),
    )


def check(listener: Listener, tls: TlsOptions | None, *, insecure: bool) -> None:
    """Raises ConfigError where a listener would let in whoever comes, or cannot do what it is asked to."""
    try:
        address = ip_address(listener.address)
    except ValueError:
        raise ConfigError(f"the broker binds an IP address, not {listener.host!r}") from None
    asks = listener.security.has_login or (listener.security.has_tls and tls is not None and tls.client_ca is not None)
    if not address.is_loopback and not asks and not insecure:
        raise ConfigError(
            f"{listener.host} (kafka.host, or one of kafka.listeners) is reached from other machines, and nobody is "
            "asked there who he is: let kafka.host be 127.0.0.1 and add a listener that asks, such as "
            f'kafka.listeners = ["SASL_SSL://{listener.host}:9093"], or set kafka.insecure if that is meant'
        )
    if address.is_unspecified and listener.advertised_host is None:
        raise ConfigError(
            f"{listener.host} is every address of this machine: say with kafka.advertised_host (or behind a listener) "
            "which one clients are told to connect to"
        )
    if listener.security.has_tls and tls is None:
        raise ConfigError(f"{listener.security} at {listener.host}:{listener.port} needs a certificate and its key")


def tls_context(tls: TlsOptions) -> ssl.SSLContext:
    """How TLS is spoken: version 1.2 at least. Raises ConfigError where the files do not serve."""
    check_private(tls.key, "TLS key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"TLS with {tls.certificate} and {tls.key} cannot be spoken: {error}") from error
    return context
