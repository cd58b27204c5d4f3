"""`tivo demo`: something to look at."""

from pathlib import Path

import click

from tivo import config, service
from tivo.cli.options import bootstrap_option, load_settings, private_port_option, process_options, to_stderr


@click.command("demo")
@process_options
@bootstrap_option
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another day.")
@click.option("--backfill", default="1d", show_default=True, metavar="SPAN", help="How much past to fill in.")
@private_port_option
def command(*, config_file: Path | None, seed: int, backfill: str, **flags: object) -> None:
    """Produce earthquakes, a city's thermometers and web clicks: the past first, then live until Ctrl-C."""
    backfill_us = config.checked_duration_us(backfill, "--backfill")
    service.run_demo(load_settings(config_file, **flags), seed=seed, backfill_us=backfill_us, tell=to_stderr)
