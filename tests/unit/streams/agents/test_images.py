"""The builder's rounds: each partition has its turn, one that fails or is busy holds up no other."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from streams.agents.images import MOST_PAUSES, ImageBuilder, build_images, standing_back, turns
from streams.agents.persist import Keeper, Patience
from streams.images import Spacing
from streams.places import Places
from tests.unit.streams.fetched import NOW, OTHER, OTHER_ID, PARTITION, TOPIC_ID
from tivo.model.errors import StoreError
from tivo.model.event import Event, Page, ValueKind
from tivo.model.timeline import Window
from tivo.store.base import Found, Imaged
from tivo.store.image import FIRST, FOLD_BYTES, behind, place_of
from tivo.store.memory import MemoryStore

SPACING = Spacing(every_bytes=100, bucket_us=10**12)


class Half(MemoryStore):
    """A store that is away for one topic."""

    away = b""

    async def imaged(self, topic_id: bytes, partition: int) -> Imaged:
        if topic_id == self.away:
            raise StoreError("away")
        return await super().imaged(topic_id, partition)


class Ended(Exception):
    """The test has seen enough."""


async def at_once() -> None:
    """Stand back for nobody."""


async def held(store: MemoryStore, topic_id: bytes, topic: str, partition: int, count: int) -> None:
    events = tuple(Event(at, topic, partition, at, b"key", b"1", (), 0, ValueKind.JSON) for at in range(count))
    await store.write(Page(topic=topic, topic_id=topic_id, partition=partition, base=0, next=count, events=events))


@pytest.fixture
async def store() -> Half:
    made = Half()
    await held(made, TOPIC_ID, "quakes", 3, 20)
    await held(made, OTHER_ID, "sensors", 0, 10)
    return made


def places(*, quakes: int = 20, sensors: int = 10) -> Places:
    made = Places()
    made.assign([PARTITION, OTHER])
    made.put(PARTITION, TOPIC_ID, quakes, now_us=0)
    made.put(OTHER, OTHER_ID, sensors, now_us=0)
    return made


def builder(store: MemoryStore) -> ImageBuilder:
    return ImageBuilder(store, SPACING, stand_back=at_once)


async def lags(building: ImageBuilder, mine: Places) -> dict[tuple[str, int], int]:
    return {place: lag async for place, lag in turns(building, mine)}


async def test_every_partition_has_its_turn(store: Half) -> None:
    assert {("quakes", 3): 0, ("sensors", 0): 0} == await lags(builder(store), places())

    assert (await store.imaged(TOPIC_ID, 3)).heads
    assert (await store.imaged(OTHER_ID, 0)).heads


async def test_a_partition_whose_store_is_away_holds_up_no_other(store: Half, caplog: pytest.LogCaptureFixture) -> None:
    building = builder(store)
    store.away = TOPIC_ID

    assert {("sensors", 0): 0} == await lags(building, places())
    assert {("sensors", 0): 0} == await lags(building, places())
    assert 1 == caplog.text.count("quakes/3: its images wait: away"), "told once"

    store.away = b""
    assert 0 == (await lags(building, places()))["quakes", 3]


async def test_trouble_with_a_partition_that_comes_back_is_told_again(
    store: Half, caplog: pytest.LogCaptureFixture
) -> None:
    building, elsewhere = builder(store), Places()
    store.away = TOPIC_ID

    for mine in (places(), elsewhere, places()):
        await lags(building, mine)

    assert 2 == caplog.text.count("quakes/3: its images wait: away")


class Generous(MemoryStore):
    """A store that gives more at a time than a fold holds."""

    async def read(self, topic_id: bytes, window: Window, **bounds: Any) -> Found:
        return await super().read(topic_id, window, **{**bounds, "max_bytes": 4 * FOLD_BYTES})


async def test_late_events_reach_the_images_behind_them_however_large_they_are_together() -> None:
    store = Generous()
    await held(store, TOPIC_ID, "quakes", 3, 20)
    building = builder(store)
    await building.turn("quakes", TOPIC_ID, 3, 20)
    first = (await store.imaged(TOPIC_ID, 3)).heads[0]
    value = bytes(FOLD_BYTES // 4)
    late = tuple(Event(0, "quakes", 3, 20 + at, bytes([at]), value, (), 0, ValueKind.BINARY) for at in range(6))
    page = Page(topic="quakes", topic_id=TOPIC_ID, partition=3, base=20, next=26, events=late)
    await store.write(page)

    assert 0 == await building.turn("quakes", TOPIC_ID, 3, 26)

    place, found = FIRST, []
    while events := await store.image_part(first.image, place):
        found += [event.key for event in events]
        place = behind(place_of(events[-1]))
    assert {event.key for event in late} <= set(found)


async def test_a_partition_that_others_have_by_now_is_forgotten(store: Half) -> None:
    building, mine = builder(store), places()
    await lags(building, mine)
    assert {(TOPIC_ID, 3), (OTHER_ID, 0)} == building.known

    mine.assign([PARTITION])
    mine.put(PARTITION, TOPIC_ID, 20, now_us=0)
    await lags(building, mine)

    assert {(TOPIC_ID, 3)} == building.known


async def test_a_partition_that_holds_nothing_yet_has_no_images(store: Half) -> None:
    mine = Places()
    mine.assign([PARTITION])
    mine.put(PARTITION, b"a topic id of now", 500, now_us=0)

    assert {} == await lags(builder(store), mine)


async def test_what_images_lack_is_measured(store: Half) -> None:
    class Once(ImageBuilder):
        async def turn(self, topic: str, topic_id: bytes, partition: int, upto: int) -> int | None:
            if self.known:
                raise Ended
            lag = await super().turn(topic, topic_id, partition, upto)
            return None if lag is None else lag + 7

    mine = Places()
    mine.assign([PARTITION])
    mine.put(PARTITION, TOPIC_ID, 20, now_us=0)
    with pytest.raises(Ended):
        await build_images(Once(store, SPACING, stand_back=at_once), mine, every_s=0)

    assert 7 == REGISTRY.get_sample_value("tivo_agent_image_lag_offsets", {"topic": "quakes", "partition": "3"})
    assert 1 <= (REGISTRY.get_sample_value("tivo_agent_images_total", {"topic": "quakes"}) or 0)


async def test_a_partition_that_others_have_by_now_is_measured_no_more(store: Half) -> None:
    mine = places()

    class Moved(ImageBuilder):
        """Gives its partitions away after a round, but for one."""

        turns = 0

        async def turn(self, topic: str, topic_id: bytes, partition: int, upto: int) -> int | None:
            self.turns += 1
            if self.turns > 2:
                raise Ended
            if self.turns == 2:
                mine.assign([OTHER])
                mine.put(OTHER, OTHER_ID, 10, now_us=0)
            return 5

    with pytest.raises(Ended):
        await build_images(Moved(store, SPACING, stand_back=at_once), mine, every_s=0)

    name = "tivo_agent_image_lag_offsets"
    assert None is REGISTRY.get_sample_value(name, {"topic": "quakes", "partition": "3"})
    assert 5 == REGISTRY.get_sample_value(name, {"topic": "sensors", "partition": "0"})


async def test_it_stands_back_for_pages_but_not_for_ever() -> None:
    keeper = Keeper(MemoryStore(), Places(), Patience(lambda: 0), lambda: NOW)
    looks = []

    class Busy(Keeper):
        @property
        def busy(self) -> bool:
            looks.append(1)
            return True

        @busy.setter
        def busy(self, value: bool) -> None:
            """It always is."""

    await standing_back(keeper)()
    await standing_back(Busy(MemoryStore(), Places(), Patience(lambda: 0), lambda: NOW))()

    assert MOST_PAUSES == len(looks)
