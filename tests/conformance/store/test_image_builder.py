"""Whatever is written, cut and merged, wherever the builder ends: images and the state at any place are right."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.images import ImageBuilder
from streams.images import Spacing
from tests.conformance.store.stores import BUCKET_US, EXAMPLES, KINDS, TOPIC, TOPIC_ID, everything, fresh
from tests.conformance.store.test_images import brute_force, contents, event, keys, place_at, state_at, values
from tivo.model.errors import StoreError
from tivo.model.event import Page
from tivo.model.timeline import SECOND_US
from tivo.store.base import Store
from tivo.store.image import latest


class Mortal:
    """A store to whoever lives for so many calls of it."""

    def __init__(self, store: Store, calls: int, death: Callable[[], Exception]) -> None:
        self._store = store
        self._left = calls
        self._death = death

    def __getattr__(self, name: str) -> Any:
        self._left -= 1
        if self._left < 0:
            raise self._death()
        return getattr(self._store, name)


class Killed(Exception):
    """The process is gone."""


async def at_once() -> None:
    """Stand back for nobody."""


def builder(store: Store, *, every_bytes: int = 1_000, bucket_us: int = BUCKET_US) -> ImageBuilder:
    return ImageBuilder(store, Spacing(every_bytes=every_bytes, bucket_us=bucket_us), stand_back=at_once)


async def turn(building: ImageBuilder, store: Store, partition: int = 0) -> int | None:
    frontier = await store.frontier(TOPIC_ID)
    return await building.turn(TOPIC, TOPIC_ID, partition, frontier.get(partition, 0))


async def write(store: Store, partition: int, drawn: list[tuple[int, bytes | None, bytes | None]]) -> None:
    base = (await store.frontier(TOPIC_ID)).get(partition, 0)
    owned = (await store.owned(TOPIC_ID)).get(partition)
    events = tuple(
        event(base + at, time_us, key, partition=partition, value=value)
        for at, (time_us, key, value) in enumerate(drawn)
    )
    await store.write(
        Page(
            topic=TOPIC,
            topic_id=TOPIC_ID,
            partition=partition,
            base=base,
            next=base + len(events),
            events=events,
            owner_epoch=owned.owner_epoch if owned else 0,
        )
    )


async def check_images(store: Store, partition: int) -> None:
    """Every image holds what it must, and nothing that is not in the store or comes later than its time."""
    events = [each for each in await everything(store) if each.partition == partition]
    told = await store.imaged(TOPIC_ID, partition)
    assert [*pairwise(sorted({head.at_us for head in told.heads}))] == [
        (one.at_us, other.at_us) for one, other in pairwise(told.heads)
    ]
    for head in told.heads:
        held = await contents(store, head.image)
        earlier = [each for each in events if each.time_us < head.at_us]
        least = latest(each for each in earlier if each.offset < (told.next or 0))
        assert held == latest(held, least)
        assert set(held) <= set(earlier)
        assert len(held) == head.events


times = st.integers(0, 6).map(lambda n: n * 5 * SECOND_US)
pages = st.lists(st.tuples(times, keys, values), min_size=1, max_size=12)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), pages),
        st.tuples(st.just("turn"), st.integers(0, 1), st.none()),
        st.tuples(st.just("killed"), st.integers(0, 1), st.integers(0, 25)),
        st.tuples(st.just("away"), st.integers(0, 1), st.integers(0, 25)),
        st.tuples(st.just("cut"), st.integers(0, 1), st.integers(0, 20)),
        st.tuples(st.just("merge"), st.just(0), st.none()),
        st.tuples(st.just("other"), st.integers(0, 1), st.none()),
    ),
    max_size=14,
)


async def take(step: tuple[str, int, Any], store: Store, building: ImageBuilder) -> ImageBuilder:
    """Do a step; the builder from then on."""
    what, partition, how = step
    match what:
        case "write":
            await write(store, partition, how)
        case "turn":
            await turn(building, store, partition)
        case "killed" | "away":
            death = Killed if what == "killed" else lambda: StoreError("away")
            mortal = builder(cast(Store, Mortal(store, how, death)))
            with suppress(Killed, StoreError):
                await turn(mortal, store, partition)
            return builder(store) if what == "killed" else building
        case "other":
            await turn(builder(store, every_bytes=300), store, partition)
        case "cut":
            await store.cut(TOPIC_ID, partition, how)
        case "merge":
            await store.merge(before_us=100 * SECOND_US, limit=100)
    return building


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(steps=steps, at_us=times)
async def test_state_and_images_are_right_after_whatever_happened(
    kind: str, steps: list[tuple[str, int, Any]], at_us: int
) -> None:
    async with fresh(kind) as store:
        building = builder(store)
        for step in steps:
            building = await take(step, store, building)
            place = await place_at(store, at_us)
            assert brute_force(await everything(store), place) == await state_at(store, place)
        for partition in (0, 1):
            await check_images(store, partition)
        for partition in (0, 1):
            lags = [await turn(building, store, partition) for _ in range(3)]
            assert lags[-1] == (0 if partition in await store.frontier(TOPIC_ID) else lags[-1])
            await check_images(store, partition)
        place = await place_at(store, at_us)
        assert brute_force(await everything(store), place) == await state_at(store, place)


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(rounds=st.lists(pages, min_size=1, max_size=8), at_us=times, fold_bytes=st.integers(1, 1_000))
async def test_what_is_read_while_images_are_built_is_no_older_than_when_it_began(
    kind: str, rounds: list[list[tuple[int, bytes | None, bytes | None]]], at_us: int, fold_bytes: int
) -> None:
    """Of what comes meanwhile it may tell some, of each key a whole event."""
    async with fresh(kind) as store:
        await write(store, 0, rounds[0])
        building = builder(store, every_bytes=300)
        place = await place_at(store, at_us)

        async def go_on() -> None:
            for drawn in rounds:
                await turn(building, store)
                await write(store, 0, drawn)
            await turn(building, store)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(go_on())
            reading = tasks.create_task(state_at(store, place, fold_bytes=fold_bytes))
        found = reading.result()

        events = await everything(store)
        least, most = brute_force(events, place), brute_force(events, await place_at(store, at_us))
        assert latest(least, found) == found
        assert latest(found, most) == most
        assert {each.key for each in found} >= {each.key for each in least}
        assert set(found) <= set(events)


def steadily(count: int, *, start: int = 0, keys: int = 5) -> list[tuple[int, bytes | None, bytes | None]]:
    """Events a second apart."""
    return [(at * SECOND_US, b"key %d" % (at % keys), b"1" * 50) for at in range(start, start + count)]


async def at_seconds(store: Store) -> list[int]:
    return [head.at_us // SECOND_US for head in (await store.imaged(TOPIC_ID, 0)).heads]


async def test_images_lie_every_so_many_bytes(store: Store) -> None:
    await write(store, 0, steadily(200))  # of 117 bytes each

    await turn(builder(store, every_bytes=3_000, bucket_us=10**9 * SECOND_US), store)

    gaps = {other - one for one, other in pairwise(await at_seconds(store))}
    assert gaps and all(35 <= gap <= 50 for gap in gaps), "five keys of 117 bytes, each seven times: 35 events"


async def test_images_are_worth_their_bytes(store: Store) -> None:
    await write(store, 0, steadily(1_000, keys=1_000))

    await turn(builder(store, every_bytes=3_000), store)

    assert [10, 80, 640] == await at_seconds(store), "ten keys, and seven times as many events later"


async def test_an_image_lies_at_each_bucket_start_that_is_worth_it(store: Store) -> None:
    await write(store, 0, steadily(100, keys=1))
    await write(store, 0, [(200 * SECOND_US, b"key 0", b"1"), (220 * SECOND_US, b"key 0", b"1")])

    await turn(builder(store, every_bytes=10**6, bucket_us=30 * SECOND_US), store)

    assert [30, 60, 90, 180] == await at_seconds(store), "one event was not worth one at 210 s"


async def test_a_bucket_that_begins_gets_its_image_with_the_next_turn(store: Store) -> None:
    building = builder(store, every_bytes=10**6, bucket_us=30 * SECOND_US)
    await write(store, 0, steadily(25, keys=1))
    assert 0 == await turn(building, store)
    assert [] == await at_seconds(store)

    await write(store, 0, steadily(6, start=25, keys=1))
    assert 0 == await turn(building, store)

    assert [30] == await at_seconds(store)


async def test_events_of_an_earlier_day_get_images_of_their_own(store: Store) -> None:
    building = builder(store, every_bytes=3_000, bucket_us=10**9 * SECOND_US)
    await write(store, 0, steadily(60, start=10_000))
    await turn(building, store)
    (first,) = await at_seconds(store)
    assert 10_000 < first

    await write(store, 0, steadily(300))
    await turn(building, store)

    *earlier, last = await at_seconds(store)
    assert (True, first) == (len(earlier) > 4, last)
    assert all(at <= 10_000 for at in earlier)
    await check_images(store, 0)


async def test_a_late_event_is_in_every_image_up_to_a_later_one_of_its_key(store: Store) -> None:
    building = builder(store, every_bytes=10**6, bucket_us=30 * SECOND_US)
    await write(store, 0, steadily(125, keys=1))
    await write(store, 0, [(70 * SECOND_US, b"again", b"1"), (125 * SECOND_US, b"key 0", b"1")])
    await turn(building, store)

    await write(store, 0, [(5 * SECOND_US, b"again", b"late"), (6 * SECOND_US, b"never", b"late")])
    assert 0 == await turn(building, store)

    told = await store.imaged(TOPIC_ID, 0)
    held = [[(each.key, each.value) for each in (await contents(store, head.image))[:1]] for head in told.heads]
    assert [30, 60, 90, 120] == await at_seconds(store)
    assert [[(b"again", b"late")]] * 2 + [[(b"again", b"1")]] * 2 == held
    for head in told.heads:
        assert b"never" == (await contents(store, head.image))[-1].key
        assert 3 == len(await contents(store, head.image))


async def test_what_is_all_of_one_time_is_not_read_again_and_again(store: Store) -> None:
    building = builder(store, every_bytes=1_000)
    await write(store, 0, [(5, b"key", b"1" * 50)] * 100)
    await turn(building, store)
    counting = Mortal(store, 10**6, Killed)
    building._store = cast(Store, counting)

    await write(store, 0, [(5, b"key", b"1")])
    await turn(building, store)

    assert [] == await at_seconds(store)
    assert 10**6 - 2 == counting._left, "asks for the ledger, moves the frontier, reads nothing"


async def test_more_keys_than_a_fold_holds_make_an_image_all_the_same(store: Store) -> None:
    await write(store, 0, [(at, b"key %06d" % at, b"1" * 900_000) for at in range(45)])
    await write(store, 0, [(10**6, b"last", b"2")])

    await turn(builder(store, every_bytes=40_000_000), store)

    assert 45 == (await store.imaged(TOPIC_ID, 0)).heads[-1].events
    await check_images(store, 0)


async def test_a_builder_that_is_overtaken_looks_again(store: Store) -> None:
    one, other = builder(store), builder(store)
    await write(store, 0, steadily(10))
    assert (0, 0) == (await turn(one, store), await turn(other, store))
    await write(store, 0, steadily(10))

    assert 0 == await turn(one, store)
    await write(store, 0, steadily(10))
    assert None is await turn(other, store)
    assert 0 == await turn(other, store)
