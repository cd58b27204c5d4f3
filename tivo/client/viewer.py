"""The viewer for Python: plays any window of topics, and goes on into the live events.

    async with Viewer("http://127.0.0.1:8080", "quakes", start="-24h", fit=60, autoplay=True) as viewer:
        async for event in viewer:
            print(event.time_us, event.key, event.value)

Its words are those of the playback protocol and of `tivo.js`. After a lost connection it goes on
right behind the last event received. A slow reader makes the gateway wait; nothing is lost.
"""

import asyncio
import random
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from tivo.client.address import checked_url, socket_address
from tivo.client.viewer_session import LAST_REFUSAL, RESUME, Frame, Notice, ShownEvent, State, ViewerSession
from tivo.model.errors import CommandError, GatewayError, TivoError

PROTOCOL = "tivo.v1.json"
DEFAULT_CONTROLS: Mapping[str, object] = {"max_rate": 1_000}

ACK_FRAMES = 64
ACK_S = 0.25
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 10.0
HELD_EVENTS = 16_384
"""Events that may wait for a slow reader; beyond it the connection is let go, and resumed when half are read."""

LOST = 1006
"""The close code that stands for a connection that ended without one (RFC 6455 §7.4.1)."""

Time: TypeAlias = str | int | float
"""RFC 3339, an offset such as `-3d`, or a number since 1970, its unit told by its size."""


class Connection(NamedTuple):
    """News of a viewer's connection: nobody answered, it was lost, it is back; and why, where that is known."""

    became: Literal["unanswered", "lost", "back"]
    reason: str = ""


