"""The live edge: a long poll to each broker that leads a partition that is tailed, records as they are appended."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.fetcher import Answer, Bounds, Fetched, Fetcher, Place
from tivo.model.errors import BrokerError
from tivo.model.event import Event, Lost
from tivo.model.timeline import MILLISECOND_US, Now
from tivo.wire.error_codes import ErrorCode

LONG_POLL_MS = 250
"""How long the broker holds an empty fetch. A new topic joins when the poll before it ends."""
MAX_PARTITION_BYTES = 2**20
MAX_BYTES = 16 * 2**20
AGAIN_MS = 100
"""How long a partition rests that cannot be fetched, until its leader is asked for again."""


class Arrived(NamedTuple):
    """Records that were appended to a partition: its position is `next` now, its last stable offset `log_end`.

    `lost` is what of them cannot be read.
    """

    place: Place
    events: Sequence[Event]
    next: int
    log_end: int
    lost: Sequence[Lost] = ()


class OutOfRange(Exception):
    """The log no longer has these positions, or does not have them yet."""

    def __init__(self, positions: Mapping[Place, int]) -> None:
        super().__init__(f"out of range: {dict(positions)}")
        self.positions = positions


class _Polled(NamedTuple):
    """What a broker answered, nothing where it is away, and from which offsets on it was asked."""

    offsets: Mapping[Place, int]
    answers: Mapping[Place, Answer]


class LiveConsumer:
    """Reads the partitions that it was last assigned, from the offsets told. Only committed records (KIP-98)."""

    def __init__(self, bootstrap: Bootstrap, cluster: Cluster, now: Callable[[], Now]) -> None:
        self._fetcher = Fetcher(bootstrap, cluster, client_id="tivo-tail")
        self._now = now
        self._positions: dict[Place, int] = {}
        self._rests_until_us: dict[Place, int] = {}
        self._polls: dict[int, asyncio.Task[_Polled]] = {}
        self._tasks = asyncio.TaskGroup()
        self._open = contextlib.AsyncExitStack()
        self._assigned = asyncio.Event()

    async def start(self) -> None:
        """Raises BrokerError where no broker answers; it may be called again. `stop` it in the same task."""
        await self._fetcher.start()
        self._tasks = await self._open.enter_async_context(asyncio.TaskGroup())

    async def stop(self) -> None:
        for poll in self._polls.values():
            poll.cancel()
        self._polls.clear()
        await self._open.aclose()
        await self._fetcher.close()

    def assign(self, positions: Mapping[Place, int]) -> None:
        """From now on read these partitions, from these offsets, and no others."""
        self._positions = dict(positions)
        self._rests_until_us = {place: us for place, us in self._rests_until_us.items() if place in positions}
        self._assigned.set()

    async def take(self) -> list[Arrived]:
        """What has been appended, as soon as there is any; also comes back without after a long poll.

        Raises OutOfRange, BrokerError.
        """
        self._assigned.clear()
        await self._poll()
        if not self._polls:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout((AGAIN_MS if self._positions else LONG_POLL_MS) / 1_000):
                    await self._assigned.wait()
            return []
        await asyncio.wait(self._polls.values(), return_when=asyncio.FIRST_COMPLETED)
        answers: dict[Place, Answer] = {}
        for leader in [leader for leader, poll in self._polls.items() if poll.done()]:
            polled = self._polls.pop(leader).result()
            self._rest(polled.offsets.keys() - polled.answers.keys())
            answers |= self._current(polled)
        return self._arrived(answers)

    async def _poll(self) -> None:
        """Have a poll under way to every leader."""
        steady_us = self._now().steady_us
        ready = {place: at for place, at in self._positions.items() if self._rests_until_us.get(place, 0) <= steady_us}
        led = await self._fetcher.by_leader(ready)
        self._rest(ready.keys() - {place for offsets in led.values() for place in offsets})
        for leader, offsets in led.items():
            if leader not in self._polls:
                self._polls[leader] = self._tasks.create_task(self._ask(leader, offsets))

    async def _ask(self, leader: int, offsets: Mapping[Place, int]) -> _Polled:
        try:
            bounds = Bounds(MAX_PARTITION_BYTES, MAX_BYTES, LONG_POLL_MS)
            return _Polled(offsets, await self._fetcher.fetch(leader, offsets, bounds))
        except BrokerError:  # the others go on; where all are away, who leads cannot be asked either
            return _Polled(offsets, {})

    def _current(self, polled: _Polled) -> dict[Place, Answer]:
        """What was answered for the positions of now; others may have been assigned meanwhile."""
        return {
            place: told for place, told in polled.answers.items() if self._positions.get(place) == polled.offsets[place]
        }

    def _arrived(self, answers: Mapping[Place, Answer]) -> list[Arrived]:
        outside = {
            place: self._positions[place] for place, told in answers.items() if told is ErrorCode.OFFSET_OUT_OF_RANGE
        }
        if outside:
            raise OutOfRange(outside)
        received_us = self._now().wall_us
        arrived = []
        for place, told in answers.items():
            if isinstance(told, Fetched):
                events = list(told.events(received_us=received_us))
                arrived.append(Arrived(place, events, told.next, told.last_stable, told.lost))
        for each in arrived:
            if each.events or each.lost:  # an answer is bounded: whoever got something comes last next time
                del self._positions[each.place]
            self._positions[each.place] = each.next
        self._rest({place for place, told in answers.items() if not isinstance(told, Fetched)})
        return arrived

    def _rest(self, places: Set[Place]) -> None:
        """Their leader has moved, or their topic is going: ask again in a moment."""
        until_us = self._now().steady_us + AGAIN_MS * MILLISECOND_US
        self._rests_until_us |= dict.fromkeys(places, until_us)
