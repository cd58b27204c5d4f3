"""What `tivo play --exec` does: events that are played become lines of another command's input."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress

import click
import msgspec

from tivo.cli.options import to_stderr
from tivo.cli.showing import Watched, events_text, first, watch
from tivo.client.viewer_session import ShownEvent

STOP_S = 5.0
"""How long a command may take to end that gets no more events, where tivo is stopped."""
_KILLED = 128
"""What a shell adds to a signal's number for the exit code of whoever it ended."""

exec_option = click.option("--exec", "run", metavar="COMMAND", help="Give each event to this command's input instead.")


def play_through(watched: Watched, run: str, *, count: int | None) -> None:
    """Give what is played to a command, a line an event, and end with its exit code.

    It is one process for all events. When it ends or hears no more so does the playback; when the playback ends its
    input is closed, and it is waited for.
    """
    code = asyncio.run(watch(watched, lambda viewer: _through(viewer, run, count)))
    if code:
        sys.exit(_KILLED - code if code < 0 else code)


async def _through(events: AsyncIterator[ShownEvent], run: str, count: int | None) -> int:
    process = await _started(run)
    given = _Given()
    try:
        async with asyncio.TaskGroup() as tasks:
            ended = tasks.create_task(process.wait())
            giving = tasks.create_task(given.give(events, process, count))
            await asyncio.wait([ended, giving], return_when=asyncio.FIRST_COMPLETED)
            giving.cancel()
            _close_input(process)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    finally:
        await _end(process)
        to_stderr(f"gave {events_text(given.count)} to {run!r}")
    return ended.result()


async def _started(run: str) -> Process:
    """In a session of its own: Ctrl-C ends its input, and what its shell began can be ended with it."""
    return await asyncio.create_subprocess_exec("/bin/sh", "-c", run, stdin=PIPE, start_new_session=True)


class _Given:
    """How many events the command was given."""

    def __init__(self) -> None:
        self.count = 0

    async def give(self, events: AsyncIterator[ShownEvent], process: Process, count: int | None) -> None:
        assert process.stdin is not None, "it was started with one"
        with suppress(BrokenPipeError, ConnectionResetError):  # it hears no more, its exit code tells why
            async for event in first(events, count):
                process.stdin.write(msgspec.json.encode(event) + b"\n")
                await process.stdin.drain()
                self.count += 1


def _close_input(process: Process) -> None:
    assert process.stdin is not None, "it was started with one"
    process.stdin.close()


async def _end(process: Process, stop_s: float = STOP_S) -> None:
    """Where the playback was broken off, the command ends too, by itself or not, with all that its shell began."""
    _close_input(process)
    try:
        async with asyncio.timeout(stop_s):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
