"""How a guest gets into a Kafka cluster: where it is, what is spoken there, and whom it is told to be."""

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from tivo.model.errors import ConfigError
from tivo.users_file import check_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`security` and `mechanism` are Kafka's words. Without a CA file the system's authorities are trusted."""

    bootstrap: str
    security: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def has_login(self) -> bool:
        return self.security.startswith("SASL_")

    def tls_context(self) -> ssl.SSLContext | None:
        """How TLS is spoken, None where it is not. Raises ConfigError where the CA file does not serve."""
        if not self.security.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ConfigError(f"the CA file {self.ca_file} does not serve: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def settings(self) -> dict[str, Any]:
        """The same in the words of aiokafka's clients. Raises ConfigError as `tls_context`."""
        told: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.security}
        context = self.tls_context()
        if context is not None:
            told["ssl_context"] = context
        if self.has_login:
            told["sasl_mechanism"] = self.mechanism
            told["sasl_plain_username"] = self.user
            told["sasl_plain_password"] = self.password
        return told


Bootstrap: TypeAlias = str | Access
"""A cluster: its addresses alone, where nobody is asked who he is and nothing is hidden, or all that it takes."""


def access_of(bootstrap: Bootstrap) -> Access:
    """All that it takes."""
    return bootstrap if isinstance(bootstrap, Access) else Access(bootstrap=bootstrap)


def open_access(
    *,
    bootstrap: str,
    security: str,
    mechanism: str,
    user: str | None,
    password_file: str | None,
    ca_file: str | None,
) -> Access:
    """With the password that a file holds, where one is needed. Raises ConfigError where user or file are missing."""
    access = Access(bootstrap=bootstrap, security=security, mechanism=mechanism, user=user, ca_file=ca_file)
    if not access.has_login:
        return access
    if user is None or password_file is None:
        raise ConfigError(f"{security} needs kafka.user, and kafka.password_file with its password")
    path = Path(password_file).expanduser()
    check_private(path, "password file")
    try:
        password = path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the password file {path} cannot be read: {error}") from error
    if not password:
        raise ConfigError(f"the password file {path} is empty")
    return replace(access, password=password)
