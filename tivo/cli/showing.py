"""Events on standard output, one JSON object a line; what a person should know on standard error."""

import asyncio
import os
import sys
from contextlib import suppress
from typing import Any

import click
import msgspec

from tivo.cli.http import no_gateway
from tivo.cli.options import to_stderr
from tivo.client.viewer import Connection, Viewer
from tivo.client.viewer_session import RESUME, Notice

FIRST_ANSWER_S = 3.0
"""A gateway that has not answered once by then is not there; one that is lost later is waited for."""


class Outages:
    """Says that the gateway is away and that it is back, once it has been there at all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.was_there = False
        self.reason = "it says nothing"

    def hear(self, news: Connection) -> None:
        """What the viewer says of its connection."""
        self.reason = news.reason or "it closed"
        if not self.was_there:
            return
        if news.became == "back":
            to_stderr(f"tivo: the gateway at {self.url} is back")
        else:
            to_stderr(f"tivo: the gateway at {self.url} is away ({self.reason}); trying again until it is back")


def show(
    url: str,
    *topics: str,
    token: str | None,
    controls: dict[str, Any],
    count: int | None,
    tail: bool = False,
    first_answer_s: float = FIRST_ANSWER_S,
) -> None:
    """Print events, of a window or from the live edge on, until it ends, `count` have come, or Ctrl-C.

    Raises NeighbourError where no gateway answers in the beginning.
    """
    outages = Outages(url)
    hears: dict[str, Any] = {"on_notice": tell_of_loss, "on_connection": outages.hear}
    viewer = Viewer(url, *topics, token=token, autoplay=not tail, **hears, **{"max_rate": 0} | controls)

    async def shown() -> None:
        async with viewer:
            await _connected(viewer, outages, first_answer_s)
            if tail:
                await viewer.tail()
            await _print(viewer, count)

    with suppress(BrokenPipeError):
        try:
            asyncio.run(shown())
        except* BrokenPipeError:
            # The reader of the pipe has what it wanted. Python would flush into it once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _connected(viewer: Viewer, outages: Outages, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await viewer.connected()
    except TimeoutError:
        raise no_gateway(outages.url, outages.reason) from None
    outages.was_there = True


async def _print(viewer: Viewer, count: int | None) -> None:
    out = sys.stdout.buffer
    shown = 0
    async for event in viewer:
        out.write(msgspec.json.encode(event) + b"\n")
        out.flush()
        shown += 1
        if shown == count:
            break


def tell_of_loss(notice: Notice) -> None:
    """Say aloud what should have been shown and cannot be, and what went wrong that nobody asked for."""
    if notice["type"] == "gap":
        place = f"{notice['topic']}/{notice['partition']}"
        offsets = f"{notice['from_offset']} to {notice['to_offset']}"
        to_stderr(f"tivo: {place}: offsets {offsets} are missing ({notice['reason']})")
    elif notice["type"] == "error" and notice.get("id") in (None, RESUME):
        to_stderr(f"tivo: {notice['message']}")


count_option = click.option("-n", "--count", type=click.IntRange(1), metavar="N", help="Stop after so many events.")
key_option = click.option(
    "--key", "keys", multiple=True, metavar="GLOB", help="Only events with such a key; repeatable."
)
