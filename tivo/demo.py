"""Something to look at within a minute: three seeded topics with a day behind them, and going on live.

What happens in a slot of time follows from the seed, the topic and the slot alone, so that a demo
that is stopped and started again goes on as if it had never stopped, and tests see the same day.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from tivo.client.access import Bootstrap
from tivo.client.cluster import Cluster
from tivo.client.producer import NewRecord, Producer
from tivo.model.errors import BrokerError
from tivo.model.timeline import DAY_US, HOUR_US, SECOND_US

SLOT_US = 10 * SECOND_US
STEP_S = 0.1
BATCH = 1_000
TOLD_ATTEMPT = 5
"""A broker that is just starting is no news; one that is away for about 3 s is."""

Slot = Callable[[int, int], Iterator[NewRecord]]
"""The records of one slot of SLOT_US: seed and the slot's number → records in order of time."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """A place where the earth shakes, and how it is drawn on the map."""

    name: str
    lon: float
    lat: float
    strike: float
    length: float


_FAULTS = (
    _Fault("Aleutian arc", -165.0, 54.0, 0.2, 18.0),
    _Fault("Cascadia", -125.5, 45.0, 1.5, 7.0),
    _Fault("Chile trench", -71.5, -28.0, 1.5, 16.0),
    _Fault("Hellenic arc", 24.5, 35.5, 0.3, 6.0),
    _Fault("Hikurangi", 178.0, -39.0, 1.0, 5.0),
    _Fault("Japan trench", 143.0, 38.5, 1.2, 7.0),
    _Fault("Mid-Atlantic ridge", -30.0, 8.0, 1.3, 25.0),
    _Fault("San Andreas", -119.5, 35.8, 2.3, 5.0),
    _Fault("Sunda arc", 103.0, -4.0, 2.4, 14.0),
    _Fault("Tonga trench", -174.0, -20.0, 1.3, 9.0),
)

_SENSORS = tuple(
    (f"{chr(65 + row)}{column}", 13.30 + 0.035 * column, 52.44 + 0.03 * row) for row in range(4) for column in range(4)
)
_PATHS = ("/", "/pricing", "/docs", "/docs/tutorial", "/blog", "/login", "/cart", "/cart/checkout")


def quakes(seed: int, slot: int) -> Iterator[NewRecord]:
    """Earthquakes along ten faults; each hour one of them swarms."""
    draw = Random(f"{seed}/quakes/{slot}")
    swarm = Random(f"{seed}/swarm/{slot * SLOT_US // HOUR_US}")
    fault, peak = swarm.choice(_FAULTS), swarm.uniform(0.1, 0.8)
    hour_part = slot * SLOT_US % HOUR_US / HOUR_US
    swarming = 12.0 * math.exp(-8.0 * (hour_part - peak)) if hour_part > peak else 0.0
    for time_us in _moments(draw, slot, 3.0 + swarming):
        at = fault if draw.random() < swarming / (3.0 + swarming) else draw.choice(_FAULTS)
        along, across = draw.uniform(-at.length, at.length), draw.gauss(0.0, 0.6)
        value = {
            "lon": round((at.lon + along * math.cos(at.strike) - across * math.sin(at.strike) + 180) % 360 - 180, 3),
            "lat": round(at.lat + along * math.sin(at.strike) + across * math.cos(at.strike), 3),
            "mag": round(min(1.0 + draw.expovariate(1.4), 8.9), 1),
            "place": at.name,
        }
        yield _record(time_us, at.name, value)


