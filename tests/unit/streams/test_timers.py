"""What the agent does by the clock."""

from dataclasses import replace
from typing import cast

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from streams.agents.persist import Keeper, Patience
from streams.places import STALLED_US, Places
from streams.timers import GIVE_UP_AFTER_US, RED_AFTER_US, SETTLED_US, StoreAway, Watch, degraded, merge_pages, unready
from tests.unit.streams.fetched import NOW, OTHER, PARTITION, TOPIC_ID, cut, placed
from tivo.client.cluster import Cluster, Led
from tivo.model.errors import StoreError
from tivo.model.timeline import Now
from tivo.probes import Probes
from tivo.store.memory import MemoryStore


class Away(Patience):
    """A patience that tells for how long the store has been away."""

    def __init__(self, away_us: int) -> None:
        super().__init__(lambda: 0)
        self._away_us = away_us

    def away_us(self) -> int:
        return self._away_us


class Ended(Exception):
    """The test has seen enough."""


class Late(MemoryStore):
    """A store that notes up to when it is asked to merge: it fails at first, then merges once."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.before_us = self.asked = 0
        self._failures = failures

    async def merge(self, *, before_us: int, limit: int) -> int:
        self.before_us = before_us
        self.asked += 1
        if self.asked <= self._failures:
            raise StoreError("away")
        if self.asked > self._failures + 1:
            raise Ended
        return limit


@pytest.fixture
def probes() -> Probes:
    return Probes(port=0, steady_us=lambda: 0)


def watch(probes: Probes, *, away_us: int = 0, steady_us: int = 0, busy: bool = False) -> Watch:
    places, patience = placed(), Away(away_us)
    keeper = Keeper(MemoryStore(), places, patience, lambda: NOW)
    keeper.busy = busy
    return Watch(
        places=places,
        cluster=Cluster("127.0.0.1:1"),
        keeper=keeper,
        patience=patience,
        probes=probes,
        now=lambda: Now(0, steady_us),
        log_end=lambda _: 10,
    )


def test_agent_is_ready_while_all_is_well() -> None:
    assert {} == unready(RED_AFTER_US, placed())


def test_store_away_for_a_minute_is_a_reason_to_be_unready() -> None:
    assert {"store": "away for 61 s"} == unready(RED_AFTER_US + 1_000_000, placed())


def test_worker_without_a_place_in_the_group_is_unready() -> None:
    assert ["kafka"] == list(unready(0, Places()))


def test_partitions_that_wait_to_be_placed_are_a_reason_to_be_unready() -> None:
    places = placed()
    places.rewind_all()

    assert {"partitions": "1 wait to be placed"} == unready(0, places)


def test_partition_that_was_put_off_keeps_nobody_from_being_ready_while_another_is_at_work() -> None:
    places = placed()
    places.unplaced.add(OTHER)

    places.put_off(OTHER, "no leader", until_us=9)

    assert {} == unready(0, places)
    assert {"sensors/0": "no leader"} == degraded(places)


def test_agent_of_which_no_partition_can_be_placed_is_unready() -> None:
    places = Places()
    places.assign([PARTITION])

    places.put_off(PARTITION, "no leader", until_us=9)

    assert {"partitions": "none can be placed: no leader"} == unready(0, places)


def test_stopped_partition_is_told_and_is_no_reason_to_be_unready() -> None:
    places = placed()
    places.stop(PARTITION, TOPIC_ID, "went back")

    assert {} == unready(0, places)
    assert {"quakes/3": "went back"} == degraded(places)


def test_stopped_partitions_are_told_on_the_private_page(probes: Probes) -> None:
    looking = watch(probes)
    looking.places.stop(PARTITION, TOPIC_ID, "went back")
    labels = {"topic": PARTITION.topic, "partition": str(PARTITION.partition)}

    with probes:
        looking.look()

    assert ({}, {"quakes/3": "went back"}) == (probes.unready, probes.degraded)
    assert 1 == REGISTRY.get_sample_value("tivo_agent_stopped_partitions", labels)

    looking.places.assign([])
    looking.look()

    assert REGISTRY.get_sample_value("tivo_agent_stopped_partitions", labels) is None


@pytest.mark.parametrize(("away_us", "told"), [(0, {}), (RED_AFTER_US + 1, {"store": "away for 60 s"})])
def test_probes_are_told(probes: Probes, away_us: int, told: dict[str, str]) -> None:
    with probes:
        watch(probes, away_us=away_us).look()

        assert told == probes.unready


def test_agent_gives_up_when_the_store_is_away_for_too_long(probes: Probes) -> None:
    with probes, pytest.raises(StoreAway, match="240 s"):
        watch(probes, away_us=GIVE_UP_AFTER_US + 1).look()


@pytest.mark.parametrize(("busy", "unplaced"), [(False, {PARTITION}), (True, set())])
def test_pages_lost_on_the_way_rewind_their_partition_unless_they_are_being_written(
    probes: Probes, busy: bool, unplaced: set[TP]
) -> None:
    looking = watch(probes, steady_us=NOW.steady_us + STALLED_US + 1, busy=busy)
    cut(looking.places, 0)

    with probes:
        looking.look()

    assert unplaced == looking.places.unplaced


async def test_stopped_partition_is_looked_at_again_though_kafka_is_away(probes: Probes) -> None:
    looking = watch(probes)
    looking.places.stop(PARTITION, TOPIC_ID, "went back")

    with probes:
        await looking.look_at_topics()

    assert {PARTITION: "went back"} == looking.places.stopped


async def test_cluster_is_not_asked_while_there_is_no_partition(probes: Probes) -> None:
    looking = watch(probes)
    looking.places.assign(())

    with probes:
        await looking.look_at_topics()


class Leaders:
    """A cluster that tells of one topic."""

    def __init__(self, led: Led) -> None:
        self.led = led

    async def leaders(self, topics: set[str]) -> dict[str, Led]:
        assert {PARTITION.topic} == topics
        return {PARTITION.topic: self.led}


@pytest.mark.parametrize(("epoch", "unplaced"), [(-1, set()), (4, {PARTITION})])
async def test_a_new_leader_epoch_has_a_partition_placed_anew(probes: Probes, epoch: int, unplaced: set[TP]) -> None:
    told = Leaders(Led(TOPIC_ID, {PARTITION.partition: 1}, {PARTITION.partition: epoch}))
    looking = replace(watch(probes), cluster=cast("Cluster", told))

    with probes:
        await looking.look_at_topics()

    assert unplaced == looking.places.unplaced


async def test_settled_buckets_are_merged() -> None:
    store = Late()

    with pytest.raises(Ended):
        await merge_pages(store, lambda: Now(SETTLED_US + 7, 0), every_s=0)

    assert 7 == store.before_us


async def test_merging_goes_on_after_the_store_was_away() -> None:
    store = Late(failures=1)

    with pytest.raises(Ended):
        await merge_pages(store, lambda: Now(0, 0), every_s=0)

    assert 3 == store.asked


async def test_watch_looks_until_the_store_is_given_up(probes: Probes) -> None:
    with probes, pytest.raises(StoreAway):
        await watch(probes, away_us=GIVE_UP_AFTER_US + 1).run()
