"""`tivo play`: a window of the past, at any speed."""

from typing import Any

import click

from tivo.cli.http import complete_topic
from tivo.cli.options import token_option, url_option
from tivo.cli.showing import count_option, key_option, show


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
@count_option
def command(
    *,
    topics: tuple[str, ...],
    url: str,
    token: str | None,
    keys: tuple[str, ...],
    count: int | None,
    **given: str | float | None,
) -> None:
    """Play a window of TOPICS (names or globs, merged under one clock), one JSON object a line.

    \b
    tivo play quakes --start -1h --end now --fit 1m   # the last hour in a minute
    tivo play quakes --start -1d --end -23h --speed unlimited > hour.ndjson
    tivo play orders payments --start 2016-01-15T14:32:24Z --end 2016-01-15T14:33:24Z
    """
    controls: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if keys:
        controls["filter"] = {"key": list(keys)}
    show(url, *topics, token=token, controls=controls, count=count)
