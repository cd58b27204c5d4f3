"""`tivo agent`: one Faust worker."""

import os
import sys
from pathlib import Path

import click

from tivo import config, service
from tivo.cli.options import bootstrap_option, load_settings, private_port_option, process_options, store_option


@click.command("agent")
@process_options
@bootstrap_option
@store_option
@private_port_option
def command(*, config_file: Path | None, **flags: object) -> None:
    """Run one agent: it takes every topic's events, page by page, into the store.

    Agents of one group share the partitions; start more where one core is not enough.
    """
    settings = load_settings(config_file, **flags)
    service.make_directory(settings.data_dir)
    environment = {key: value for key, value in os.environ.items() if not config.is_setting(key)}
    environment |= config.to_environment(settings)
    # The Faust app is a program of its own, in its own package: it takes this process over.
    os.execve(sys.executable, [sys.executable, "-m", "streams"], environment)  # noqa: S606 (a fixed command)
