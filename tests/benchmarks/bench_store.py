"""What the embedded store takes and gives: `python -m tests.benchmarks.bench_store [--events N] [--folder DIR]`.

The events are a sensor's readings: 100 a second in four partitions, one in fifty late by up to
five seconds, about 125 bytes of JSON with its key. Every write is on stable storage when it returns.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import uvloop

from tests.benchmarks import machine
from tivo.model.event import Event, Page, ValueKind
from tivo.model.timeline import HOUR_US, SECOND_US, Window
from tivo.store.base import Store
from tivo.store.open import open_store

TOPIC, TOPIC_ID = "sensors", bytes(range(16))
PARTITIONS = 4
PAGE_EVENTS = 1_000
PRODUCT_READ = 1_000
TOGETHER = 8
"""Pages that the agent puts into one transaction at most (`streams.app.FULL_PAGES`)."""
STEP_US = 10_000
START_US = 1_700_000_000 * SECOND_US

Row = tuple[str, str, str, bool]


def pages(number: int, *, seed: int = 7) -> Iterator[Page]:
    """Pages of PAGE_EVENTS events, the partitions in turn, until there are so many events."""
    values = random.Random(seed)
    places = [values.choice((b"ok", b"warn", b"fail")) + b'","site":"ams-%d' % values.randrange(8) for _ in range(997)]
    frontier = [0] * PARTITIONS
    for turn in range(-(-number // PAGE_EVENTS)):
        partition = turn % PARTITIONS
        first_us = START_US + turn // PARTITIONS * PAGE_EVENTS * PARTITIONS * STEP_US + partition * STEP_US
        base = frontier[partition]
        events = []
        for at in range(PAGE_EVENTS):
            bits = values.getrandbits(53)
            time_us = first_us + at * PARTITIONS * STEP_US
            received_us = time_us - time_us % 20_000 + 21_500
            if bits % 50 == 0:
                time_us -= bits % 5_000 * 1_000
            sensor = bits % 2_000
            value = b'{"id":%d,"sensor":"s%d","temp":%d.%02d,"humidity":%d.%d,"status":"%b","sequence":%d}' % (
                bits >> 13 & 0xFFFFFFFF,
                sensor,
                bits >> 20 & 31,
                (bits >> 25) % 100,
                (bits >> 30) % 100,
                (bits >> 40) % 10,
                places[bits % 997],
                (base + at) % 1_000,
            )
            key = b"key-%d" % sensor
            events.append(Event(time_us, TOPIC, partition, base + at, key, value, (), received_us, ValueKind.JSON))
        frontier[partition] += PAGE_EVENTS
        yield Page(
            topic=TOPIC,
            topic_id=TOPIC_ID,
            partition=partition,
            base=base,
            next=base + PAGE_EVENTS,
            events=tuple(events),
        )


async def ingest(store: Store, number: int) -> Row:
    rate, told = await written(store, number)
    return "ingest, pages of 1,000, one durable commit each", told, "≥ 400 k", rate >= 400e3


async def together(path: Path, number: int) -> Row:
    """As the agent writes under load: pages that came meanwhile go into one transaction."""
    spent = worked = 0.0
    async with open_store(f"sqlite:///{path}") as store:
        for batch in batches(pages(number), TOGETHER):
            started, began = perf_counter(), process_time()
            await store.write_all(batch)
            spent += perf_counter() - started
            worked += process_time() - began
    told = f"{number / spent / 1e3:,.0f} k events/s ({number / worked / 1e3:,.0f} k a CPU second)"
    return f"ingest as the agent does, {TOGETHER} pages a durable commit", told, "≥ 400 k", number / spent >= 400e3


def batches(every: Iterator[Page], size: int) -> Iterator[list[Page]]:
    while batch := list(islice(every, size)):
        yield batch


async def again(store: Store, number: int) -> Row:
    rate, told = await written(store, min(number, 200_000))
    return "the same pages once more", told, "≥ 400 k", rate >= 400e3


async def written(store: Store, number: int) -> tuple[float, str]:
    """Events a second, and per second of this process's own work; the making of the pages is not timed."""
    spent = worked = 0.0
    for page in pages(number):
        started, began = perf_counter(), process_time()
        await store.write(page)
        spent += perf_counter() - started
        worked += process_time() - began
    return number / spent, f"{number / spent / 1e3:,.0f} k events/s ({number / worked / 1e3:,.0f} k a CPU second)"


async def merge(store: Store) -> Row:
    started, gone = perf_counter(), 0
    while more := await store.merge(before_us=START_US + 10_000 * HOUR_US, limit=10_000):
        gone += more
    return "merge", f"{gone:,} small pages in {perf_counter() - started:.2f} s", "", True


