import asyncio
from collections.abc import Mapping

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.memory_log import MemoryLog
from tivo.gateway.catalogue import KEPT_US, Catalogue, is_legal_name
from tivo.model.errors import BrokerError, StoreError, UnknownTopic
from tivo.model.timeline import Window
from tivo.playback.facts import TopicRef
from tivo.store.base import Overview
from tivo.store.memory import MemoryStore


class CountingLog(MemoryLog):
    """A log that counts what it is asked for."""

    asked = 0

    def _check(self) -> None:
        super()._check()
        self.asked += 1


class Bench:
    def __init__(self, store: MemoryStore | None = None) -> None:
        self.clock = ManualClock()
        self.log = CountingLog(self.clock)
        self.store = store or MemoryStore()
        self.catalogue = Catalogue(cluster=self.log, store=self.store, now=self.clock)


@pytest.mark.parametrize(
    ("name", "legal"), [("a.B_c-1", True), ("", False), ("..", False), ("a/b", False), ("__x", False)]
)
def test_names_are_legal_by_kafkas_rule(name: str, legal: bool) -> None:
    assert legal is is_legal_name(name)


async def test_an_answer_is_kept_for_a_while() -> None:
    bench = Bench()
    bench.log.make("a")
    await bench.catalogue.topics()
    bench.log.make("b")

    assert {"a"} == set(await bench.catalogue.topics())
    bench.clock.forward(KEPT_US + 1)
    assert {"a", "b"} == set(await bench.catalogue.topics())


async def test_topics_that_were_seen_stay_known_while_the_log_is_away() -> None:
    bench = Bench()
    known = bench.log.make("a")
    await bench.catalogue.topics()
    bench.log.away = True
    bench.clock.forward(KEPT_US + 1)

    assert known == await bench.catalogue.find("a")
    with pytest.raises(BrokerError):
        await bench.catalogue.topics(fresh=True)


async def test_a_name_that_cannot_be_a_topic_is_not_asked_for() -> None:
    bench = Bench()
    await bench.catalogue.topics()
    bench.log.away = True

    with pytest.raises(UnknownTopic):
        await bench.catalogue.find("no/topic")


async def test_every_change_of_topics_is_told_once() -> None:
    bench = Bench()
    bench.log.make("a")
    seen: list[Mapping[str, TopicRef]] = []
    changed = asyncio.Event()

    def note(topics: Mapping[str, TopicRef]) -> None:
        seen.append(topics)
        changed.set()

    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(bench.catalogue.watch(note, every_seconds=0))
        await changed.wait()
        grown = bench.log.make("a", partitions=2)
        changed.clear()
        await changed.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        watch.cancel()

    assert [(0,), (0, 1)] == [topics["a"].partitions for topics in seen]
    assert {"a": grown} == seen[-1]


class Broken(MemoryStore):
    broken = False

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        if self.broken:
            raise StoreError("the file is damaged")
        return await super().frontier(topic_id)


async def test_it_tells_which_neighbour_is_away() -> None:
    store = Broken()
    bench = Bench(store)

    async def becomes(expected: dict[str, str]) -> None:
        while bench.catalogue.trouble != expected:  # noqa: ASYNC110  it is a value that changes, not an event
            await asyncio.sleep(0)

    assert {"log", "store"} == bench.catalogue.trouble.keys()
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(bench.catalogue.watch(lambda _: None, every_seconds=0))
        await becomes({})
        bench.log.away = True
        await becomes({"log": "no broker answers"})
        bench.log.away, store.broken = False, True
        await becomes({"store": "the file is damaged"})
        watch.cancel()


async def test_a_topic_deleted_while_it_is_looked_at_is_left_out() -> None:
    bench = Bench()
    gone, stays = bench.log.make("gone"), bench.log.make("stays")
    await bench.log.delete_topic("gone")

    assert ["stays"] == [each.name for each in await bench.catalogue.reports([gone, stays])]


async def test_a_topic_made_anew_since_is_left_out() -> None:
    bench = Bench()
    old = bench.log.make("t")
    await bench.log.delete_topic("t")
    bench.log.make("t")

    assert [] == await bench.catalogue.reports([old])


async def test_reports_of_any_number_of_topics_ask_the_log_once() -> None:
    bench = Bench()
    topics = [bench.log.make(f"t{number}") for number in range(9)]
    before = bench.log.asked
    reports = await bench.catalogue.reports(topics)

    assert (9, 1) == (len(reports), bench.log.asked - before)
    assert [] == await bench.catalogue.reports([])


class Counting(MemoryStore):
    """A store that counts the reads that are of one topic."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        self.reads.append("frontier")
        return await super().frontier(topic_id)

    async def overview(self, topic_id: bytes, window: Window, buckets: int) -> Overview:
        self.reads.append("overview")
        return await super().overview(topic_id, window, buckets)


async def test_the_store_is_asked_of_a_topic_only_what_can_matter() -> None:
    store = Counting()
    bench = Bench(store)
    empty, quiet, busy = (bench.log.make(name) for name in ("empty", "quiet", "busy"))
    bench.log.fill("quiet", 3)
    bench.log.fill("busy", 3, start_us=bench.clock.wall_us - 1_000_000)
    for name in ("quiet", "busy"):
        await bench.log.store_all(name, store)

    reads = {}
    for topic in (empty, quiet, busy):
        store.reads.clear()
        (report,) = await bench.catalogue.reports([topic])
        reads[topic.name] = (report.rate, report.pending, *store.reads)

    assert {"empty": (0.0, 0), "quiet": (0.0, 0, "frontier"), "busy": (0.05, 0, "frontier", "overview")} == reads


async def test_a_neighbour_that_is_away_is_told_by_its_own_error() -> None:
    store = Broken()
    bench = Bench(store)
    topics = [bench.log.make("a"), bench.log.make("b")]
    bench.log.fill("a", 1)

    bench.log.away = True
    with pytest.raises(BrokerError):
        await bench.catalogue.reports(topics)
    bench.log.away, store.broken = False, True
    with pytest.raises(StoreError):
        await bench.catalogue.reports(topics)


async def test_a_store_that_has_nothing_of_a_partition_is_complete_to_no_time() -> None:
    bench = Bench()
    topic = bench.log.make("t", partitions=2)
    bench.log.fill("t", 2)
    await bench.log.store_all("t", bench.store)
    bench.log.fill("t", 2, partition=1)

    assert None is await bench.catalogue.complete_to(topic, await bench.store.frontier(topic.topic_id))