def sensors(seed: int, slot: int) -> Iterator[NewRecord]:
    """Sixteen thermometers of a city, each read every other slot, with day and night in them."""
    draw = Random(f"{seed}/sensors/{slot}")
    day_part = slot * SLOT_US % DAY_US / DAY_US
    for order, (name, lon, lat) in enumerate(_SENSORS):
        if (slot + order) % 2:
            continue
        warm = 14.0 + 6.0 * math.sin(2 * math.pi * (day_part - 0.375)) + 1.5 * math.sin(order)
        value = {
            "sensor": name,
            "temp": round(warm + draw.gauss(0, 0.15), 2),
            "lon": round(lon, 4),
            "lat": round(lat, 4),
        }
        yield _record(slot * SLOT_US + order * SLOT_US // len(_SENSORS) + draw.randrange(200_000), name, value)


def clicks(seed: int, slot: int) -> Iterator[NewRecord]:
    """Visits of a web site: quiet at night, bursts when somebody links to it."""
    draw = Random(f"{seed}/clicks/{slot}")
    burst = Random(f"{seed}/burst/{slot // 30}").random() < 0.08
    day_part = slot * SLOT_US % DAY_US / DAY_US
    for time_us in _moments(draw, slot, (4.0 - 3.0 * math.cos(2 * math.pi * day_part)) * (6.0 if burst else 1.0)):
        user = f"u{draw.randrange(400):03d}"
        value = {"path": draw.choice(_PATHS), "user": user, "ms": round(draw.lognormvariate(3.8, 0.6))}
        yield _record(time_us, user, value)


TOPICS: dict[str, Slot] = {"clicks": clicks, "quakes": quakes, "sensors": sensors}


def _moments(draw: Random, slot: int, mean: float) -> list[int]:
    """Times in a slot, a Poisson process with `mean` of them expected."""
    times, at = [], draw.expovariate(mean)
    while at < 1.0:
        times.append(slot * SLOT_US + int(at * SLOT_US))
        at += draw.expovariate(mean)
    return times


def _record(time_us: int, key: str, value: dict[str, object]) -> NewRecord:
    return NewRecord(key=key.encode(), value=orjson.dumps(value), time_us=time_us)


def records_between(slots: Slot, seed: int, start_us: int, end_us: int) -> Iterator[NewRecord]:
    """The records of one topic with start ≤ time < end, in order of time."""
    for slot in range(start_us // SLOT_US, -(-end_us // SLOT_US)):
        for record in sorted(slots(seed, slot), key=_time):
            if start_us <= _time(record) < end_us:
                yield record


def _time(record: NewRecord) -> int:
    assert record.time_us is not None, "a generated record has its time"
    return record.time_us


class Demo:
    """Produces the demo's topics: first what is missing of the past, then live until it is cancelled."""

    def __init__(
        self,
        bootstrap: Bootstrap,
        *,
        seed: int,
        backfill_us: int,
        wall_us: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:
        self._bootstrap = bootstrap
        self._seed = seed
        self._backfill_us = backfill_us
        self._wall_us = wall_us
        self._tell = tell

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Produce until cancelled; `on_ready` is called when the past is there. A broker that is away is waited for."""
        waiting = AsyncRetrying(
            retry=retry_if_exception_type(BrokerError), wait=wait_exponential(multiplier=0.1, max=2), after=self._lost
        )
        await waiting(self._produce_all, on_ready)

    def _lost(self, state: RetryCallState) -> None:
        if state.attempt_number == TOLD_ATTEMPT and state.outcome is not None:
            self._tell(f"demo: waiting for Kafka: {state.outcome.exception()}")

    async def _produce_all(self, on_ready: Callable[[], None]) -> None:
        async with Cluster(self._bootstrap) as cluster, Producer(self._bootstrap) as producer:
            start_us = await self._next_times(cluster)
            now_us = self._wall_us()
            counts = [await self._produce(producer, topic, start_us[topic], now_us) for topic in TOPICS]
            self._tell(f"demo: {sum(counts):,} events of the past are in, going on live")
            on_ready()
            done_us = dict.fromkeys(TOPICS, now_us)
            while True:
                await asyncio.sleep(STEP_S)
                now_us = self._wall_us()
                for topic in TOPICS:
                    await self._produce(producer, topic, done_us[topic], now_us)
                    done_us[topic] = max(now_us, done_us[topic])

    async def _next_times(self, cluster: Cluster) -> dict[str, int]:
        """Where each topic goes on: behind its last event, at the earliest where the back-fill begins."""
        there = await cluster.topics()
        begin_us = self._wall_us() - self._backfill_us
        times = {}
        for topic in TOPICS:
            if topic not in there:
                await cluster.create_topic(topic, partitions=1)
            last_us = await cluster.last_time_us(topic) if topic in there else None
            times[topic] = max(begin_us, last_us + 1_000) if last_us is not None else begin_us
        return times

    async def _produce(self, producer: Producer, topic: str, start_us: int, end_us: int) -> int:
        batch: list[NewRecord] = []
        count = 0
        for record in records_between(TOPICS[topic], self._seed, start_us, end_us):
            batch.append(record)
            if len(batch) == BATCH:
                count += await self._send(producer, topic, batch)
                batch = []
        return count + (await self._send(producer, topic, batch) if batch else 0)

    async def _send(self, producer: Producer, topic: str, batch: list[NewRecord]) -> int:
        for outcome in await producer.send(topic, batch):
            if isinstance(outcome, Exception):
                raise BrokerError(f"demo: {topic} did not take a record: {outcome}") from outcome
        return len(batch)
