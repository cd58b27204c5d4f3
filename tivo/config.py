"""Settings: one `tivo.toml`, the environment and flags, checked once into frozen values.

Later sources win: defaults, the file, `TIVO_SECTION_KEY` in the environment, flags. A key that
nobody knows is refused wherever it stands, with the names that come close. Only the service
starter reads this module; rooms get plain values.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from tivo.model.errors import ConfigError
from tivo.model.timeline import parse_duration

CONFIG_FILE = "tivo.toml"
CONFIG_VARIABLE = "TIVO_CONFIG"
PREFIX = "TIVO_"
TOKEN_VARIABLE = "TIVO_TOKEN"  # noqa: S105  the name of a variable, which commands read
URL_VARIABLE = "TIVO_URL"
_OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE, "TIVO_SKIP_UI"})
_TEST_PREFIX = "TIVO_TEST_"
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound

Port = Annotated[int, Meta(ge=0, le=65_535)]
Count = Annotated[int, Meta(ge=1)]
Duration = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]*)?[yMdhms]$")]
"""A number and a unit: `20s`, `1h`, `7d`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The Kafka wire: the embedded broker's listener, or the cluster to use in its place."""

    bootstrap: Annotated[str | None, Meta(description="host:port of a Kafka cluster; set, no embedded broker runs")] = (
        None
    )
    host: Annotated[str, Meta(description="address that the embedded broker binds")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="port of the embedded broker; 0 takes a free one")] = 9092
    security: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="what is spoken at `port`, or at `bootstrap`: TLS (SSL) or not, logging in (SASL) or not"),
    ] = "PLAINTEXT"
    user: Annotated[
        str | None, Meta(description="whom tivo's own processes log in as; may everything in the embedded broker")
    ] = None
    password_file: Annotated[str | None, Meta(description="file with the password of `user`")] = None
    mechanism: Annotated[Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"], Meta(description="how `user` logs in")] = (
        "SCRAM-SHA-512"
    )
    ca_file: Annotated[
        str | None, Meta(description="authorities that tivo's own processes trust, in PEM; unset: the system's")
    ] = None
    listeners: Annotated[
        tuple[str, ...],
        Meta(
            description="further listeners of the embedded broker: `SASL_SSL://HOST:PORT`, or `… as HOST:PORT` to tell"
        ),
    ] = ()
    tls_certificate: Annotated[str | None, Meta(description="the embedded broker's certificate, in PEM")] = None
    tls_key: Annotated[str | None, Meta(description="the key of `tls_certificate`, in PEM")] = None
    tls_client_ca: Annotated[
        str | None, Meta(description="authorities of client certificates, in PEM; set, every client with TLS shows one")
    ] = None
    authorizer: Annotated[
        Literal["off", "acl"], Meta(description="`acl`: nobody may do what no access control entry allows")
    ] = "off"
    super_users: Annotated[
        tuple[str, ...], Meta(description="users who may everything and have no rate; ANONYMOUS: who is not asked")
    ] = ()
    produce_bytes_per_second: Annotated[
        Count | None, Meta(description="bytes that a user may send in a second; unset: any number")
    ] = None
    fetch_bytes_per_second: Annotated[
        Count | None, Meta(description="bytes that a user may fetch in a second; unset: any number")
    ] = None
    insecure: Annotated[bool, Meta(description="bind beyond loopback although nothing asks who may")] = False
    advertised_host: Annotated[str | None, Meta(description="address that clients are told; unset: `host`")] = None
    advertised_port: Annotated[Port | None, Meta(description="port that clients are told; unset: `port`")] = None
    partitions: Annotated[Count, Meta(description="partitions of a topic that is made without saying")] = 1
    auto_create: Annotated[bool, Meta(description="make a topic when a client first names it")] = True
    max_request_bytes: Annotated[Count, Meta(description="largest request that the broker takes")] = 16 * 2**20
    max_connections: Annotated[Count, Meta(description="connections at the same time")] = 1_000
    max_connections_per_host: Annotated[Count, Meta(description="connections of one address at the same time")] = 500
    max_connections_per_second: Annotated[Count, Meta(description="new connections of one address in a second")] = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The embedded broker's log on disk."""

    flush: Annotated[
        Literal["always", "interval", "os"],
        Meta(
            description="an append is on disk: before it is acknowledged, every `flush_interval`, when the system likes"
        ),
    ] = "always"
    flush_interval: Annotated[Duration, Meta(description="how often `flush = interval` syncs")] = "1s"
    segment_bytes: Annotated[int, Meta(ge=2**16, description="size at which a segment is closed")] = 128 * 2**20
    retention: Annotated[Duration, Meta(description="age at which closed segments go")] = "7d"
    retention_bytes: Annotated[
        Count | None, Meta(description="size of a partition beyond which its oldest segments go; unset: never")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where the agent persists events and the gateway reads them."""

    url: Annotated[str | None, Meta(description="store URL; unset: `sqlite:` in the data directory")] = None
    bucket: Annotated[Duration, Meta(description="slice of time in which the store writes and expires")] = "1h"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The Faust worker that takes pages from Kafka to the store."""

    group: Annotated[str, Meta(min_length=1, description="consumer group of the agents that share a store")] = (
        "tivo-agent"
    )
    page_events: Annotated[int, Meta(ge=1, le=10_000, description="events in a page at most")] = 1_000
    linger_ms: Annotated[int, Meta(ge=0, le=10_000, description="under load, how long a page waits to fill")] = 20
    image_bytes: Annotated[
        int,
        Meta(ge=0, description="bytes of events from one image to the next, which makes seeking cheap; 0: no images"),
    ] = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """HTTP, WebSocket and console on one port."""

    host: Annotated[str, Meta(description="address to bind; beyond loopback it needs `auth` or `insecure`")] = (
        "127.0.0.1"
    )
    port: Annotated[Port, Meta(description="port; 0 takes a free one")] = 8080
    auth: Annotated[
        Literal["none", "tokens"],
        Meta(description="who may: everybody, or whoever has a token of the users file"),
    ] = "none"
    insecure: Annotated[bool, Meta(description="bind beyond loopback although nothing asks who may")] = False
    allow_origin: Annotated[
        tuple[str, ...],
        Meta(description="origins besides its own that browsers may come from; a proxy may pass on their names"),
    ] = ()
    max_sessions: Annotated[Count, Meta(description="playback sessions in all")] = 512
    max_sessions_per_client: Annotated[
        Count, Meta(description="playback sessions of one user, or of one address where nobody is asked")
    ] = 64
    ring_bytes: Annotated[int, Meta(ge=2**16, description="newest events kept in memory per topic, in bytes")] = (
        16 * 2**20
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of it."""

    data: Annotated[str, Meta(description="directory of log and store")] = "./tivo-data"
    users_file: Annotated[
        str | None, Meta(description="who may log in, and with which tokens; unset: `users.toml` in the data directory")
    ] = None
    private_port: Annotated[
        Port, Meta(description="loopback port of a process for /livez, /readyz and /metrics; 0 takes a free one")
    ] = 0
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    log: LogSettings = field(default_factory=LogSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)

    @property
    def data_dir(self) -> Path:
        return Path(self.data).expanduser().resolve()

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.data_dir / 'events.db'}"

    @property
    def bootstrap(self) -> str:
        host = "127.0.0.1" if self.kafka.host in _EVERY_ADDRESS else self.kafka.host
        return self.kafka.bootstrap or f"{host}:{self.kafka.port}"

    @property
    def url(self) -> str:
        """The gateway's address, as it is called on its own machine."""
        host = "127.0.0.1" if self.gateway.host in _EVERY_ADDRESS else self.gateway.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.gateway.port}"

    @property
    def users_path(self) -> Path:
        return Path(self.users_file).expanduser() if self.users_file else self.data_dir / "users.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting as the reference and the error messages show it."""

    key: str
    type: Any
    default: object
    description: str

    @property
    def variable(self) -> str:
        return PREFIX + self.key.replace(".", "_").upper()


def duration_us(text: str) -> int:
    """Microseconds of a duration that the settings have already checked."""
    span_us = parse_duration(text)
    assert span_us is not None, f"{text!r} passed the settings' check"
    return span_us


def checked_duration_us(text: str, name: str) -> int:
    """Microseconds of a duration that a person gave. Raises ConfigError naming the option."""
    span_us = parse_duration(text)
    if span_us is None:
        raise ConfigError(f"{name} wants a number and a unit, such as 20s, 1h or 7d, got {text!r}")
    return span_us


def all_settings(of: type = Settings, prefix: str = "") -> Iterator[Setting]:
    """Every setting there is, in the order of the file."""
    hints = get_type_hints(of, include_extras=True)
    for each in fields(of):
        hint = hints[each.name]
        if is_dataclass(hint):
            assert isinstance(hint, type)
            yield from all_settings(hint, f"{prefix}{each.name}.")
        else:
            default = None if each.default is MISSING else each.default
            yield Setting(key=prefix + each.name, type=hint, default=default, description=_description(hint))


def _description(hint: Any) -> str:
    described: list[str] = [meta.description for meta in hint.__metadata__ if meta.description]
    return described[-1]


def load(
    *, environ: Mapping[str, str] | None = None, file: Path | None = None, flags: Mapping[str, object] | None = None
) -> Settings:
    """The settings of this process. `flags` are dotted keys; one that is None was not given.

    Without `file` the variable TIVO_CONFIG names it, else `./tivo.toml` is read where it stands.
    Raises ConfigError naming the source, the key and what is wrong with it.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    values |= _from_file(file or _file_named(environ))
    values |= _from_environment(environ)
    values |= {key: value for key, value in (flags or {}).items() if value is not None}
    return _checked(values)


def is_setting(variable: str) -> bool:
    """Whether a variable of the environment is one that `load` reads."""
    return variable == CONFIG_VARIABLE or variable in {setting.variable for setting in all_settings()}


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make another process load the same settings, whatever file lies there."""
    variables = {CONFIG_VARIABLE: os.devnull}
    for setting in all_settings():
        value: Any = settings
        for part in setting.key.split("."):
            value = getattr(value, part)
        if value != setting.default:
            text = _listed(value) if isinstance(value, tuple) else str(value)
            variables[setting.variable] = text.lower() if isinstance(value, bool) else text
    return variables


def _file_named(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    here = Path(CONFIG_FILE)
    return here if here.is_file() else None


def _from_file(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    values = dict(_flat(document))
    keys = [setting.key for setting in all_settings()]
    for key in values:
        if key not in keys:
            raise ConfigError(f"{path} has {key!r}, which is no setting{_close(key, keys)}")
    return values


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    by_variable = {setting.variable: setting for setting in all_settings()}
    found: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in _OTHER_VARIABLES or variable.startswith(_TEST_PREFIX):
            continue
        if variable not in by_variable:
            raise ConfigError(f"the environment has {variable}, which is no setting{_close(variable, by_variable)}")
        setting = by_variable[variable]
        found[setting.key] = _unlisted(variable, text) if isinstance(setting.default, tuple) else text
    return found


def _listed(values: tuple[str, ...]) -> str:
    """A list as one text; commas inside, as names in certificates have them, make it JSON."""
    return json.dumps(values) if any("," in value for value in values) else ",".join(values)


def _unlisted(variable: str, text: str) -> object:
    if not text.startswith("["):
        return text.split(",")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{variable} begins as a JSON list and is none: {error}") from error


def _close(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=2)
    return f"; did you mean {' or '.join(near)}?" if near else "; docs/reference/settings.md lists them all"


def _checked(values: Mapping[str, object]) -> Settings:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        at = tree
        for section in sections:
            at = at.setdefault(section, {})
        at[name] = value
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        place = place.rstrip("`")
        if "regex" in reason:
            reason = "wants a number and a unit, such as 20s, 1h or 7d"
        given = f" (given {values[place]!r})" if place in values else ""
        raise ConfigError(f"setting {place or '?'}: {reason}{given}") from error
