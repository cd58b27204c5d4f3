"""What the log holds beyond the store: mostly very little, since the agent stores it within a second."""

from collections.abc import AsyncIterator

from tivo.client.tail import TailAnswer
from tivo.gateway.doors import Tail
from tivo.model.event import Event, Frontier
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TopicRef

_SLICE_EVENTS = 2_000


async def unstored(
    tail: Tail, topic: TopicRef, frontier: Frontier, ends: Frontier, *, max_bytes: int
) -> AsyncIterator[list[Event]]:
    """The events of the log from the store's frontier up to these ends, some at a time. Raises BrokerError."""
    places: dict[int, int | None] = {p: frontier.get(p) for p, end in ends.items() if frontier.get(p, 0) < end}
    while places:
        asked = [TailPlace(p, offset, ends[p], _SLICE_EVENTS) for p, offset in places.items()]
        answer = await tail.read(topic, asked, max_bytes=max_bytes, wait=False)
        places = _ahead(places, answer, ends)
        yield [event for each in answer.slices for event in each.events]


def _ahead(places: dict[int, int | None], answer: TailAnswer, ends: Frontier) -> dict[int, int | None]:
    """Where to go on. As long as one partition moves none is given up: an answer has bounds, and the first that fill it
    leave nothing for the others, which are therefore asked for first in the next one."""
    stalled, moved, is_over = dict[int, int | None](), dict[int, int | None](), True
    for each in answer.slices:
        before = places[each.partition]
        following = max(each.next, each.log_start)
        moves = following > (before or 0)
        is_over = is_over and not moves
        if following < ends[each.partition] and not each.truncated:
            (moved if moves else stalled)[each.partition] = following if moves else before
    return {} if is_over else {**stalled, **moved}
