"""`tivo users`: who may log in, and with which tokens."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from typing import Any

import click
import msgspec

from tivo import service, users_file
from tivo.auth.scram import ITERATIONS, SALT_BYTES
from tivo.auth.tokens import digest
from tivo.auth.users import NOBODY, Mechanism, Token, User, Users, verifier_of
from tivo.cli.options import data_options, load_settings, to_stderr
from tivo.cli.topics import json_option
from tivo.config import checked_duration_us
from tivo.model.errors import ConfigError
from tivo.model.timeline import to_rfc_3339

TOKEN_PREFIX = "tivo_"  # noqa: S105 - what every token begins with, so that scanners for secrets find it
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class UsersPlace:
    """The users file that a command is about."""

    path: Path

    def read(self) -> Users:
        """Nobody where there is no file yet."""
        return users_file.read_if_there(self.path)

    def change(self, changed: Callable[[Users], Users]) -> Users:
        """Gives the users that were there before."""
        return users_file.change(self.path, changed)


@click.group("users", invoke_without_command=True)
@data_options
@json_option
@click.pass_context
def command(context: click.Context, /, *, as_json: bool, **where: Any) -> None:
    """List, add and remove users of the broker and the gateway, and their tokens. Alone it lists them.

    The users file holds no password and no token, only what is needed to know them again. Running
    processes read it again within a second.
    """
    place = UsersPlace(load_settings(**where).users_path)
    context.obj = place
    if context.invoked_subcommand is None:
        _show(place.read(), as_json=as_json)


@command.command("list")
@json_option
@click.pass_obj
def list_users(place: UsersPlace, /, *, as_json: bool) -> None:
    """List users, how they can log in, and their tokens."""
    _show(place.read(), as_json=as_json)


@command.command("add")
@click.argument("name")
@click.option(
    "--no-password", is_flag=True, help="Without one: he comes by tokens alone, which only the gateway takes."
)
@click.pass_obj
def add(place: UsersPlace, /, *, name: str, no_password: bool) -> None:
    """Add a user with a password, or change the password of one who is there.

    The password is asked for, or read from standard input where that is no terminal.
    """
    NOBODY.with_user(name, User())  # a name that cannot be one is told before anybody types
    password = None if no_password else _asked_password()
    before = place.change(lambda users: users.with_user(name, _with_password(users.find(name) or User(), password)))
    click.echo(_done(name, before.find(name), no_password=no_password))


@command.command("remove")
@click.argument("name")
@click.pass_obj
def remove(place: UsersPlace, /, *, name: str) -> None:
    """Remove a user with all his tokens. Connections that he has open stay until they close."""
    place.change(lambda users: users.without_user(name))
    click.echo(f"removed {name}")


@command.group("token")
def token() -> None:
    """Give tokens to users, and take them away."""


@token.command("add")
@click.argument("name")
@click.option("--label", required=True, help="What this token is for, such as a machine's name.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="WHAT[:PREFIX]",
    help="read, write or admin, in topics whose names begin so; without a prefix in all. Give it as often as needed.",
)
@click.option("--expires", metavar="DURATION", help="When it stops to count, such as 90d; default: never.")
@click.pass_obj
def token_add(place: UsersPlace, /, *, name: str, label: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a token for a user, and print it. It is shown this once and kept nowhere.

    \b
    tivo users token add ada --label laptop --scope read --scope write:sensors. --expires 90d
    """
    secret = TOKEN_PREFIX + token_urlsafe(TOKEN_BYTES)
    made = _token(label, secret, scopes, expires)

    def changed(users: Users) -> Users:
        user = users.find(name)
        if user is None:
            raise ConfigError(
                f"there is no user {name!r}; `tivo users add {name}` adds one (with --no-password: for tokens alone)"
            )
        if any(each.name == label for each in user.tokens):
            raise ConfigError(f"{name} has a token {label!r} already")
        return users.with_user(name, msgspec.structs.replace(user, tokens=(*user.tokens, made)))

    place.change(changed)
    click.echo(secret)
    to_stderr(f"this is token {label!r} of {name}; it is not shown again")


@token.command("remove")
@click.argument("name")
@click.argument("label")
@click.pass_obj
def token_remove(place: UsersPlace, /, *, name: str, label: str) -> None:
    """Take a token away from a user."""

    def changed(users: Users) -> Users:
        user = users.get(name)
        kept = tuple(each for each in user.tokens if each.name != label)
        if kept == user.tokens:
            raise ConfigError(f"{name} has no token {label!r}")
        return users.with_user(name, msgspec.structs.replace(user, tokens=kept))

    place.change(changed)
    click.echo(f"removed token {label!r} of {name}")


def _done(name: str, before: User | None, *, no_password: bool) -> str:
    if before is None:
        return f"added {name}"
    if not no_password:
        return f"changed the password of {name}"
    return f"took away the password of {name}" if _has_password(before) else f"{name} has no password as it is"


def _has_password(user: User) -> bool:
    return bool(user.scram_sha_256 or user.scram_sha_512)


def _asked_password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ConfigError("a password is not empty: type it, or give it as the first line of standard input")
    return password


def _with_password(user: User, password: str | None) -> User:
    def made(mechanism: Mechanism) -> Any:
        if password is None:
            return None
        return verifier_of(password, mechanism, salt=token_bytes(SALT_BYTES), iterations=ITERATIONS)

    return msgspec.structs.replace(user, scram_sha_256=made("SCRAM-SHA-256"), scram_sha_512=made("SCRAM-SHA-512"))


def _token(label: str, secret: str, scopes: tuple[str, ...], expires: str | None) -> Token:
    for text in (label, *scopes):
        if not text.isprintable():
            raise ConfigError(f"labels and prefixes are printable, got {text!r}")
    until = None
    if expires is not None:
        span_us = checked_duration_us(expires, "--expires")
        now_s = service.wall_us() // 1_000_000
        until = datetime.fromtimestamp(now_s, UTC) + timedelta(microseconds=span_us)
    made = Token(name=label, sha256=digest(secret), scopes=scopes, expires=until)
    try:
        return msgspec.convert(msgspec.to_builtins(made), Token)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--scope is read, write or admin, and a colon and a prefix or nothing: {error}") from error


def _show(users: Users, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode([_told(name, user) for name, user in users.users.items()]))
        return
    if not users.users:
        click.echo("no users yet; add one with `tivo users add NAME`")
    for name, user in users.users.items():
        click.echo(f"{name}{'' if _has_password(user) else ' (without a password)'}")
        for each in user.tokens:
            click.echo(f"  token {each.name}: {', '.join(each.scopes)}{_until(each, ', until ')}")


def _told(name: str, user: User) -> dict[str, Any]:
    return {
        "name": name,
        "has_password": _has_password(user),
        "tokens": [
            {"label": each.name, "scopes": each.scopes, "expires": _until(each, "") or None} for each in user.tokens
        ],
    }


def _until(token: Token, before: str) -> str:
    if token.expires is None:
        return ""
    return before + to_rfc_3339(int(token.expires.timestamp()) * 1_000_000)
