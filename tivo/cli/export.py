"""`tivo export`: a window of a topic as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tivo.cli.http import answer, complete_topic, gateway
from tivo.cli.options import to_stderr, token_option, url_option
from tivo.cli.showing import events_text, key_option, where_option
from tivo.cli.topics import json_option
from tivo.client.exported import ExportPage, event_of, page_of
from tivo.client.exporting import Asked, Format, Part, folder_of, format_of, growing
from tivo.client.timeline_counts import TimelineCounts
from tivo.model.errors import NeighbourError, RequestError
from tivo.model.timeline import to_rfc_3339

PAGE = 10_000
"""Events asked for at a time: as many as the gateway gives."""
BUCKETS = 2_000


@click.command("export")
@click.argument("topic", shell_complete=complete_topic)
@click.option("--start", default="", metavar="TIME", help="RFC 3339, now, an offset from it such as -3d; default: all.")
@click.option("--end", default="", metavar="TIME", help="The same; the event at it is left out.")
@key_option
@where_option
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="File to write: .ndjson or .jsonl, .csv, or .parquet.",
)
@click.option("--force", is_flag=True, help="Replace the file where it is there.")
@url_option
@token_option
@json_option
def command(*, file: Path, force: bool, url: str, token: str | None, as_json: bool, **asked_for: Any) -> None:
    """Write the stored events of TOPIC in a window (start ≤ time < end) to a file.

    What is there already lies in FILE.tivo-part until the file is whole: after a kill or an outage the same command
    goes on with it.

    \b
    tivo export quakes --start -1d --end now -o day.ndjson
    tivo export quakes --start -1h --key 'ci*' --where 'value.mag > 4' -o strong.csv
    tivo export orders --start 2026-03-01 --end 2026-04-01 -o march.parquet
    """
    how, asked = format_of(file), _asked(**asked_for)
    if file.exists() and not force and not Part(file, how, asked).is_placed:
        raise RequestError(f"{file} is there already: name another, or replace it with --force")
    with gateway(url, token) as client, growing(file, how, asked) as part:
        resumed = part.has_begun
        _told_what_is_kept(file, part, lambda: _read(client, part))
        size = part.finish()
    _tell(file, how, part, {"bytes": size, "resumed": resumed}, as_json=as_json)


def _asked(*, keys: tuple[str, ...], where: str | None, **window: str) -> Asked:
    return Asked(keys=keys, where=where or "", **window)


def _told_what_is_kept(file: Path, part: Part, read: Callable[[], None]) -> None:
    """Read, and say how to go on where that is broken off."""
    try:
        read()
    except (KeyboardInterrupt, NeighbourError, httpx.TransportError):
        if part.has_begun:
            kept = f"{events_text(part.progress.events)} of it lie in {folder_of(file)}"
            to_stderr(f"{kept}; the same command goes on from there")
        raise


def _read(client: httpx.Client, part: Part) -> None:
    """All pages that are not there yet."""
    if part.progress.is_read:
        return
    asked = part.progress.asked
    first = {"start": asked.start, "end": asked.end, "key": [*asked.keys], "where": asked.where, "limit": PAGE}
    address = f"/v1/topics/{asked.topic}/records"
    with _bar() as bar:
        counts = _counts(client, asked)
        task = bar.add_task(asked.topic, total=counts.total)
        while not part.progress.is_read:
            following = part.progress.next
            page = _page(client.get(following) if following else client.get(address, params=_given(first)))
            part.append(page.events, page.next, page.complete_to_us)
            newest_us = event_of(page.events[-1]).time_us if page.events else 0
            bar.update(task, completed=max(part.progress.events, counts.before(newest_us)))


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value}


def _page(response: httpx.Response) -> ExportPage:
    if not response.is_success:
        answer(response)
    try:
        return page_of(response.content)
    except msgspec.DecodeError as error:
        raise NeighbourError(f"the gateway answered with what is no page of events: {error}") from error


def _counts(client: httpx.Client, asked: Asked) -> TimelineCounts:
    window = _given({"start": asked.start, "end": asked.end, "buckets": BUCKETS})
    told = answer(client.get(f"/v1/topics/{asked.topic}/overview", params=window))
    return TimelineCounts(told["start_us"], told["width_us"], told["counts"])


def _bar() -> Progress:
    """On a terminal; nothing where the messages go elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _tell(file: Path, how: Format, part: Part, more: dict[str, Any], *, as_json: bool) -> None:
    done = part.progress
    if as_json:
        summary = {"file": str(file), "format": how.name, "topic": done.asked.topic, "events": done.events}
        click.echo(orjson.dumps(summary | more | {"complete_to_us": done.complete_to_us}))
        return
    complete_to_us = done.complete_to_us
    complete = "" if complete_to_us is None else f"; the store was complete up to {to_rfc_3339(complete_to_us)}"
    to_stderr(f"exported {events_text(done.events)} to {file} ({more['bytes']:,} bytes){complete}")
