"""`tivo topics`: list, make, describe and delete."""

import sys
from collections.abc import Callable
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from tivo.cli.http import answer, complete_topic, gateway
from tivo.cli.options import to_stderr, token_option, url_option
from tivo.model.timeline import to_rfc_3339

MAX_PARTITIONS = 1_000
"""As many as the gateway makes."""
PIPE_WIDTH = 400
"""Columns of a table that goes to no terminal, so that nothing is cut."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def _topic(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("topic", shell_complete=complete_topic)(command)


@click.group("topics", invoke_without_command=True)
@url_option
@token_option
@json_option
@click.pass_context
def command(context: click.Context, *, url: str, token: str | None, as_json: bool) -> None:
    """List, make, describe and delete topics. Alone it lists them."""
    if context.invoked_subcommand is None:
        with gateway(url, token) as client:
            _show(answer(client.get("/v1/topics"))["topics"], as_json=as_json)


@command.command("create")
@_topic
@click.option("--partitions", type=click.IntRange(1, MAX_PARTITIONS), default=1, show_default=True, help="How many.")
@url_option
@token_option
def create(*, topic: str, url: str, token: str | None, partitions: int) -> None:
    """Make a topic."""
    with gateway(url, token) as client:
        answer(client.post("/v1/topics", json={"name": topic, "partitions": partitions}))
    click.echo(f"made topic {topic} with {partitions} partition{'s' if partitions > 1 else ''}")


@command.command("describe")
@_topic
@json_option
@url_option
@token_option
def describe(*, topic: str, url: str, token: str | None, as_json: bool) -> None:
    """Show one topic."""
    with gateway(url, token) as client:
        found = answer(client.get(f"/v1/topics/{topic}"))
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    for name, value in found.items():
        shown = to_rfc_3339(value) if name.endswith("_us") and isinstance(value, int) else value
        click.echo(f"{name.removesuffix('_us'):<12} {shown}")


@command.command("delete")
@_topic
@click.option("--yes", is_flag=True, help="Do not ask.")
@url_option
@token_option
def delete(*, topic: str, url: str, token: str | None, yes: bool) -> None:
    """Delete a topic and all its events, for good."""
    if not yes and not click.confirm(f"Delete topic {topic} and all its events, for good?"):
        to_stderr("nothing deleted")
        sys.exit(1)
    with gateway(url, token) as client:
        answer(client.delete(f"/v1/topics/{topic}", params={"confirm": topic}))
    click.echo(f"deleted topic {topic}")


def _show(topics: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(topics))
        return
    if not topics:
        click.echo("no topics yet; make one with `tivo topics create NAME`, or just produce to it")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("topic", no_wrap=True)
    for heading in ("events", "per second", "first", "last"):
        table.add_column(heading, justify="right", no_wrap=True)
    for topic in topics:
        times = (
            to_rfc_3339(topic[name])[:19] + "Z" if topic[name] is not None else "–" for name in ("first_us", "last_us")
        )
        table.add_row(topic["name"], f"{topic['events']:,}", f"{topic['rate']:.1f}", *times)
    print_table(table)


def print_table(table: Table) -> None:
    """Fitted to the terminal; whole where it goes to none."""
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)
