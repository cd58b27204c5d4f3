"""Writes events that are played into a topic, as they come."""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from typing import Protocol

from tivo.client.producer import NewRecord, Produced, Sent
from tivo.client.replayed import headers_of, to_bytes
from tivo.client.viewer_session import ShownEvent
from tivo.model.errors import RequestError
from tivo.model.timeline import MILLISECOND_US, Now
from tivo.model.topic_name import is_legal_name, no_name
from tivo.playback.facts import TopicRef
from tivo.playback.topics import matching

MOST_RECORDS = 1_000
MOST_BYTES = 8 << 20
"""Taken from the player and not acknowledged by the broker yet; one record more may go beyond the bytes."""

_Waiting = tuple[ShownEvent, NewRecord]


class Sender(Protocol):
    """What a replay needs of a producer."""

    async def send(self, topic: str, records: Sequence[NewRecord]) -> list[Sent]: ...


def check_target(topic: str, played: Iterable[str]) -> None:
    """Raises RequestError for what is no name, or is played itself: such a replay would feed on itself."""
    if not is_legal_name(topic):
        raise RequestError(no_name(topic))
    if matched := matching(played, {topic: TopicRef(topic, b"", ())}):
        raise RequestError(f"{next(iter(matched))!r} is among the topics that are played: it would be fed by itself")


class Replay:
    """Takes events of a viewer whose values are raw and writes each, in their order, with all acknowledgements.

    It takes no more than are bounded, so a broker that is slow holds the viewer's credit back and the session's
    clock waits. A batch goes once the one before is acknowledged, so the order holds whatever is sent again.
    `written` is how many were acknowledged.
    """

    def __init__(self, producer: Sender, topic: str, now: Callable[[], Now], *, keep_time: bool = False) -> None:
        self.written = 0
        self._producer = producer
        self._topic = topic
        self._now = now
        self._keep_time = keep_time
        self._waiting: list[_Waiting] = []
        self._held = self._held_bytes = 0
        self._over = False
        self._more, self._room = asyncio.Event(), asyncio.Event()

    async def write(self, events: AsyncIterable[ShownEvent]) -> None:
        """Until there are no more and all are acknowledged; cancelled, what was taken is written first.

        Raises RequestError for a record that the topic does not take, BrokerError where the broker is away.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send())
                try:
                    async for event in events:
                        await self._take(event)
                finally:
                    self._over = True
                    self._more.set()
                    await asyncio.wait([sending])
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _take(self, event: ShownEvent) -> None:
        record = self._record(event)
        self._waiting.append((event, record))
        self._held += 1
        self._held_bytes += _size(record)
        self._more.set()
        while self._held >= MOST_RECORDS or self._held_bytes >= MOST_BYTES:
            self._room.clear()
            await self._room.wait()

    def _record(self, event: ShownEvent) -> NewRecord:
        now_us = self._now().wall_us
        return NewRecord(
            key=to_bytes(event.key),
            value=to_bytes(event.value),
            headers=headers_of(event, keep_time=self._keep_time),
            time_us=event.time_us if self._keep_time else now_us - now_us % MILLISECOND_US,
        )

    async def _send(self) -> None:
        while self._waiting or not self._over:
            batch, self._waiting = self._waiting, []
            if batch:
                self._heed(batch, await self._producer.send(self._topic, [record for _, record in batch]))
            else:
                self._more.clear()
                await self._more.wait()

    def _heed(self, batch: list[_Waiting], answers: list[Sent]) -> None:
        for (event, record), answer in zip(batch, answers, strict=True):
            if not isinstance(answer, Produced):
                raise type(answer)(f"{event.topic}/{event.partition}, offset {event.offset}: {answer}") from answer
            self.written += 1
            self._held -= 1
            self._held_bytes -= _size(record)
        self._room.set()


def _size(record: NewRecord) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers
