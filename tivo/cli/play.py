"""`tivo play`: a window of the past, at any speed."""

from typing import Any

import click

from tivo.cli.executing import exec_option, play_through
from tivo.cli.http import complete_topic
from tivo.cli.options import token_option, url_option
from tivo.cli.replaying import play_into, target_of, target_options
from tivo.cli.showing import Watched, count_option, filter_of, key_option, show, where_option


@click.command("play")
@click.argument("topics", nargs=-1, required=True, shell_complete=complete_topic)
@url_option
@token_option
@click.option("--start", metavar="TIME", help="RFC 3339, now, an offset from it such as -3d, or a number since 1970.")
@click.option("--end", metavar="TIME", help="The same; the event at it is left out. Without it the live events follow.")
@click.option("--speed", metavar="X", help="Event seconds per second, or unlimited; default 1.")
@click.option("--fit", metavar="SPAN", help="Choose the speed that fits the window into so long, such as 1m.")
@click.option("--loop", metavar="N|true", help="Play the window so often, or for ever.")
@click.option("--max-gap", type=float, metavar="SECONDS", help="Cut longer silences to this.")
@click.option("--max-rate", type=float, metavar="N", help="Show at most so many events a second, evenly thinned.")
@key_option
@where_option
@count_option
@exec_option
@target_options
def command(
    *, topics: tuple[str, ...], url: str, token: str | None, count: int | None, run: str | None, **given: Any
) -> None:
    """Play a window of TOPICS (names or globs, merged under one clock), one JSON object a line.

    With --to-topic each event is written to another topic when it is due, with its key, value and headers, and
    with headers that tell where it comes from. With --exec the lines go to the input of one process of a command,
    and tivo ends with its exit code.

    \b
    tivo play quakes --start -1h --end now --fit 1m   # the last hour in a minute
    tivo play quakes --start -1d --end -23h --speed unlimited > hour.ndjson
    tivo play quakes --start -1d --end now --speed unlimited --where 'value.mag >= 5'
    tivo play orders payments --start 2016-01-15T14:32:24Z --end 2016-01-15T14:33:24Z
    tivo play orders --start -1h --end now --speed unlimited --exec 'wc -l'
    tivo play orders --start -1h --end now --speed 10 --loop true --to-topic orders-load
    """
    into = {name: given.pop(name) for name in ("keep_time", "kafka__bootstrap", "config_file")}
    target = target_of(given.pop("to_topic"), topics, **into)
    watched = Watched(url=url, topics=topics, token=token, controls=_controls(**given))
    if target is not None and run is not None:
        raise click.UsageError("--exec and --to-topic do not go together")
    if target is not None:
        play_into(watched, target, count=count)
    elif run is not None:
        play_through(watched, run, count=count)
    else:
        show(watched, count=count)


def _controls(*, keys: tuple[str, ...], where: str | None, **given: str | float | None) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None} | filter_of(keys, where)
