"""One WebSocket, `tivo.v1`: commands in, notices out, a player between. A raw ASGI application.

What a script ought to see (no token, no seat left, a gateway that stops) accepts the socket first and
then closes it with a `bye` and a code: a refused upgrade tells a script nothing.

Topics that a viewer may not read are not there for it: globs pass them over, `topics` does not list
them, and to subscribe to one is refused as if it did not exist.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from functools import partial
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from tivo import version
from tivo.gateway.doors import Clock
from tivo.gateway.outbox import CROWDED_BYTES, Outbox
from tivo.gateway.player import CLOSING_SECONDS, Player
from tivo.gateway.problems import Problem
from tivo.gateway.scheduler import Scheduler
from tivo.gateway.sessions import Sessions, client_of
from tivo.gateway.socket_protocol import DirectSocket
from tivo.gateway.sources import Sources
from tivo.gateway.stay import Stay, nobody, stay_of
from tivo.metrics import GATEWAY_CLOSED, GATEWAY_SESSIONS
from tivo.model.errors import BrokerError, CommandError
from tivo.playback import encoding, protocol
from tivo.playback.commands import Subscribe
from tivo.playback.effects import Close
from tivo.playback.facts import Catalogue, TopicsChanged
from tivo.playback.notices import Bye, Failed
from tivo.playback.session import Session
from tivo.playback.topics import is_glob
from tivo.playback.values import MOST_TOPICS, names
from tivo.query.evaluate import compile_expression

SUBPROTOCOL = "tivo.v1.json"
GOING_AWAY, POLICY, INTERNAL, TRY_LATER = 1001, 1008, 1011, 1013
UNAUTHORIZED, FORBIDDEN = 4401, 4403
GONE = 1005
STOPPING = Bye(code=GOING_AWAY, reason="the gateway is shutting down")
ALL_CLOSED_SECONDS = 1
LOOK_SECONDS = 0.5
MAX_REASON_BYTES = 123
"""RFC 6455 §5.5: a control frame holds 125 bytes, two of them the code."""
SERVER = f"tivo {version()}"

_CLOSE_CODES = {401: UNAUTHORIZED, 403: FORBIDDEN}

log = logging.getLogger(__name__)


def routes(sockets: ASGIApp) -> list[BaseRoute]:
    """`/ws` and `/ws/{topic}`; a socket anywhere else is refused, a plain request here is told to upgrade."""
    return [
        WebSocketRoute("/ws", sockets),
        WebSocketRoute("/ws/{topic}", sockets),
        WebSocketRoute("/{path:path}", _Nowhere()),
        Route("/ws", _upgrade),
        Route("/ws/{topic}", _upgrade),
    ]


class Sockets:
    """All sockets of the gateway."""

    def __init__(self, *, sources: Sources, scheduler: Scheduler, sessions: Sessions, now: Clock) -> None:
        self._sources = sources
        self._scheduler = scheduler
        self._sessions = sessions
        self._now = now
        self._topics: Catalogue | None = None
        self._players: dict[Player, Stay] = {}
        self._open = 0
        self._stopping = False
        self._all_closed = asyncio.Event()

    def topics_changed(self, topics: Catalogue) -> None:
        """Tell every session which topics there are now."""
        self._topics = topics
        for player, stay in list(self._players.items()):
            player.receive(TopicsChanged(stay.readable(topics)))

    async def close(self) -> None:
        """The gateway stops: every viewer is told, and looks for another one. Takes a second at most."""
        self._stopping = True
        for player in list(self._players):
            player.leave(STOPPING)
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ALL_CLOSED_SECONDS):
                    await self._all_closed.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._open += 1
        try:
            await receive()
            offered = SUBPROTOCOL in scope["subprotocols"]
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None})
            socket: DirectSocket = scope["state"]["socket"]
            await _close(socket, send, await self._served(scope, receive, socket))
        finally:
            self._open -= 1
            if not self._open:
                self._all_closed.set()

    async def _served(self, scope: Scope, receive: Receive, socket: DirectSocket) -> Close:
        """What the socket closes with, once it is over."""
        try:
            with self._sessions.seat(client_of(scope)), GATEWAY_SESSIONS.track_inprogress():
                return await self._play(scope, receive, socket)
        except Problem as error:
            bye, before = _farewell(error)
            for notice in (*before, bye):
                socket.write(encoding.encode(notice))
            return Close(bye.code, error.code)
        except CommandError as error:
            failed = Failed(code=error.code, field=error.field, message=str(error), fatal=True)
            for notice in (failed, Bye(code=POLICY, reason=str(error))):
                socket.write(encoding.encode(notice))
            return Close(POLICY, error.code)
        except Exception:
            log.exception("a session failed")
            socket.write(encoding.encode(Bye(code=INTERNAL, reason="the gateway failed")))
            return Close(INTERNAL, "internal")

    async def _play(self, scope: Scope, receive: Receive, socket: DirectSocket) -> Close:
        raw, globs = _asked(scope)
        stay = stay_of(scope)
        for name in globs:
            if not is_glob(name):
                stay.require("read", name)
        await self._look_again()
        if self._topics is None:  # a viewer that resumes now would find none of its topics, and begin them anew
            raise Problem(503, "log_unavailable", "the log was not reached yet; try again in a moment")
        known = self._topics
        session = Session(
            sid=uuid4().hex,
            server=SERVER,
            topics=globs,
            catalogue=stay.readable(known),
            limits=self._sessions.limits(),
            compile_where=compile_expression,
        )
        player = Player(
            session,
            sources=self._sources,
            scheduler=self._scheduler,
            now=self._now,
            encode=partial(encoding.encode, raw=raw),
            make_outbox=lambda player: Outbox(socket, on_full=player.on_full, on_drained=player.on_drained),
        )
        stay.on_change = lambda: self._stay_changed(player, stay)
        try:
            closing = await player.run(lambda: self._commands(player, stay, receive, known))
        finally:
            stay.on_change = nobody
            self._players.pop(player, None)
        if closing.code != GONE:
            await _empty(player.outbox)
        return closing

    def _stay_changed(self, player: Player, stay: Stay) -> None:
        """The viewer's token is worth nothing any more, or reaches to other topics than before."""
        if stay.ended is not None:
            bye, before = _farewell(stay.ended)
            player.leave(bye, *before, reason=stay.ended.code)
        elif self._topics is not None:
            player.receive(TopicsChanged(stay.readable(self._topics)))

    async def _commands(self, player: Player, stay: Stay, receive: Receive, known: Catalogue) -> None:
        """Bring the viewer's commands to its player, until it leaves."""
        self._players[player] = stay
        if self._stopping:
            player.leave(STOPPING)
        if stay.ended is not None:
            self._stay_changed(player, stay)
        if self._topics is not None and self._topics is not known:
            player.receive(TopicsChanged(stay.readable(self._topics)))
        while (message := await receive())["type"] == "websocket.receive":
            command = protocol.decode(message.get("text") or message.get("bytes") or "")
            if isinstance(command, Subscribe):
                await self._look_again()
            player.receive(command)
            await player.outbox.below(CROWDED_BYTES)
            await asyncio.sleep(0)  # thousands of commands fit into one packet, and others have deadlines
        player.close(GONE, "the viewer has left")

    async def _look_again(self) -> None:
        """A topic that was made a moment ago is there for whoever asks for it now. The log being away delays nobody."""
        with contextlib.suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                topics = await self._sources.catalogue.topics(fresh=True)
                if topics != self._topics:
                    self.topics_changed(topics)


