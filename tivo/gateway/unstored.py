"""What the log holds beyond the store: mostly very little, since the agent stores it within a second."""

from collections.abc import AsyncIterator

from tivo.gateway.doors import Tail
from tivo.gateway.log_scan import gone_on, left_of, places
from tivo.model.event import Event, Frontier
from tivo.playback.facts import TopicRef


async def unstored(
    tail: Tail, topic: TopicRef, frontier: Frontier, ends: Frontier, *, max_bytes: int
) -> AsyncIterator[list[Event]]:
    """The events of the log from the store's frontier up to these ends, some at a time. Raises BrokerError."""
    read, left = dict(frontier), left_of(frontier, ends)
    while left:
        answer = await tail.read(topic, places(read, left), max_bytes=max_bytes, wait=False)
        read, left = gone_on(read, left, answer)
        yield [event for each in answer.slices for event in each.events]