class Waits(NamedTuple):
    """How a viewer waits: for so many seconds, and (0 ≤ draw < 1) how much of a wait it takes off at random."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    draw: Callable[[], float] = random.random


REAL_WAITS = Waits()


class Asked(NamedTuple):
    """A command that is not answered yet."""

    command: dict[str, object]
    answer: asyncio.Future[Notice]
    told: int


class Held(NamedTuple):
    """Events of a frame that wait for the reader, and the connection and number that they came under."""

    socket: ClientConnection
    n: int
    events: deque[ShownEvent]


class Viewer:
    """One playback: an async context manager, which connects by itself, and an async iterator of events.

    `controls` are those of the protocol: `start`, `end`, `speed`, `fit`, `loop`, `filter` and so on. It is
    paused at the beginning of its topics unless `autoplay`. Iteration ends with the window; after
    another `play` it can begin again. With `raw` every value comes as `{"base64": …}`, or None.
    `on_notice` hears everything that the gateway says, and `on_connection` that the connection is away and
    is tried for again, once each time, and that it is back.

    A command gives the state it led to and raises CommandError where the gateway refuses it; while
    the connection is away it waits. Where the gateway refuses the viewer itself, commands and
    iteration raise GatewayError. Raises RequestError for what is no address of a gateway.
    """

    def __init__(  # noqa: PLR0913  each is a word of its own
        self,
        url: str,
        *topics: str,
        token: str | None = None,
        autoplay: bool = False,
        raw: bool = False,
        on_notice: Callable[[Notice], object] = lambda _: None,
        on_connection: Callable[[Connection], object] = lambda _: None,
        waits: Waits = REAL_WAITS,
        **controls: object,
    ) -> None:
        self._url = checked_url(url)
        self._token = token
        self._raw = raw
        self._on_notice = on_notice
        self._on_connection = on_connection
        self._away = False
        self._waits = waits
        self._opening = ("play" if autoplay else "set", {**DEFAULT_CONTROLS, **controls})
        self._session = ViewerSession(topics)
        self._asked: dict[str, Asked] = {}
        self._asks = 0
        self._socket: ClientConnection | None = None
        self._frames: deque[Held] = deque()
        self._held = 0
        self._newest = self._acked = 0
        self._attempt = 0
        self._retry_s = 0.0
        self._refused = self._let_go = False
        self._closed = False
        self._failure: BaseException | None = None
        self._more, self._room, self._wanted = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._answered = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._connecting: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Where the session stands, as the gateway last said."""
        return self._session.state

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        opening = self._note_command(*self._opening)
        opening.answer.add_done_callback(self._opened)
        self._connecting = self._tasks.create_task(self._stay_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, Exception):  # of the caller, to be raised as it is and not in a group
            kind = error = trace = None
        await self._tasks.__aexit__(kind, error, trace)

    def close(self) -> None:
        """Let go of the connection, for good. What has come can still be read."""
        self._finish(None)

    async def connected(self) -> None:
        """Wait until a gateway has answered for the first time, or the viewer is closed."""
        await self._answered.wait()

    async def play(self, **controls: object) -> State:
        """Run, from where it stands or by new controls; at the end it starts again."""
        return await self._state_after("play", controls)

    async def pause(self) -> State:
        """Hold the position."""
        return await self._state_after("pause", {})

    async def seek(self, pos: Time) -> State:
        """Move to a time, or relative to the position (`+10s`, `-1m`)."""
        return await self._state_after("seek", {"pos": pos})

    async def step(self, n: int = 1, by: Literal["event", "batch"] = "event") -> State:
        """While paused: so many events, or instants, on or back."""
        return await self._state_after("step", {"n": n, "by": by})

    async def tail(self, *, delay_ms: int = 0) -> State:
        """Go to the live edge and follow it, at a distance where one is given."""
        return await self._state_after("tail", {"delay_ms": delay_ms} if delay_ms else {})

    async def set(self, **controls: object) -> State:
        """Change controls without changing whether it runs."""
        return await self._state_after("set", controls)

    async def subscribe(self, *topics: str) -> State:
        """Add topics, by name or glob, at the present position."""
        return await self._state_after("subscribe", {"topics": topics})

    async def unsubscribe(self, *topics: str) -> State:
        """Take away topics or globs, as they were subscribed."""
        return await self._state_after("unsubscribe", {"topics": topics})

    async def overview(self, **window: object) -> Notice:
        """Event counts per topic and bucket, of the window given (`start`, `end`, `buckets`) or else the session's."""
        overview: Notice = (await self._ask("overview", window))["result"]
        return overview

    async def topics(self) -> list[Notice]:
        """The topics of the session, with their first and last times."""
        topics: list[Notice] = (await self._ask("topics", {}))["result"]["topics"]
        return topics

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ShownEvent:
        while not self._frames:
            if self._failure is not None:
                raise self._failure
            if self._closed or self.state.status == "ended":
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        events = self._frames[0].events
        event = events.popleft()
        self._held -= 1
        if self._held <= HELD_EVENTS // 2:
            self._room.set()
        if not events:
            self._frames.popleft()
            await self._return_credit(at_least=ACK_FRAMES)
        return event

    async def _state_after(self, action: str, fields: Mapping[str, object]) -> State:
        await self._ask(action, fields)
        return self.state

    async def _ask(self, action: str, fields: Mapping[str, object]) -> Notice:
        """The ack of a command."""
        if self._closed:
            raise self._failure or _closed()
        asked = self._note_command(action, fields)
        self._wanted.set()
        if self._socket is not None:
            await _say(self._socket, asked.command)
        return await asked.answer

    def _note_command(self, action: str, fields: Mapping[str, object]) -> Asked:
        self._asks += 1
        command = {"action": action, "id": str(self._asks), **fields}
        answer: asyncio.Future[Notice] = asyncio.get_running_loop().create_future()
        asked = self._asked[str(self._asks)] = Asked(command, answer, self._session.told)
        return asked

    def _opened(self, answer: asyncio.Future[Notice]) -> None:
        """The first controls are nobody's command: where they are refused, so is the viewer."""
        if error := answer.exception():
            self._finish(error)

    async def _stay_connected(self) -> None:
        """One connection after the other, until the viewer is closed or refused."""
        became: Literal["unanswered", "lost"]
        while not self._closed:
            try:
                async with connect(self._address(), subprotocols=self._subprotocols(), max_size=None) as socket:
                    self._answered.set()
                    await self._converse(socket)
                code, reason, became = socket.close_code or LOST, socket.close_reason or "", "lost"
            except InvalidStatus as error:
                code, reason = 4400 if error.response.status_code < 500 else LOST, str(error)
                became = "unanswered"
            except (OSError, InvalidHandshake) as error:
                code, reason, became = LOST, str(error), "unanswered"
            await self._heed_close(code, Connection(became, reason))

    def _address(self) -> str:
        return socket_address(self._url, self._session.topics, raw=self._raw)

    def _subprotocols(self) -> list[Subprotocol]:
        """A token travels here, as it does from a browser; it is never echoed."""
        bearer = () if self._token is None else (urlsafe_b64encode(self._token.encode()).decode().rstrip("="),)
        return [Subprotocol(PROTOCOL), *(Subprotocol(f"tivo.bearer.{token}") for token in bearer)]

    async def _heed_close(self, code: int, why: Connection) -> None:
        """Wait for what a close asks for, or finish where it is final."""
        if self._let_go:
            while self._held > HELD_EVENTS // 2:
                self._room.clear()
                await self._room.wait()
        elif self._refused:
            return  # what was asked behind it waits for the place to be found, on another connection
        elif code == 1000:
            self._finish(None)
        elif _is_final(code, why.reason):
            self._finish(GatewayError(f"the gateway closed with {code} {why.reason}".rstrip()))
        elif code == 4408 and not self._asked:
            self._wanted.clear()
            await self._wanted.wait()
        else:
            self._tell_connection(why)
            await self._wait_before_retry()

    async def _wait_before_retry(self) -> None:
        """Longer each time that nothing was answered."""
        longest_s = min(FIRST_RETRY_S * 2**self._attempt, LAST_RETRY_S)
        self._attempt = min(self._attempt + 1, 16)
        wait_s, self._retry_s = max(longest_s * (1 - self._waits.draw() / 2), self._retry_s), 0.0
        await self._waits.sleep(wait_s)

    def _tell_connection(self, news: Connection) -> None:
        """Once for each outage, however often it is tried; and once when that is over."""
        is_away = news.became != "back"
        if is_away != self._away:
            self._away = is_away
            self._on_connection(news)

    async def _converse(self, socket: ClientConnection) -> None:
        """Say where to go on, then hear notices until the connection ends or the reader is too far behind."""
        self._newest = self._acked = 0
        self._refused = self._let_go = False
        for command in self._session.resume():
            await _say(socket, command)
        said: set[str] = set()
        while unsaid := self._asked.keys() - said:  # more may be asked meanwhile
            for each in sorted(unsaid, key=int):
                await _say(socket, self._asked[each].command)
            said |= unsaid
        self._socket = socket
        credit = self._tasks.create_task(self._return_credit_often())
        try:
            while self._held <= HELD_EVENTS and not self._refused:
                self._hear(msgspec.json.decode(await socket.recv()), socket)
            self._let_go = self._held > HELD_EVENTS
        except ConnectionClosed:
            pass
        except (msgspec.MsgspecError, KeyError) as error:
            self._finish(GatewayError(f"the gateway said what is not in {PROTOCOL}: {error!r}"))
        finally:
            self._socket = None
            credit.cancel()

    def _hear(self, notice: Notice, socket: ClientConnection) -> None:
        if notice["type"] != "bye":
            self._retry_s = (notice.get("retry_ms") or 0) / 1_000
        match notice["type"]:
            case "events":
                self._take(msgspec.convert(notice, Frame), socket)
            case "error":
                self._refuse(notice)
            case _:
                self._session.hear(notice)
        if notice["type"] == "ack":
            self._answer(notice)
        self._more.set()
        self._on_notice(notice)

    def _take(self, frame: Frame, socket: ClientConnection) -> None:
        self._newest = frame.n
        events = self._session.take(frame)
        if events:
            self._frames.append(Held(socket, frame.n, deque(events)))
            self._held += len(events)

    def _answer(self, ack: Notice) -> None:
        self._attempt = 0
        self._tell_connection(Connection("back"))
        if ack.get("id") == RESUME:
            self._session.refused = 0
        asked = self._asked.pop(ack.get("id") or "", None)
        if asked is not None:
            self._session.keep(asked.command)
            # An answer may wait behind that of an earlier question: a state told meanwhile is newer.
            if asked.told == self._session.told and ack.get("state"):
                self._session.become(ack["state"])
            if not asked.answer.done():
                asked.answer.set_result(ack)

    def _refuse(self, notice: Notice) -> None:
        code, message = notice["code"], notice["message"]
        if notice.get("id") == RESUME:
            self._refused = True
            self._session.refused += 1
        if notice.get("fatal") or self._session.refused == LAST_REFUSAL:
            self._finish(GatewayError(f"{code}: {message}"))
            return
        asked = self._asked.pop(notice.get("id") or "", None)
        if asked is not None and not asked.answer.done():
            asked.answer.set_exception(CommandError(message, code=code, field=notice.get("field")))

    async def _return_credit_often(self) -> None:
        while True:
            await self._waits.sleep(ACK_S)
            await self._return_credit(at_least=1)

    async def _return_credit(self, *, at_least: int) -> None:
        """Tell the gateway which frames the reader has taken, where these are at least so many."""
        waiting = (frame.n for frame in self._frames if frame.socket is self._socket)
        taken = next(waiting, self._newest + 1) - 1
        if self._socket is not None and taken - self._acked >= at_least:
            self._acked = taken
            await _say(self._socket, {"action": "ack", "n": taken})

    def _finish(self, failure: BaseException | None) -> None:
        if self._closed:
            return
        self._closed, self._failure = True, failure
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(failure or _closed())
        self._asked.clear()
        self._more.set()
        self._answered.set()
        if self._connecting is not None:
            self._connecting.cancel()


def _closed() -> TivoError:
    return GatewayError("the viewer is closed")


def _is_final(code: int, reason: str) -> bool:
    slow = code == 1008 and reason.startswith("slow")
    return not slow and (code in {1008, 1009} or 4400 <= code < 4500) and code != 4408


async def _say(socket: ClientConnection, command: Mapping[str, Any]) -> None:
    """A command that is lost with the connection is said again after the next resume."""
    with suppress(ConnectionClosed):
        await socket.send(msgspec.json.encode(command).decode())
