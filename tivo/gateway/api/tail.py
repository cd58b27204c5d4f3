"""`GET /v1/topics/{topic}/tail`: events as server-sent events, from a cursor or a time on and then as they come.

Stored events first, below a frontier that is pinned when the stream begins; then the log, at that
frontier, and the store once more where the log was trimmed beyond what has been sent. The id of
every event is the cursor behind it, so a stream that is cut goes on without loss.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
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
from tivo.gateway.parameters import bad, check_known, time_of
from tivo.gateway.passage import Offset, PartitionNumber, Passage, TimeUs, from_token, resume, to_token
from tivo.gateway.problems import Problem
from tivo.gateway.sessions import Sessions, client_of
from tivo.gateway.sources import Sources
from tivo.metrics import GATEWAY_SESSIONS
from tivo.model.errors import NeighbourError, UnknownTopic
from tivo.model.event import Event, Frontier, Lost
from tivo.model.timeline import Window
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef
from tivo.store.base import Store

PING_SECONDS = 15
PAGE = 500
MAX_BYTES = 2**20
RECONNECT_MS = 1_000

PARAMETERS = ("from",)
_IN_STORE, _IN_LOG = "s.", "l."


def route(sources: Sources, sessions: Sessions, now: Clock, *, ping_seconds: float = PING_SECONDS) -> Route:
    """The live stream for whatever cannot speak WebSocket."""

    async def tail(request: Request) -> Response:
        check_known(request.query_params, PARAMETERS)
        info = await sources.catalogue.find(request.path_params["topic"])
        start = request.headers.get("last-event-id") or request.query_params.get("from", "now")
        place = await _Places(info, sources.catalogue, sources.store).of(start, now_us=now().wall_us)
        client = client_of(request.scope)

        async def stream() -> AsyncGenerator[bytes, None]:
            with sessions.seat(client), GATEWAY_SESSIONS.track_inprogress():
                yield b"retry: %d\n\n" % RECONNECT_MS
                try:
                    async for piece in _Stream(place, info, sources, ping_seconds).pieces():
                        yield piece
                except NeighbourError as error:  # the client comes again, with its cursor
                    yield b": %b\n\n" % str(error).replace("\n", " ").encode()

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return await begun(stream(), media_type="text/event-stream", headers=headers, endless=True)

    return Route("/v1/topics/{topic}/tail", tail, methods=["GET"])


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
        return self.at(event.partition, event.offset + 1)

    def at(self, partition: int, offset: int) -> "_Place":
        return replace(self, offsets={**self.offsets, partition: offset})


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
        info = self._info
        if start.startswith(_IN_STORE):
            return _from_store(resume(start.removeprefix(_IN_STORE), info), info)
        if start.startswith(_IN_LOG):
            return await self._in_log(start.removeprefix(_IN_LOG))
        if start in {"now", "end"}:
            return _Place(topic_id=info.topic_id, offsets=await self._catalogue.log_ends(info))
        beginning = _Place(topic_id=info.topic_id, start_us=time_of(start, "from", now_us=now_us))
        return _from_store(_left(info, beginning, await self._store.frontier(info.topic_id)), info)

    async def _in_log(self, token: str) -> _Place:
        """Where the log has been trimmed since, what is missing there comes out of the store."""
        read = from_token(token, _LogToken)
        if read.topic_id != self._info.topic_id:
            raise Problem(409, "topic_made_anew", f"{self._info.name!r} was deleted and made anew since this cursor")
        if read.offsets.keys() - set(self._info.partitions):
            raise bad("bad_cursor", "from", "the cursor names partitions that this topic does not have")
        place = _Place(topic_id=read.topic_id, offsets=read.offsets, start_us=read.start_us)
        starts = await self._catalogue.log_starts(self._info)
        if all(read.offsets.get(p, 0) >= start for p, start in starts.items()):
            return place
        return _from_store(_left(self._info, place, await self._store.frontier(read.topic_id)), self._info)


class _Stream:
    """What goes to one client, piece by piece, and where that stands."""

    def __init__(self, place: _Place, info: TopicRef, sources: Sources, ping_seconds: float) -> None:
        self._place = place
        self._info = info
        self._sources = sources
        self._ping_seconds = ping_seconds

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """For as long as the topic is there."""
        while (piece := await self._next()) is not None:
            yield piece
        yield b"event: gone\ndata: %b\n\n" % orjson.dumps({"topic": self._info.name})

    async def _next(self) -> bytes | None:
        """The next piece, empty where nothing is to be told; None where the topic is gone."""
        if self._place.passage is not None:
            return await self._stored(self._place.passage)
        current = (await self._sources.catalogue.topics()).get(self._info.name)
        if current is None or current.topic_id != self._info.topic_id:
            return None
        self._info = current  # partitions that were added begin at 0
        return await self._logged()

    async def _stored(self, passage: Passage) -> bytes:
        place = self._place
        found = await passage.read(self._sources.store, limit=PAGE)
        self._place = replace(place, passage=None if found.last else passage.behind(found.events[-1]))
        messages = [_message(event, replace(place, passage=passage.behind(event))) for event in found.events]
        if found.last:
            messages += await self._lost(passage, passage.behind(found.events[-1]) if found.events else passage)
        return b"".join(messages)

    async def _lost(self, passage: Passage, left: Passage) -> list[bytes]:
        """What the store will never hold of a passage, told at its end; cut before the last of it, all comes again."""
        lost = await self._sources.store.lost(passage.topic_id, passage.window, above=passage.above, upto=passage.upto)
        before = replace(self._place, passage=left)
        return [_gap(*each, before) for each in lost[:-1]] + [_gap(*each, self._place) for each in lost[-1:]]

    async def _logged(self) -> bytes | None:
        places = [TailPlace(p, self._offset(p), None, PAGE) for p in self._info.partitions]
        try:
            async with asyncio.timeout(self._ping_seconds):
                answer = await self._sources.tail.read(self._info, places, max_bytes=MAX_BYTES, wait=True)
        except TimeoutError:
            return b": ping\n\n"
        except UnknownTopic:
            return None
        trimmed = [
            read
            for read in answer.slices
            if read.log_start > self._offset(read.partition) and read.next <= self._offset(read.partition)
        ]
        told = [self._told(read) for read in answer.slices if read not in trimmed]
        return b"".join(told + await self._trimmed(trimmed))

    async def _trimmed(self, reads: Sequence[TailSlice]) -> list[bytes]:
        """The log has lost what comes next: it comes out of the store. What that does not hold either is a gap."""
        if not reads:
            return []
        frontier = await self._sources.store.frontier(self._info.topic_id)
        if all(frontier.get(read.partition, 0) <= self._offset(read.partition) for read in reads):
            return [self._passed(read.partition, read.log_start, "retention") for read in reads]
        self._place = _from_store(_left(self._info, self._place, frontier), self._info)
        return []

    def _told(self, read: TailSlice) -> bytes:
        """What a slice of the log is to the client."""
        if read.truncated:
            return self._cut(read.partition, read.log_end)
        messages = []
        for entry in sorted((*read.events, *read.lost), key=_offset) if read.lost else read.events:
            if isinstance(entry, Lost):
                self._place = self._place.at(entry.partition, entry.next)
                messages.append(_gap(*entry, self._place))
                continue
            self._place = self._place.behind(entry)
            if self._place.start_us is None or entry.time_us >= self._place.start_us:
                messages.append(_message(entry, self._place))
        self._place = self._place.at(read.partition, read.next)
        return b"".join(messages)

    def _passed(self, partition: int, following: int, reason: str) -> bytes:
        """A gap of the log, from the place reached on, which lies behind it now."""
        offset = self._offset(partition)
        self._place = self._place.at(partition, following)
        return _gap(partition, offset, following, reason, self._place)

    def _cut(self, partition: int, end: int) -> bytes:
        """The log ends before the place reached: it will use the offsets from there on again."""
        offset = self._offset(partition)
        self._place = self._place.at(partition, end)
        return _gap(partition, end, offset, "truncated", self._place)

    def _offset(self, partition: int) -> int:
        return self._place.offsets.get(partition, 0)


def _offset(entry: Event | Lost) -> int:
    return entry.base if isinstance(entry, Lost) else entry.offset


def _left(info: TopicRef, place: _Place, frontier: Frontier) -> Passage:
    """What the store holds of that which a place in the log has still before it."""
    window = Window(place.start_us, None)
    return Passage(topic=info.name, topic_id=info.topic_id, window=window, upto=frontier, above=place.offsets)


def _from_store(passage: Passage, info: TopicRef) -> _Place:
    """In the log it goes on at the passage's frontier, and no partition goes back behind where it began."""
    offsets = {p: max(passage.upto.get(p, 0), passage.above.get(p, 0)) for p in info.partitions}
    return _Place(topic_id=info.topic_id, passage=passage, offsets=offsets, start_us=passage.window.start_us)


def _message(event: Event, behind: _Place) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (behind.token().encode(), event_json(event, behind.topic_id))


def _gap(partition: int, offset: int, following: int, reason: str, behind: _Place) -> bytes:
    gap = {"partition": partition, "from_offset": offset, "to_offset": following, "reason": reason}
    return b"event: gap\nid: %b\ndata: %b\n\n" % (behind.token().encode(), orjson.dumps(gap))
