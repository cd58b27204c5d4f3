"""A way through stored events that can be left and taken up again: what a read's cursor holds.

It pins the frontier at its beginning. What lies below a frontier never changes, so all pages of
one passage together are one state of the store, whatever is written meanwhile.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from tivo.gateway.parameters import bad, window_of
from tivo.gateway.problems import Problem
from tivo.gateway.selection import Selection, select
from tivo.model.errors import QueryError
from tivo.model.event import Cursor, Event, Frontier
from tivo.model.timeline import Window
from tivo.playback.facts import TopicRef
from tivo.playback.values import LONGEST_GLOB, MOST_GLOBS
from tivo.query.parser import MOST_BYTES
from tivo.store.base import Found, Store

PartitionNumber: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
TimeUs: TypeAlias = Annotated[int, Meta(ge=-(2**62), le=2**62)]
"""What a cursor may hold, since anybody can write one; a window may begin before 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Stored events of a topic with above[p] ≤ offset < upto[p], in a window, behind a cursor, as far as wanted."""

    topic: str
    topic_id: bytes
    window: Window
    upto: Frontier
    above: Frontier = field(default_factory=dict)
    after: Cursor | None = None
    selection: Selection = field(default_factory=Selection)

    async def read(self, store: Store, *, limit: int) -> Found:
        """The next events, wanted or not."""
        return await store.read(
            self.topic_id, self.window, above=self.above, upto=self.upto, after=self.after, limit=limit
        )

    def behind(self, event: Event) -> "Passage":
        return replace(self, after=event.cursor)

    def token(self) -> str:
        """Opaque to clients, fit for a URL."""
        place = None if self.after is None else (self.after.time_us, self.after.partition, self.after.offset)
        window = (self.window.start_us, self.window.end_us)
        wanted = self.selection.keys, self.selection.where
        written = _Token(self.topic_id, window, dict(self.upto), dict(self.above), place, *wanted)
        return to_token(written)


class _Token(msgspec.Struct, frozen=True, array_like=True):
    topic_id: bytes
    window: tuple[TimeUs | None, TimeUs | None]
    upto: dict[PartitionNumber, Offset]
    above: dict[PartitionNumber, Offset]
    place: tuple[TimeUs, PartitionNumber, Offset] | None
    keys: Annotated[tuple[Annotated[str, Meta(max_length=LONGEST_GLOB)], ...], Meta(max_length=MOST_GLOBS)]
    where: Annotated[str, Meta(max_length=MOST_BYTES)]


T = TypeVar("T")


def to_token(written: msgspec.Struct) -> str:
    """Opaque to clients, fit for a URL."""
    return urlsafe_b64encode(msgspec.msgpack.encode(written)).rstrip(b"=").decode()


def from_token(token: str, kind: type[T]) -> T:
    """What was written into a token. Raises Problem 400 `bad_cursor` where it is none of ours."""
    try:
        return msgspec.msgpack.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=kind)
    except (ValueError, msgspec.DecodeError):
        raise _no_cursor(token) from None


def _no_cursor(token: str) -> Problem:
    return bad("bad_cursor", "cursor", f"{token[:80]!r} is no cursor of this gateway")


async def begin(
    query: Mapping[str, str], info: TopicRef, store: Store, selection: Selection, *, now_us: int
) -> Passage:
    """A passage over what is wanted of a window (`start`, `end`)."""
    return Passage(
        topic=info.name,
        topic_id=info.topic_id,
        window=window_of(query, now_us=now_us),
        upto=await store.frontier(info.topic_id),
        selection=selection,
    )


def resume(token: str, info: TopicRef) -> Passage:
    """The passage that a cursor tells of. Raises Problem 400 where it is none, 409 where the topic was made anew."""
    read = from_token(token, _Token)
    if read.topic_id != info.topic_id:
        raise Problem(409, "topic_made_anew", f"{info.name!r} was deleted and made anew since this cursor was given")
    try:
        selection = select(read.keys, read.where)
    except QueryError:
        raise _no_cursor(token) from None
    return Passage(
        topic=info.name,
        topic_id=info.topic_id,
        window=Window(*read.window),
        upto=read.upto,
        above=read.above,
        after=None if read.place is None else Cursor(read.place[0], info.name, read.place[1], read.place[2]),
        selection=selection,
    )
