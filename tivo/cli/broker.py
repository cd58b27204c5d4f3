"""`tivo broker`: the embedded broker alone."""

from pathlib import Path

import click

from tivo import service
from tivo.cli.options import load_settings, private_port_option, process_options, to_stderr


@click.command("broker")
@process_options
@click.option(
    "--kafka-host", "kafka__host", metavar="ADDRESS", help="Address; beyond loopback it needs a login or --insecure."
)
@click.option("--kafka-port", "kafka__port", type=int, metavar="N", help="Port for Kafka clients; 0 takes a free one.")
@click.option(
    "--flush",
    "log__flush",
    type=click.Choice(["always", "interval", "os"]),
    help="When an append reaches the disk; default always.",
)
@click.option(
    "--insecure",
    "kafka__insecure",
    is_flag=True,
    default=None,
    help="Bind beyond loopback although nothing asks who may.",
)
@private_port_option
def command(*, config_file: Path | None, **flags: object) -> None:
    """Run the embedded broker alone: durable, and spoken to by any Kafka client.

    An append is on disk before it is acknowledged, unless --flush says otherwise.
    """
    service.run_broker(load_settings(config_file, **flags), tell=to_stderr)
