"""`GET /v1/topics/{topic}/image`: the state at a time, which is the last event of every key before it.

As JSON a page at a time, in the order of keys, with the next one's address in `Link`; as NDJSON all of
it in one stream, no faster than the client takes it.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import orjson
from msgspec import Meta
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tivo.gateway.bodies import begun
from tivo.gateway.doors import Clock
from tivo.gateway.event_json import event_json
from tivo.gateway.images import Images, Stretch
from tivo.gateway.parameters import check_known, count_of, time_of
from tivo.gateway.passage import Offset, PartitionNumber, TimeUs, from_token, to_token
from tivo.gateway.problems import Problem
from tivo.gateway.selection import Selection, select, selection_of
from tivo.gateway.sources import Sources
from tivo.model.event import Event, Frontier
from tivo.model.timeline import MAX_TIME_US, MIN_TIME_US
from tivo.playback.facts import TopicRef
from tivo.playback.topics import is_glob
from tivo.playback.values import LONGEST_GLOB, MOST_GLOBS
from tivo.store.base import MAX_READ_BYTES
from tivo.store.image import FIRST, behind, key_order
from tivo.store.state import Place, before

NDJSON = "application/x-ndjson"
PARAMETERS = ("at", "key", "limit", "cursor")
MAX_LIMIT, MAX_STREAMED = 10_000, 2**53
PIECE = 100
LOOKED_AT, MOST_PARTS = 2_000, 10
"""Keys looked at together, and how often, for one page of some of them before the page goes out as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state of a topic at a time, of what lay below a frontier when somebody asked; from a key on, of some keys."""

    topic: TopicRef
    at_us: int
    upto: Frontier
    selection: Selection
    start: bytes = FIRST

    @property
    def place(self) -> Place:
        return Place(topic_id=self.topic.topic_id, until=before(self.topic.name, self.at_us), upto=self.upto)

    @property
    def stretch(self) -> Stretch:
        """One key alone is looked for where it lies."""
        keys = self.selection.keys
        if len(keys) != 1 or is_glob(keys[0]):
            return Stretch(self.start)
        key = keys[0].encode()
        return Stretch(max(self.start, key_order(key)), behind(key_order(key)))

    def token(self) -> str:
        return to_token(_Token(self.topic.topic_id, self.at_us, dict(self.upto), self.start, self.selection.keys))


class _Token(msgspec.Struct, frozen=True, array_like=True):
    topic_id: bytes
    at_us: TimeUs
    upto: dict[PartitionNumber, Offset]
    start: bytes
    keys: Annotated[tuple[Annotated[str, Meta(max_length=LONGEST_GLOB)], ...], Meta(max_length=MOST_GLOBS)]


def route(sources: Sources, now: Clock) -> Route:
    """The state at a time."""
    catalogue, images = sources.catalogue, sources.images

    async def read(request: Request) -> Response:
        query = request.query_params
        check_known(query, PARAMETERS)
        topic = await catalogue.find(request.path_params["topic"])
        streamed = NDJSON in request.headers.get("accept", "")
        most = MAX_STREAMED if streamed else MAX_LIMIT
        limit = count_of(query, "limit", default=most if streamed else 100, at_most=most)
        if "cursor" in query:
            view = _resumed(query["cursor"], topic)
        else:
            upto = await sources.store.frontier(topic.topic_id)
            at_us = _at_us(query, now_us=now().wall_us)
            view = View(topic=topic, at_us=at_us, upto=upto, selection=selection_of(query))
        if streamed:
            return await begun(_lines(images, view, limit), media_type=NDJSON)
        return await _page(images, view, limit, await catalogue.complete_to(topic, view.upto))

    return Route("/v1/topics/{topic}/image", read, methods=["GET"])


def _at_us(query: QueryParams, *, now_us: int) -> int:
    text = query.get("at", "")
    time_us = time_of(text or "now", "at", now_us=now_us)
    if time_us is None:  # one of the ends of what there is
        return MIN_TIME_US if text == "beginning" else MAX_TIME_US + 1
    return time_us


def _resumed(token: str, topic: TopicRef) -> View:
    read = from_token(token, _Token)
    if read.topic_id != topic.topic_id:
        raise Problem(409, "topic_made_anew", f"{topic.name!r} was deleted and made anew since this cursor was given")
    return View(topic=topic, at_us=read.at_us, upto=read.upto, selection=select(read.keys, ""), start=read.start)


async def _page(images: Images, view: View, limit: int, complete_to_us: int | None) -> Response:
    events: list[Event] = []
    more: View | None = view
    for _ in range(MOST_PARTS):
        if more is None or len(events) == limit:
            break
        size = limit - len(events) if view.selection.passes is None else LOOKED_AT
        part = await images.part(more.place, more.stretch, limit=size, max_bytes=MAX_READ_BYTES)
        kept = view.selection.kept(part.events)
        more = None if part.next is None else replace(view, start=part.next)
        if len(kept) > limit - len(events):
            more = replace(view, start=key_order(kept[limit - len(events)].key))
        events += kept[: limit - len(events)]
    told: Mapping[str, object] = {"at_us": view.at_us, "complete_to_us": complete_to_us}
    return _answer(events, view.topic, told, {"cursor": more.token(), "limit": limit} if more else None)


def _answer(
    events: list[Event], topic: TopicRef, told: Mapping[str, object], more: Mapping[str, str | int] | None
) -> Response:
    address = f"/v1/topics/{topic.name}/image?{urlencode(more)}" if more else None
    rest = orjson.dumps({**told, "next": address})
    body = b'{"events":[%b],%b' % (b",".join(event_json(event, topic.topic_id) for event in events), rest[1:])
    headers = {"Link": f'<{address}>; rel="next"'} if address else None
    return Response(body, headers=headers, media_type="application/json")


async def _lines(images: Images, view: View, left: int) -> AsyncGenerator[bytes, None]:
    more: View | None = view
    while more is not None and left:
        part = await images.part(more.place, more.stretch, limit=MAX_LIMIT, max_bytes=MAX_READ_BYTES)
        kept = view.selection.kept(part.events)[:left]
        left -= len(kept)
        for first in range(0, len(kept), PIECE):
            piece = kept[first : first + PIECE]
            yield b"".join(event_json(event, view.topic.topic_id) + b"\n" for event in piece)
        more = None if part.next is None else replace(more, start=part.next)
