"""The users file: who there is, how each proves it, and what each token may. TOML, without any password in it.

    [users.ada.scram-sha-256]                  # a password, as RFC 5802 has servers keep it
    salt = "q83vEjRWeJo…"
    iterations = 10000
    stored_key = "…"
    server_key = "…"

    [[users.ada.tokens]]                       # a bearer token, of which only the hash is kept
    name = "laptop"
    sha256 = "9f86d081884c7d65…"
    scopes = ["read", "write:sensors."]        # all topics; topics whose name begins with `sensors.`
    expires = 2027-01-01T00:00:00Z             # may be left out

The broker asks users for passwords (SASL), the gateway for tokens; both mean the same principal.
"""

import hashlib
import hmac
import json
import re
import tomllib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import Meta

from tivo.model.errors import ConfigError

Mechanism: TypeAlias = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]
HASHES: Mapping[Mechanism, str] = MappingProxyType({"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"})
"""The name of each mechanism's hash in `hashlib`."""

Permit: TypeAlias = Literal["read", "write", "admin"]

MOST_NAME = 255
FEWEST_ITERATIONS = 4_096
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class ScramVerifier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the server keeps of a password for one mechanism: enough to know it again, not enough to use it."""

    salt: Annotated[bytes, Meta(min_length=8)]
    iterations: Annotated[int, Meta(ge=FEWEST_ITERATIONS, le=1_000_000)]
    stored_key: Annotated[bytes, Meta(min_length=32, max_length=64)]
    server_key: Annotated[bytes, Meta(min_length=32, max_length=64)]


class Scope(NamedTuple):
    """What a token may, in topics whose names begin like this; `admin` may all that the others may."""

    permit: Permit
    prefix: str

    def allows(self, permit: Permit, topic: str) -> bool:
        return self.permit in (permit, "admin") and topic.startswith(self.prefix)


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bearer token by its hash; `scopes` are texts as `read` or `write:sensors.`."""

    name: Annotated[str, Meta(min_length=1, max_length=MOST_NAME)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[Annotated[str, Meta(pattern="^(read|write|admin)(:.+)?$")], ...]
    expires: Annotated[datetime, Meta(tz=True)] | None = None

    def granted(self) -> tuple[Scope, ...]:
        """The scopes as values."""
        return tuple(_scope(text) for text in self.scopes)


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user. Who has no verifier cannot log in by password, who has no token not by token."""

    scram_sha_256: ScramVerifier | None = msgspec.field(default=None, name="scram-sha-256")
    scram_sha_512: ScramVerifier | None = msgspec.field(default=None, name="scram-sha-512")
    tokens: tuple[Token, ...] = ()

    def verifier(self, mechanism: Mechanism) -> ScramVerifier | None:
        return self.scram_sha_256 if mechanism == "SCRAM-SHA-256" else self.scram_sha_512


class Users(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """All users by name. A change gives a new value."""

    users: dict[str, User] = {}

    @cached_property
    def usual_iterations(self) -> Mapping[Mechanism, int]:
        """The number of iterations that most verifiers of a mechanism have; nothing where there are none."""
        made = ((each, user.verifier(each)) for user in self.users.values() for each in HASHES)
        times = Counter((each, verifier.iterations) for each, verifier in made if verifier is not None)
        return dict(reversed([pair for pair, _ in times.most_common()]))  # the last of a key counts

    def find(self, name: str) -> User | None:
        return self.users.get(name)

    def with_user(self, name: str, user: User) -> "Users":
        """Add a user, or replace him. Raises ConfigError for a name that cannot be one."""
        _check_name(name)
        return Users(users={**self.users, name: user})

    def without_user(self, name: str) -> "Users":
        """Raises ConfigError where there is no such user."""
        self.get(name)
        return Users(users={key: user for key, user in self.users.items() if key != name})

    def get(self, name: str) -> User:
        """Raises ConfigError where there is no such user."""
        user = self.users.get(name)
        if user is None:
            raise ConfigError(f"there is no user {name!r}")
        return user


NOBODY = Users()


def verifier_of(password: str, mechanism: Mechanism, *, salt: bytes, iterations: int) -> ScramVerifier:
    """What is kept of a password (RFC 5802, section 3). Takes milliseconds, on purpose."""
    name = HASHES[mechanism]
    salted = hashlib.pbkdf2_hmac(name, password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", name)
    return ScramVerifier(
        salt=salt,
        iterations=iterations,
        stored_key=hashlib.new(name, client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", name),
    )


def loads(text: str) -> Users:
    """The users of a file. Raises ConfigError naming the key and what is wrong with it, never what it holds."""
    try:
        users = msgspec.convert(tomllib.loads(text), Users, builtin_types=(datetime,))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"it is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `")
        raise ConfigError(f"{place.removeprefix('$.').rstrip('`') or 'the file'}: {reason}") from error
    seen: dict[str, str] = {}
    for name, user in users.users.items():
        _check_name(name)
        for token in user.tokens:
            if token.sha256 in seen:
                raise ConfigError(f"users.{name}: token {token.name!r} is {seen[token.sha256]} once more")
            seen[token.sha256] = f"token {token.name!r} of {name}"
    return users


def dumps(users: Users) -> str:
    """The text of a users file."""
    return "\n".join(line for name, user in users.users.items() for line in _lines(name, user))


def _lines(name: str, user: User) -> Iterator[str]:
    path = f"users.{_key(name)}"
    yield f"[{path}]"
    for mechanism in HASHES:
        verifier = user.verifier(mechanism)
        if verifier is not None:
            yield f"[{path}.{mechanism.lower()}]"
            yield f'salt = "{b64encode(verifier.salt).decode()}"'
            yield f"iterations = {verifier.iterations}"
            yield f'stored_key = "{b64encode(verifier.stored_key).decode()}"'
            yield f'server_key = "{b64encode(verifier.server_key).decode()}"'
    for token in user.tokens:
        yield f"[[{path}.tokens]]"
        yield f"name = {_text(token.name)}"
        yield f'sha256 = "{token.sha256}"'
        yield f"scopes = [{', '.join(map(_text, token.scopes))}]"
        if token.expires is not None:
            yield f"expires = {token.expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    yield ""


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML: it knows all escapes of JSON's, and wants one more character escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _scope(text: str) -> Scope:
    permit, _, prefix = text.partition(":")
    return Scope(cast("Permit", permit), prefix)


def _check_name(name: str) -> None:
    """Control characters would break the lines of file and log, `*` is everybody, ANONYMOUS whoever is not asked."""
    if not 0 < len(name) <= MOST_NAME or not name.isprintable() or name in ("*", "ANONYMOUS"):
        raise ConfigError(f"a user's name has 1 to {MOST_NAME} printable characters and is not *, got {name[:300]!r}")
