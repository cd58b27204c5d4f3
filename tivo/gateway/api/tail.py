"""`GET /v1/topics/{topic}/tail`: events as server-sent events, from a cursor or a time on and then as they come.

Stored events first, below a frontier that is pinned when the stream begins; then the log, at that
frontier. The id of every event is the cursor behind it, so a stream that is cut goes on without loss.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tivo.gateway.bodies import begun
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Clock
from tivo.gateway.event_json import event_json
from tivo.gateway.parameters import bad, time_of
from tivo.gateway.passage import Offset, PartitionNumber, Passage, TimeUs, from_token, resume, to_token
from tivo.gateway.problems import Problem
from tivo.gateway.sessions import Sessions, client_of
from tivo.gateway.sources import Sources
from tivo.metrics import GATEWAY_SESSIONS
from tivo.model.errors import NeighbourError, UnknownTopic
from tivo.model.event import Event, Frontier
from tivo.model.timeline import Window
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef
from tivo.store.base import Store

PING_SECONDS = 15
PAGE = 500
MAX_BYTES = 2**20
RECONNECT_MS = 1_000

_IN_STORE, _IN_LOG = "s.", "l."


def route(sources: Sources, sessions: Sessions, now: Clock, *, ping_seconds: float = PING_SECONDS) -> Route:
    """The live stream for whatever cannot speak WebSocket."""

    async def follow(request: Request) -> Response:
        info = await sources.catalogue.find(request.path_params["topic"])
        start = request.headers.get("last-event-id") or request.query_params.get("from", "now")
        place = await _Places(info, sources.catalogue, sources.store).of(start, now_us=now().wall_us)
        client = client_of(request.scope)

        async def stream() -> AsyncGenerator[bytes, None]:
            with sessions.seat(client), GATEWAY_SESSIONS.track_inprogress():
                yield b"retry: %d\n\n" % RECONNECT_MS
                try:
                    async for piece in _stream(place, info, sources, ping_seconds):
                        yield piece
                except NeighbourError as error:  # the client comes again, with its cursor
                    yield b": %b\n\n" % str(error).replace("\n", " ").encode()

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return await begun(stream(), media_type="text/event-stream", headers=headers)

    return Route("/v1/topics/{topic}/tail", follow, methods=["GET"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a stream stands: in the store while there is a passage, then in the log at these offsets."""

    topic_id: bytes
    passage: Passage | None = None
    offsets: Frontier = field(default_factory=dict)
    start_us: int | None = None

    def token(self) -> str:
        if self.passage is not None:
            return _IN_STORE + self.passage.token()
        return _IN_LOG + to_token(_LogToken(self.topic_id, dict(self.offsets), self.start_us))

    def behind(self, event: Event) -> "_Place":
        return replace(self, offsets={**self.offsets, event.partition: event.offset + 1})


class _LogToken(msgspec.Struct, frozen=True, array_like=True):
    topic_id: bytes
    offsets: dict[PartitionNumber, Offset]
    start_us: TimeUs | None


class _Places:
    """Finds the place at which a client wants a stream to begin."""

    def __init__(self, info: TopicRef, catalogue: Catalogue, store: Store) -> None:
        self._info = info
        self._catalogue = catalogue
        self._store = store

    async def of(self, start: str, *, now_us: int) -> _Place:
        """`start` is a cursor or a time. Raises Problem 400, 409."""
        if start.startswith(_IN_STORE):
            return self._in_store(resume(start.removeprefix(_IN_STORE), self._info))
        if start.startswith(_IN_LOG):
            return await self._in_log(start.removeprefix(_IN_LOG))
        if start in {"now", "end"}:
            return _Place(topic_id=self._info.topic_id, offsets=await self._catalogue.log_ends(self._info))
        window = Window(time_of(start, "from", now_us=now_us), None)
        frontier = await self._store.frontier(self._info.topic_id)
        return self._in_store(
            Passage(topic=self._info.name, topic_id=self._info.topic_id, window=window, upto=frontier)
        )

    def _in_store(self, passage: Passage) -> _Place:
        """In the log it goes on at the passage's frontier, and no partition goes back behind where it began."""
        offsets = {p: max(passage.upto.get(p, 0), passage.above.get(p, 0)) for p in self._info.partitions}
        return _Place(topic_id=self._info.topic_id, passage=passage, offsets=offsets, start_us=passage.window.start_us)

    async def _in_log(self, token: str) -> _Place:
        """Where the log has been trimmed since, what is missing there comes out of the store."""
        read = from_token(token, _LogToken)
        if read.topic_id != self._info.topic_id:
            raise Problem(409, "topic_made_anew", f"{self._info.name!r} was deleted and made anew since this cursor")
        if read.offsets.keys() - set(self._info.partitions):
            raise bad("bad_cursor", "from", "the cursor names partitions that this topic does not have")
        starts = await self._catalogue.log_starts(self._info)
        if all(read.offsets.get(p, 0) >= start for p, start in starts.items()):
            return _Place(topic_id=read.topic_id, offsets=read.offsets, start_us=read.start_us)
        frontier = await self._store.frontier(read.topic_id)
        window = Window(read.start_us, None)
        return self._in_store(
            Passage(topic=self._info.name, topic_id=read.topic_id, window=window, upto=frontier, above=read.offsets)
        )


async def _stream(place: _Place, info: TopicRef, sources: Sources, ping_seconds: float) -> AsyncGenerator[bytes, None]:
    while place.passage is not None:
        found = await place.passage.read(sources.store, limit=PAGE)
        yield b"".join(_message(event, replace(place, passage=place.passage.behind(event))) for event in found.events)
        going_on = None if found.last else place.passage.behind(found.events[-1])
        place = replace(place, passage=going_on)
    while (current := (await sources.catalogue.topics()).get(info.name)) and current.topic_id == info.topic_id:
        info = current  # partitions that were added begin at 0
        places = [TailPlace(p, place.offsets.get(p, 0), None, PAGE) for p in info.partitions]
        try:
            async with asyncio.timeout(ping_seconds):
                answer = await sources.tail.read(info, places, max_bytes=MAX_BYTES, wait=True)
        except TimeoutError:
            yield b": ping\n\n"
            continue
        except UnknownTopic:
            break
        for read in answer.slices:
            piece, place = _told(read, place)
            yield piece
    yield b"event: gone\ndata: %b\n\n" % orjson.dumps({"topic": info.name})


def _told(read: TailSlice, place: _Place) -> tuple[bytes, _Place]:
    """What a slice of the log is to the client, and the place behind it."""
    messages = []
    offset = place.offsets.get(read.partition, 0)
    if not read.log_start <= offset <= read.log_end:
        following = read.log_start if offset < read.log_start else read.log_end
        reason = "retention" if offset < read.log_start else "truncated"
        gap = {"partition": read.partition, "from_offset": offset, "to_offset": following, "reason": reason}
        place = replace(place, offsets={**place.offsets, read.partition: following})
        return b"event: gap\nid: %b\ndata: %b\n\n" % (place.token().encode(), orjson.dumps(gap)), place
    for event in read.events:
        place = place.behind(event)
        if place.start_us is None or event.time_us >= place.start_us:
            messages.append(_message(event, place))
    return b"".join(messages), replace(place, offsets={**place.offsets, read.partition: read.next})


def _message(event: Event, behind: _Place) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (behind.token().encode(), event_json(event, behind.topic_id))
