"""Events on standard output, one JSON object a line; what a person should know on standard error."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click
import msgspec

from tivo.cli.http import no_gateway
from tivo.cli.options import to_stderr
from tivo.client.viewer import Connection, Viewer
from tivo.client.viewer_session import RESUME, Notice, ShownEvent
from tivo.model.errors import RequestError
from tivo.model.timeline import SECOND_US

T = TypeVar("T")

FIRST_ANSWER_S = 3.0
"""A gateway that has not answered once by then is not there; one that is lost later is waited for."""
GREETING_US = 10 * SECOND_US
"""A window that ends at `now` ends a little later than the gateway's greeting."""


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


class Absences:
    """Topics that are not there: no news for who waits for the live events, a mistake where the window is over.

    `mistake` says so once it is known to be one.
    """

    def __init__(self) -> None:
        self._told: list[str] = []
        self._now_us = 0
        self.mistake: str | None = None

    def hear(self, notice: Notice) -> bool:
        """Whether a notice is about them: they are told between the greeting and the answer to the first command."""
        if notice["type"] == "hello":
            self._now_us = notice["now_us"]
        elif notice["type"] == "error" and notice["code"] == "unknown_topic" and notice.get("id") is None:
            self._told.append(notice["message"])
            return True
        elif notice["type"] == "ack" and self._told:
            self._judge((notice.get("state") or {}).get("end_us"))
        return False

    def _judge(self, end_us: int | None) -> None:
        told, self._told = self._told, []
        if end_us is not None and end_us <= self._now_us + GREETING_US:
            self.mistake = "; ".join(told)
        else:
            for each in told:
                to_stderr(f"tivo: {each}; its events come once it is made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched: topics at a gateway, from the live edge on where `tail`, else by `controls`."""

    url: str
    topics: Sequence[str]
    token: str | None = None
    controls: Mapping[str, Any] = field(default_factory=dict)
    tail: bool = False
    raw: bool = False
    first_answer_s: float = FIRST_ANSWER_S


def show(watched: Watched, *, count: int | None) -> None:
    """Print events, of a window or from the live edge on, until it ends, `count` have come, or Ctrl-C.

    Raises NeighbourError where no gateway answers in the beginning.
    """
    with suppress(BrokenPipeError):
        try:
            shown = asyncio.run(watch(watched, lambda viewer: _print(viewer, count)))
        except* BrokenPipeError:
            # The reader of the pipe has what it wanted. Python would flush into it once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            if not watched.tail:
                to_stderr(f"played {events_text(shown)}")


async def watch(watched: Watched, use: Callable[[Viewer], Awaitable[T]]) -> T:
    """Let the events of a viewer be used; what a person should know is told meanwhile.

    Raises NeighbourError where no gateway answers in the beginning, RequestError where a window is over and there
    is no such topic.
    """
    outages, absences = Outages(watched.url), Absences()

    def heard(notice: Notice) -> None:
        if not absences.hear(notice):
            tell_of_loss(notice)
        if absences.mistake is not None:
            viewer.close()

    hears: dict[str, Any] = {"on_notice": heard, "on_connection": outages.hear}
    how: dict[str, Any] = {"token": watched.token, "autoplay": not watched.tail, "raw": watched.raw}
    viewer = Viewer(watched.url, *watched.topics, **how, **hears, **{"max_rate": 0} | dict(watched.controls))
    async with viewer:
        await _connected(viewer, outages, watched.first_answer_s)
        if watched.tail:
            await viewer.tail()
        used = await use(viewer)
    if absences.mistake is not None:
        raise RequestError(absences.mistake)
    return used


def events_text(count: int) -> str:
    """So many events, in words."""
    return f"{count:,} event{'s' if count != 1 else ''}"


async def _connected(viewer: Viewer, outages: Outages, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await viewer.connected()
    except TimeoutError:
        raise no_gateway(outages.url, outages.reason) from None
    outages.was_there = True


async def _print(viewer: Viewer, count: int | None) -> int:
    out = sys.stdout.buffer
    shown = 0
    async for event in first(viewer, count):
        out.write(msgspec.json.encode(event) + b"\n")
        out.flush()
        shown += 1
    return shown


async def first(events: AsyncIterator[ShownEvent], count: int | None) -> AsyncIterator[ShownEvent]:
    """So many events at most."""
    left = count
    async for event in events:
        yield event
        if left is not None:
            left -= 1
            if left == 0:
                return


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
where_option = click.option(
    "--where", metavar="EXPRESSION", help="Only events of which this holds, such as 'value.temp > 30'."
)


def filter_of(keys: tuple[str, ...], where: str | None) -> dict[str, Any]:
    """The control that these options ask for; none where they are not given."""
    asked: dict[str, Any] = {"key": list(keys)} if keys else {}
    if where:
        asked["where"] = where
    return {"filter": asked} if asked else {}
