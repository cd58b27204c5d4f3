"""Options that several commands share."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tivo import config
from tivo.client.address import checked_url
from tivo.model.errors import ConfigError, RequestError

Command = TypeVar("Command", bound=Callable[..., Any])

_PR_SET_PDEATHSIG = 1


def _url(context: click.Context, _option: click.Parameter, given: str | None) -> str:
    """The gateway's address: the option's, before or behind a sub-command, the environment's, or the settings'."""
    if given is not None:
        return _named_url("--url", given)
    if before := _before(context, "url"):
        return before
    if variable := os.environ.get(config.URL_VARIABLE):
        return _named_url(config.URL_VARIABLE, variable)
    settings = config.load()
    if settings.gateway.port == 0:
        raise RequestError("gateway.port is 0, which takes a free port: name the gateway with --url or TIVO_URL")
    return settings.url


def _named_url(name: str, url: str) -> str:
    try:
        return checked_url(url)
    except RequestError as error:
        raise RequestError(f"{name}: {error}") from error


def _before(context: click.Context, name: str) -> str | None:
    """What the command before a sub-command was given."""
    return None if context.parent is None else context.parent.params.get(name)


url_option = click.option(
    "--url",
    callback=_url,
    metavar="URL",
    help="The gateway to talk to; default: the variable TIVO_URL, or else gateway.host and gateway.port.",
)


def _token(context: click.Context, _option: click.Parameter, file: Path | None) -> str | None:
    """The token of the file named, or else of the environment: never out of the command line, which others see."""
    if file is None:
        return _before(context, "token") or os.environ.get(config.TOKEN_VARIABLE) or None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the token file {file} cannot be read: {error}") from error


token_option = click.option(
    "--token-file",
    "token",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_token,
    metavar="FILE",
    help="File that holds the token which the gateway asks for; default: the variable TIVO_TOKEN.",
)

bootstrap_option = click.option(
    "--bootstrap", "kafka__bootstrap", metavar="HOST:PORT", help="Kafka cluster to use; default: the embedded broker."
)
store_option = click.option(
    "--store", "store__url", metavar="URL", help="Store to use; default: SQLite in the data directory."
)
config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="FILE",
    help="Settings file; default: tivo.toml here, where it stands.",
)
private_port_option = click.option(
    "--private-port", type=int, metavar="N", help="Loopback port for /livez, /readyz and /metrics."
)


def data_options(command: Command) -> Command:
    """Where the data lies: its directory, or the settings file that names it."""
    data = click.option("--data", type=click.Path(file_okay=False), metavar="DIR", help="Directory of log and store.")
    return config_option(data(command))


def process_options(command: Command) -> Command:
    """What every process of tivo takes: its data directory, a settings file, and whom to stop with."""
    stop_with = click.option("--stop-with", type=int, hidden=True, callback=_stop_with, expose_value=False)
    return stop_with(data_options(command))


def load_settings(config_file: Path | None, **flags: object) -> config.Settings:
    """Settings with these flags on top; an option's name has `__` for the dot of its setting's key."""
    return config.load(file=config_file, flags={name.replace("__", "."): value for name, value in flags.items()})


def to_stderr(line: str) -> None:
    """Tell the person who watches, apart from what the command gives."""
    click.echo(line, err=True)


def _stop_with(_context: click.Context, _option: click.Parameter, pid: int | None) -> None:
    """Ask the kernel to stop this process when its starter dies, however it dies."""
    if pid is None or sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != pid:  # it died before it could be watched
        sys.exit(1)
