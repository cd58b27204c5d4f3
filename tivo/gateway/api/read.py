"""`GET /v1/topics/{topic}/records`: stored events of a window, or of a partition from an offset on.

As JSON a page at a time with the next one's address in `Link`; as NDJSON all of it in one stream,
no faster than the client takes it.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tivo.client.ring import weight
from tivo.gateway.bodies import begun
from tivo.gateway.doors import Clock
from tivo.gateway.event_json import event_json
from tivo.gateway.parameters import bad, check_known, count_of
from tivo.gateway.passage import Passage, begin, resume
from tivo.gateway.selection import Selection, selection_of
from tivo.gateway.sources import Sources
from tivo.model.event import Event
from tivo.model.timeline import Window
from tivo.playback.facts import TopicRef
from tivo.store.base import MAX_READ_BYTES, Store

NDJSON = "application/x-ndjson"
PARAMETERS = ("start", "end", "partition", "offset", "key", "where", "limit", "cursor")
PAGE = 1_000
PIECE = 100
MAX_LIMIT = 10_000
MAX_OFFSET = 2**53
MAX_SCANNED = 20 * PAGE
"""Events looked through for one page of a selection before the page goes out as it is."""


def route(sources: Sources, now: Clock) -> Route:
    """The way out of the store."""
    catalogue, store = sources.catalogue, sources.store

    async def read(request: Request) -> Response:
        query = request.query_params
        check_known(query, PARAMETERS)
        info = await catalogue.find(request.path_params["topic"])
        streamed = NDJSON in request.headers.get("accept", "")
        most = MAX_OFFSET if streamed else MAX_LIMIT
        limit = count_of(query, "limit", default=most if streamed else 100, at_most=most)
        if "cursor" in query:
            passage = resume(query["cursor"], info)
        elif "offset" in query or "partition" in query:
            run = await _run(query, info, sources)
            return await (_export(_run_pages(run, store, limit)) if streamed else _run_page(run, store, limit))
        else:
            passage = await begin(query, info, store, selection_of(query), now_us=now().wall_us)
        if streamed:
            return await _export(_passage_pages(passage, store, limit))
        return await _passage_page(passage, store, limit, await catalogue.complete_to(info, passage.upto))

    return Route("/v1/topics/{topic}/records", read, methods=["GET"])


async def _passage_page(passage: Passage, store: Store, limit: int, complete_to_us: int | None) -> Response:
    events: list[Event] = []
    scanned, size, more = 0, 0, True
    while more and len(events) < limit and scanned < MAX_SCANNED and size < MAX_READ_BYTES:
        found = await passage.read(store, limit=PAGE if passage.selection.passes else min(PAGE, limit - len(events)))
        scanned += len(found.events)
        kept = passage.selection.kept(found.events)
        more = not found.last or len(kept) > limit - len(events)
        size += sum(map(weight, kept))
        events += kept[: limit - len(events)]
        if found.events:
            passage = passage.behind(events[-1] if len(events) == limit else found.events[-1])
    query = {"cursor": passage.token(), "limit": limit} if more else None
    return _page(events, passage.topic_id, passage.topic, query, complete_to_us=complete_to_us)


async def _passage_pages(passage: Passage, store: Store, left: int) -> AsyncGenerator[bytes, None]:
    while True:
        found = await passage.read(store, limit=PAGE)
        kept = passage.selection.kept(found.events)[:left]
        left -= len(kept)
        for piece in _lines(kept, passage.topic_id):
            yield piece
        if left == 0 or found.last:
            return
        passage = passage.behind(found.events[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Offsets of one partition, from `offset` on, below the frontier `end`, as far as their events are wanted."""

    info: TopicRef
    partition: int
    offset: int
    end: int
    selection: Selection

    async def read(self, store: Store, limit: int) -> tuple[list[Event], int]:
        """The events of the next `limit` offsets in their order, and where to go on.

        Fewer where there are holes, and where they would be larger than one read of the store.
        """
        span = min(limit, self.end - self.offset)
        while span > 0:
            upto = self.offset + span
            found = await store.read(
                self.info.topic_id,
                Window(),
                above={self.partition: self.offset},
                upto={self.partition: upto},
                limit=limit,
            )
            if found.last or span == 1:
                return sorted(found.events, key=lambda event: event.offset), upto
            span = max(1, min(span // 2, len(found.events)))
        return [], self.offset


async def _run(query: QueryParams, info: TopicRef, sources: Sources) -> _Run:
    partition = count_of(query, "partition", default=0, at_least=0, at_most=2**31 - 1)
    if partition not in info.partitions:
        raise bad("bad_request", "partition", f"{info.name} has no partition {partition}")
    offset = count_of(query, "offset", default=0, at_least=0, at_most=MAX_OFFSET)
    selection = selection_of(query)
    frontier = await sources.store.frontier(info.topic_id)
    await sources.catalogue.check_offset(info, partition, offset)
    end = frontier.get(partition, 0)
    return _Run(info=info, partition=partition, offset=offset, end=end, selection=selection)


async def _run_page(run: _Run, store: Store, limit: int) -> Response:
    events: list[Event] = []
    looked_at, size, offset = run.offset + MAX_SCANNED, 0, run.offset
    while offset < min(run.end, looked_at) and len(events) < limit and size < MAX_READ_BYTES:
        kept, offset = await _wanted(replace(run, offset=offset), store, limit - len(events))
        size += sum(map(weight, kept))
        events += kept
    place = {"partition": run.partition, "offset": offset, "limit": limit}
    query = {**place, **run.selection.query()} if offset < run.end else None
    return _page(events, run.info.topic_id, run.info.name, query, next_offset=offset)


async def _run_pages(run: _Run, store: Store, left: int) -> AsyncGenerator[bytes, None]:
    offset = run.offset
    while offset < run.end and left:
        events, offset = await _wanted(replace(run, offset=offset), store, left)
        left -= len(events)
        for piece in _lines(events, run.info.topic_id):
            yield piece


async def _wanted(run: _Run, store: Store, limit: int) -> tuple[list[Event], int]:
    """What is wanted of the next offsets, `limit` events at most, and where to go on."""
    events, offset = await run.read(store, PAGE if run.selection.passes else min(PAGE, limit))
    kept = run.selection.kept(events)
    return kept[:limit], offset if len(kept) <= limit else kept[limit - 1].offset + 1


def _page(events: list[Event], topic_id: bytes, topic: str, more: Mapping[str, Any] | None, **members: Any) -> Response:
    """A page as JSON; `more` is the query of the next one."""
    address = f"/v1/topics/{topic}/records?{urlencode(more, doseq=True)}" if more else None
    told = orjson.dumps({**members, "next": address})
    body = b'{"events":[%b],%b' % (b",".join(event_json(event, topic_id) for event in events), told[1:])
    headers = {"Link": f'<{address}>; rel="next"'} if address else None
    return Response(body, headers=headers, media_type="application/json")


def _lines(events: list[Event], topic_id: bytes) -> Iterator[bytes]:
    """Events as NDJSON, few enough at a time to keep nobody waiting."""
    for start in range(0, len(events), PIECE):
        yield b"".join(event_json(event, topic_id) + b"\n" for event in events[start : start + PIECE])


async def _export(pages: AsyncGenerator[bytes, None]) -> Response:
    return await begun(pages, media_type=NDJSON)
