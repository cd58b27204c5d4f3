"""`tivo up`: everything on this machine."""

import asyncio
import sys
from pathlib import Path
from shlex import quote

import click

from tivo import service
from tivo.cli.options import load_settings, process_options, to_stderr
from tivo.up import Plan, Supervisor, make_plan


@click.command("up")
@process_options
@click.option(
    "--port", "gateway__port", type=int, metavar="N", help="Port of HTTP, WebSocket and console; 0 takes a free one."
)
@click.option(
    "--kafka-port", "kafka__port", type=int, metavar="N", help="Port of the embedded broker; 0 takes a free one."
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one JSON object with addresses, process ids and private ports here, once all is ready.",
)
@click.option("--demo", is_flag=True, help="Produce something to look at as well.")
def command(*, config_file: Path | None, ready_file: Path | None, demo: bool, **flags: object) -> None:
    """Start broker, agent and gateway on this machine, and keep them running.

    Waits until each is ready, starts one again that dies, stops all on Ctrl-C. With the setting
    kafka.bootstrap (or TIVO_KAFKA_BOOTSTRAP) it runs beside that Kafka cluster and starts no broker.
    """
    settings = load_settings(config_file, **flags)
    with service.lock(settings.data_dir):
        plan = make_plan(settings, demo=demo, ready_file=ready_file)
        click.echo(
            f"tivo: starting {', '.join(child.name for child in plan.children)} on {settings.data_dir}", err=True
        )
        supervisor = Supervisor(plan, tell=lambda line: to_stderr(f"tivo: {line}"), steady_us=service.steady_us)
        asyncio.run(supervisor.run(lambda: click.echo(_welcome(plan, demo=demo))))


def _welcome(plan: Plan, *, demo: bool) -> str:
    """One address, and three lines to copy into any other terminal."""
    topic = "greetings"
    records = f"{plan.url}/v1/topics/{topic}/records"
    kafka = plan.settings.bootstrap.split(",")[0]
    shown = f"{plan.url}/?topic=quakes" if demo else plan.url
    asks = plan.settings.gateway.auth == "tokens"
    bearer = ' -H "authorization: Bearer $TIVO_TOKEN"' if asks else ""
    return f"""
  tivo is ready:  {shown}

  produce with curl   curl {records} -H content-type:application/json{bearer} -d '{{"hello": "world"}}'
  produce with kcat   echo '{{"hello": "kafka"}}' | kcat -b {kafka} -t {topic} -P
  play                {_tivo()} play {topic} --url {plan.url} --max-gap 1

  Ctrl-C stops it.
"""


def _tivo() -> str:
    """The command that runs here, as a shell finds it from anywhere: it may be on no PATH."""
    beside = Path(sys.executable).with_name("tivo")
    return quote(str(beside)) if beside.exists() else f"{quote(sys.executable)} -m tivo"
