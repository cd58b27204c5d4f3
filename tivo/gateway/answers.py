"""Answers to what a viewer asks beside its playback: topics, and counts on the timeline."""

from collections.abc import Mapping
from typing import Any

from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Clock
from tivo.model.timeline import Window
from tivo.playback.effects import OverviewQuestion, TopicsQuestion
from tivo.playback.facts import TopicRef
from tivo.store.base import Overview, Store


class Answers:
    """Finds out of store and log what goes into an `ack`, ready for JSON."""

    def __init__(self, *, catalogue: Catalogue, store: Store, now: Clock) -> None:
        self._catalogue = catalogue
        self._store = store
        self._now = now

    async def to(self, question: OverviewQuestion | TopicsQuestion) -> Mapping[str, Any]:
        """Raises StoreError, BrokerError."""
        match question:
            case OverviewQuestion():
                return await self._counts(question)
            case TopicsQuestion():
                reports = await self._catalogue.reports(question.topics)
                return {"topics": [report._asdict() for report in reports]}

    async def _counts(self, question: OverviewQuestion) -> Mapping[str, Any]:
        window = await bounded(question.topics, question.window, self._store, now_us=self._now().wall_us)
        told = {}
        for topic in question.topics:
            told[topic.name] = (await self.overview(topic, window, question.buckets))._asdict()
        return {"topics": told}

    async def overview(self, topic: TopicRef, window: Window, buckets: int) -> Overview:
        """Counts over a bounded window; none where it is empty."""
        if window.is_empty:
            return Overview(window.start_us or 0, 1, [])
        return await self._store.overview(topic.topic_id, window, buckets)


async def bounded(topics: tuple[TopicRef, ...], window: Window, store: Store, *, now_us: int) -> Window:
    """The window with its open sides at the first and right behind the last event of these topics."""
    if window.is_bounded:
        return window
    ids = {topic.topic_id for topic in topics}
    held = [each for each in await store.topics() if each.topic_id in ids]
    first_us = min((each.first_us for each in held if each.first_us is not None), default=now_us)
    last_us = max((each.last_us for each in held if each.last_us is not None), default=first_us - 1)
    start_us = first_us if window.start_us is None else window.start_us
    end_us = max(last_us + 1, start_us) if window.end_us is None else window.end_us
    return Window(min(start_us, end_us), end_us)
