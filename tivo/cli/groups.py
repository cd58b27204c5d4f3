"""`tivo groups`: list, describe, reset and delete, through the Kafka protocol alone."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import click
import msgspec
from rich.table import Table

from tivo import service
from tivo.cli.options import bootstrap_option, config_option, load_settings, to_stderr
from tivo.cli.topics import json_option, print_table
from tivo.client.access import Access
from tivo.client.group_offsets import Move, Standing, target
from tivo.client.groups import GroupDescription, GroupInfo, Groups
from tivo.model.errors import TivoError
from tivo.model.timeline import SECOND_US

COMPLETION_S = 2.0

T = TypeVar("T")


def _complete_group(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of groups that begin so; none where no broker answers."""
    given = context.find_root().params | (context.parent.params if context.parent else {}) | context.params
    where = {name: given.get(name) for name in ("config_file", "kafka__bootstrap")}
    try:
        groups = asyncio.run(asyncio.wait_for(_listed(_access(**where)), COMPLETION_S))
    except (TivoError, TimeoutError):
        return []
    return [group.name for group in groups if group.name.startswith(incomplete)]


def _group(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("group", shell_complete=_complete_group)(command)


@click.group("groups", invoke_without_command=True)
@config_option
@bootstrap_option
@json_option
@click.pass_context
def command(context: click.Context, /, *, as_json: bool, **where: Any) -> None:
    """List, describe, reset and delete consumer groups of a Kafka cluster. Alone it lists them.

    \b
    tivo groups describe billing
    tivo groups reset billing --to -1h --execute
    tivo groups --bootstrap kafka-1:9092 --json
    """
    context.obj = _access(**where)
    if context.invoked_subcommand is None:
        groups = asyncio.run(_listed(context.obj))
        if as_json:
            click.echo(msgspec.json.encode(groups))
        else:
            _show_groups(groups)


@command.command("describe")
@_group
@json_option
@click.pass_obj
def describe(access: Access, /, *, group: str, as_json: bool) -> None:
    """Show a group's members, and how far it has come: lag in records, and in seconds where times are known."""
    found = _asked(access, lambda groups: groups.describe(group))
    if as_json:
        click.echo(msgspec.json.encode(_described(found)))
    else:
        _show_description(found)


@command.command("reset")
@_group
@click.option(
    "--to",
    metavar="WHERE",
    help="earliest, latest, an offset, or a time: RFC 3339, or an offset from now such as -3d.",
)
@click.option("--by", type=int, metavar="N", help="So many records on; back, where it is negative.")
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="TOPIC[/PARTITION]",
    help="Only there; repeatable. Default: all that the group has committed.",
)
@click.option("--execute", "--yes", "execute", is_flag=True, help="Do it. Without this it is only shown.")
@json_option
@click.pass_obj
def reset(
    access: Access, /, *, group: str, topics: tuple[str, ...], execute: bool, as_json: bool, **where: Any
) -> None:
    """Let a group without members go on elsewhere. Shows what would change; --execute does it."""
    goal = target(where["to"], where["by"], now_us=service.wall_us())

    async def moved(groups: Groups) -> list[Move]:
        planned = await groups.plan(group, goal, topics)
        if execute:
            await groups.commit(group, planned)
        return planned

    planned = _asked(access, moved)
    if as_json:
        click.echo(msgspec.json.encode([_moved(move) for move in planned]))
    else:
        _show_moves(planned)
    if not execute:
        to_stderr("nothing is changed yet: --execute does it")


@command.command("delete")
@_group
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(access: Access, /, *, group: str, yes: bool) -> None:
    """Delete a group without members, with all its committed offsets, for good."""
    if not yes:
        click.confirm(f"Delete group {group} and all its committed offsets, for good?", abort=True)
    _asked(access, lambda groups: groups.delete(group))
    click.echo(f"deleted group {group}")


def _access(**where: Any) -> Access:
    return service.kafka_access(load_settings(**where))


def _asked(access: Access, ask: Callable[[Groups], Coroutine[Any, Any, T]]) -> T:
    async def asking() -> T:
        async with Groups(access, service.now) as groups:
            return await ask(groups)

    return asyncio.run(asking())


async def _listed(access: Access) -> list[GroupInfo]:
    async with Groups(access, service.now) as groups:
        return await groups.listed()


# ---------------------------------------------------------------- what is shown


def _show_groups(groups: Sequence[GroupInfo]) -> None:
    if not groups:
        click.echo("no groups yet")
        return
    table = _table("group", "state", "type")
    for group in groups:
        table.add_row(group.name, group.state or "–", group.protocol_type or "–")
    print_table(table)


def _show_description(found: GroupDescription) -> None:
    protocol = f", {found.protocol}" if found.protocol else ""
    click.echo(f"{found.name}: {found.state}{protocol}, coordinated by broker {found.coordinator}")
    if found.members:
        members = _table("member", "client", "host", "partitions")
        for member in found.members:
            members.add_row(member.id, member.client_id, member.host, " ".join(map(str, member.partitions)) or "–")
        print_table(members)
    standings = _table("partition", right=("committed", "end", "lag", "seconds behind"))
    for each in found.standings:
        numbers = (each.committed, each.end, each.lag, _seconds(each))
        standings.add_row(str(each.spot), *("–" if number is None else f"{number:,}" for number in numbers))
    print_table(standings)


def _show_moves(moves: Sequence[Move]) -> None:
    table = _table("partition", right=("from", "to"))
    for move in moves:
        table.add_row(str(move.spot), "–" if move.before is None else f"{move.before:,}", f"{move.after:,}")
    print_table(table)


def _table(*left: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _seconds(standing: Standing) -> float | None:
    return None if standing.behind_us is None else round(standing.behind_us / SECOND_US, 3)


def _described(found: GroupDescription) -> dict[str, Any]:
    members = [msgspec.to_builtins(member) | {"partitions": [*map(str, member.partitions)]} for member in found.members]
    standings = [
        {
            "topic": each.spot.topic,
            "partition": each.spot.partition,
            "committed": each.committed,
            "start": each.start,
            "end": each.end,
            "lag": each.lag,
            "behind_us": each.behind_us,
            "member": each.member,
        }
        for each in found.standings
    ]
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told | {"members": members, "standings": standings}


def _moved(move: Move) -> dict[str, Any]:
    return {"topic": move.spot.topic, "partition": move.spot.partition, "from": move.before, "to": move.after}
