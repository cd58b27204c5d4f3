"""`tivo log`: dump, verify and repair the log on disk."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem

from tivo import service
from tivo.cli.options import data_options, load_settings, to_stderr
from tivo.cli.topics import json_option
from tivo.model.errors import LogError, TivoError


def _complete_place(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Topics of the data directory that begin so, and directories."""
    try:
        settings = load_settings(context.params.get("config_file"), data=context.params.get("data"))
        topics = service.topics_on_disk(settings)
    except TivoError:
        topics = []
    found = [CompletionItem(topic) for topic in topics if topic.startswith(incomplete)]
    return [*found, CompletionItem(incomplete, type="dir")]


def _place(command: Callable[..., Any]) -> Callable[..., Any]:
    argument = click.argument("place", metavar="[DIR|TOPIC]", required=False, shell_complete=_complete_place)
    return argument(data_options(command))


@click.group("log")
def command() -> None:
    """Dump, verify and repair the log on disk, while no broker runs on it.

    DIR is a data directory, or the directory of one partition in it or copied from it; TOPIC (or TOPIC/PARTITION)
    lies in the data directory that the settings name. Without either it is all of that directory.
    """


@command.command("dump")
@_place
@click.option("--records", "as_records", is_flag=True, help="Show records, not batches.")
@click.option("--from", "from_offset", type=click.IntRange(0), default=0, metavar="OFFSET", help="Begin here.")
@click.option("-n", "--count", type=click.IntRange(1), metavar="N", help="Stop after so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def dump(
    *, place: str | None, as_records: bool, from_offset: int, count: int | None, as_json: bool, **where: Any
) -> None:
    """Print what stands in a log, batch by batch; what is damaged too, where it lies.

    \b
    tivo log dump quakes/0 --records --from 1000 -n 10
    tivo log dump ./tivo-data/log/quakes-0 --json | jq .producer_id
    """
    found = service.dump_log(load_settings(**where), place, from_offset=from_offset, as_records=as_records)
    for facts in islice(found, count):
        click.echo(msgspec.json.encode(facts) if as_json else str(facts))


@command.command("verify")
@_place
@json_option
def verify(*, place: str | None, as_json: bool, **where: Any) -> None:
    """Check every byte of a log: batches against their CRC, indexes and metas against the batches.

    Changes nothing. Exit code 1 where something is damaged that is not set aside yet.
    """
    bad = []
    for verdict in service.verify_log(load_settings(**where), place):
        if not verdict.is_good:
            bad.append(verdict.place.name)
        if as_json:
            click.echo(msgspec.json.encode(_told(verdict)))
        else:
            _show(verdict)
    if bad:
        raise LogError(f"damaged: {', '.join(bad)}; `tivo log repair` puts right what can be")


@command.command("repair")
@_place
@json_option
def repair(*, place: str | None, as_json: bool, **where: Any) -> None:
    """Put a damaged log right, as a start of the broker would, and keep a copy of what is cut off.

    Indexes are built anew, a damaged end is cut off, other damage is set aside: no good record goes.
    Exit code 1 where something cannot be put right.
    """
    bad, count = [], 0
    for repaired in service.repair_log(load_settings(**where), place):
        count += 1
        if not repaired.after.is_good:
            bad.append(repaired.after.place.name)
        if as_json:
            told = {"before": _told(repaired.before), "after": _told(repaired.after)}
            click.echo(msgspec.json.encode(told | {"copies": [str(copy) for copy in repaired.copies]}))
            continue
        click.echo(f"{repaired.before.place.name} was damaged:")
        for trouble in repaired.before.troubles:
            click.echo(f"  {trouble}")
        for copy in repaired.copies:
            click.echo(f"  cut off, and kept: {copy}")
        _show(repaired.after)
    if not count:
        to_stderr("nothing is damaged, nothing was changed")
    if bad:
        raise LogError(f"still damaged: {', '.join(bad)}; restore from a backup what is missing")


def _show(verdict: Any) -> None:
    state = "good" if verdict.is_good else "DAMAGED"
    click.echo(
        f"{verdict.place.name}: {state}, {verdict.records:,} records in {verdict.segments} segments, "
        f"offsets {verdict.log_start} to below {verdict.log_end}"
    )
    for trouble in verdict.troubles:
        click.echo(f"  {trouble}")


def _told(verdict: Any) -> dict[str, Any]:
    return {"good": verdict.is_good, **msgspec.to_builtins(verdict, enc_hook=str)}
