"""`tivo gateway`: HTTP, WebSocket and console."""

from pathlib import Path

import click

from tivo import service
from tivo.cli.options import (
    bootstrap_option,
    load_settings,
    private_port_option,
    process_options,
    store_option,
    to_stderr,
)


@click.command("gateway")
@process_options
@click.option(
    "--host", "gateway__host", metavar="ADDRESS", help="Address; beyond loopback it needs gateway.auth or --insecure."
)
@click.option("--port", "gateway__port", type=int, metavar="N", help="Port; 0 takes a free one.")
@bootstrap_option
@store_option
@private_port_option
@click.option(
    "--insecure",
    "gateway__insecure",
    is_flag=True,
    default=None,
    help="Bind beyond loopback although nothing asks who may.",
)
def command(*, config_file: Path | None, **flags: object) -> None:
    """Run one gateway. Gateways share nothing: run as many as there are viewers for."""
    service.run_gateway(load_settings(config_file, **flags), tell=to_stderr)