def _asked(scope: Scope) -> tuple[bool, tuple[str, ...]]:
    """Whether values are wanted raw, and the topics or globs in path and query. Raises CommandError."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    named = [scope.get("path_params", {}).get("topic", "")]
    named += ",".join(query.get("topics", [])).split(",")
    globs = list(dict.fromkeys(name.strip() for name in named if name.strip()))
    return query.get("raw", ["0"])[-1] == "1", names(globs, "topics", most=MOST_TOPICS, code="bad_glob", least=0)


def _farewell(error: Problem) -> tuple[Bye, Sequence[Failed]]:
    """What a viewer is told that is not let in, or not any more: `bye`, and what comes before it."""
    code = _CLOSE_CODES.get(error.status, TRY_LATER)
    bye = Bye(code=code, reason=str(error))
    return bye, [Failed(code=error.code, message=str(error), fatal=True)] if code != TRY_LATER else []


async def _empty(outbox: Outbox) -> None:
    """Let out what waits, as far as it goes within a second."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS):
            await outbox.below(0)


async def _close(socket: DirectSocket, send: Send, closing: Close) -> None:
    """Close the socket, unless the viewer has. One that takes nothing any more is cut off."""
    GATEWAY_CLOSED.labels(str(closing.code)).inc()
    if closing.code == GONE:
        return
    socket.cut_off_after(CLOSING_SECONDS)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS):
            reason = closing.reason.encode()[:MAX_REASON_BYTES].decode("utf-8", "ignore")
            await send({"type": "websocket.close", "code": closing.code, "reason": reason})


class _Nowhere:
    """Refuses a socket at an address that has none."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})


async def _upgrade(request: Request) -> Response:
    raise Problem(426, "upgrade_required", f"{request.url.path} is a WebSocket", headers={"Upgrade": "websocket"})
