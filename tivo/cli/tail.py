"""`tivo tail`: the newest events as they come."""

import click

from tivo.cli.http import complete_topic
from tivo.cli.options import token_option, url_option
from tivo.cli.showing import Watched, count_option, filter_of, key_option, show, where_option


@click.command("tail")
@click.argument("topics", nargs=-1, required=True, shell_complete=complete_topic)
@url_option
@token_option
@key_option
@where_option
@count_option
def command(
    *,
    topics: tuple[str, ...],
    url: str,
    token: str | None,
    keys: tuple[str, ...],
    where: str | None,
    count: int | None,
) -> None:
    """Follow the newest events of TOPICS (names or globs), one JSON object a line, until Ctrl-C.

    \b
    tivo tail quakes
    tivo tail 'metrics.*' --key 'host-1*' | jq .value
    tivo tail quakes --where 'value.mag >= 5 or value.felt'
    """
    watched = Watched(url=url, topics=topics, token=token, controls=filter_of(keys, where), tail=True)
    show(watched, count=count)
