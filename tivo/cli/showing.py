"""Events on standard output, one JSON object a line; what a person should know on standard error."""

import asyncio
import os
import sys
from contextlib import suppress

import click
import msgspec

from tivo.cli.options import to_stderr
from tivo.client.viewer import Viewer
from tivo.client.viewer_session import RESUME, Notice


def show(viewer: Viewer, *, count: int | None = None, tail: bool = False) -> None:
    """Print a viewer's events until its playback ends, `count` have come, or Ctrl-C."""
    with suppress(BrokenPipeError):
        try:
            asyncio.run(_show(viewer, count=count, tail=tail))
        except* BrokenPipeError:
            # The reader of the pipe has what it wanted. Python would flush into it once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _show(viewer: Viewer, *, count: int | None, tail: bool) -> None:
    out = sys.stdout.buffer
    async with viewer:
        if tail:
            await viewer.tail()
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