async def scan(store: Store, number: int, limit: int) -> Row:
    """A session's way through the window: a page read at a time, each behind the last event of the one before.

    The bar is for the size at which sessions and HTTP read, and above; a smaller one stands beside it.
    """
    upto = await store.frontier(TOPIC_ID)
    seen, cursor = 0, None
    started, began = perf_counter(), process_time()
    while seen < min(number, 2_000_000):
        found, last = await store.read(TOPIC_ID, Window(START_US - HOUR_US), after=cursor, upto=upto, limit=limit)
        assert cursor is None or found[0].cursor > cursor
        seen += len(found)
        if last:
            break
        cursor = found[-1].cursor
    rate, own_rate = seen / (perf_counter() - started), seen / (process_time() - began)
    told = f"{rate / 1e6:.2f} M events/s ({own_rate / 1e6:.2f} M a CPU second)"
    if limit < PRODUCT_READ:
        return f"ordered scan, {limit:,} events a read", told, "", True
    return f"ordered scan, {limit:,} events a read", told, "≥ 1 M", rate >= 1e6


async def seek(store: Store, number: int) -> Row:
    chance = random.Random(1)
    span_us = number * STEP_US

    async def first() -> None:
        start_us = START_US + chance.randrange(span_us)
        found = await store.read(TOPIC_ID, Window(start_us, start_us + HOUR_US), limit=1)
        assert not found.events or found.events[0].time_us >= start_us

    return await told("seek: first event of a random window", first, 300, bar_ms=10)


async def late(store: Store, number: int) -> Row:
    """What every page of a session at the live edge costs on top: has anything come late since the last one?"""
    upto = await store.frontier(TOPIC_ID)
    above = {partition: max(0, offset - PAGE_EVENTS) for partition, offset in upto.items()}
    edge = (await store.read(TOPIC_ID, Window(), upto=above, limit=1, reverse=True)).events[0].cursor
    deep = (await store.read(TOPIC_ID, Window(), upto=above, limit=1)).events[0].cursor

    async def look() -> None:
        await store.read(TOPIC_ID, Window(), above=above, upto=upto, until=deep, limit=500)

    async def look_at_edge() -> None:
        await store.read(TOPIC_ID, Window(), above=above, upto=upto, until=edge, limit=500)

    await look_at_edge()
    return await told("late events of the last 4 pages, none", look, 300, bar_ms=2)


async def overview(store: Store, number: int) -> Row:
    chance = random.Random(2)
    span_us = number * STEP_US

    async def look() -> None:
        start_us = START_US + chance.randrange(span_us)
        width_us = int(10 ** chance.uniform(7, 11.7))
        await store.overview(TOPIC_ID, Window(start_us, start_us + width_us), 1_200)

    return await told("overview of 1,200 slices, a random window of 10 s to 6 d", look, 300, bar_ms=50)


async def told(name: str, call: Callable[[], Awaitable[None]], times: int, *, bar_ms: float) -> Row:
    spent, worked = [], []
    for _ in range(times):
        started, began = perf_counter(), process_time()
        await call()
        spent.append((perf_counter() - started) * 1e3)
        worked.append((process_time() - began) * 1e3)
    p50, p99 = _percentiles(spent)
    own_p50, own_p99 = _percentiles(worked)
    figures = f"p50 {p50:.2f} ms, p99 {p99:.2f} ms (CPU {own_p50:.2f}, {own_p99:.2f})"
    return name, figures, f"p99 ≤ {bar_ms:g} ms", p99 <= bar_ms


def _percentiles(numbers: list[float]) -> tuple[float, float]:
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


async def measure(number: int, path: Path) -> list[Row]:
    async with open_store(f"sqlite:///{path}") as store:
        rows = [await ingest(store, number), await again(store, number)]
        rows.append(await together(path.with_name("together.db"), min(number, 1_000_000)))
        rows += [await scan(store, number, limit) for limit in (PRODUCT_READ // 2, PRODUCT_READ, 2 * PRODUCT_READ)]
        rows.append(await merge(store))
    size = (await asyncio.to_thread(path.stat)).st_size / number
    rows.append(("bytes per event in the file", f"{size:.1f}", "≤ 45", size <= 45))
    async with open_store(f"sqlite:///{path}", read_only=True) as store:
        rows += [await seek(store, number), await late(store, number), await overview(store, number)]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_store", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the store is made; default: a temporary one")
    asked = parser.parse_args()
    print(machine.told(), flush=True)
    with TemporaryDirectory(dir=asked.folder) as folder:
        rows = uvloop.run(measure(asked.events, Path(folder) / "store.db"))
    print(f"{asked.events:,} events")
    for name, figure, bar, holds in rows:
        print(f"  {name:58} {figure:44} {bar:14} {'' if holds else 'MISSED'}")
    return 0 if all(holds for *_, holds in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
