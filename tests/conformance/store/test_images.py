"""Images in a store: held, patched, moved and cut; and the state at any place, which is right whatever they are."""

from collections.abc import AsyncIterator, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.stores import EXAMPLES, KINDS, TOPIC, TOPIC_ID, fresh, page
from tivo.model.event import Cursor, Event, ValueKind
from tivo.store.base import Imaged, ImageHead, Store
from tivo.store.image import FIRST, behind, key_order, latest, place_of
from tivo.store.state import Place, before, state

OTHER_ID = b"another topic id"


def event(
    offset: int, time_us: int, key: bytes | None = b"a", *, partition: int = 0, value: bytes | None = b"1"
) -> Event:
    kind = ValueKind.NULL if value is None else ValueKind.JSON
    return Event(time_us, TOPIC, partition, offset, key, value, (), time_us, kind)


async def in_parts(*parts: Sequence[Event]) -> AsyncIterator[Sequence[Event]]:
    for part in parts:
        yield part


async def put(store: Store, at_us: int, *parts: Sequence[Event], partition: int = 0) -> ImageHead:
    told = await store.imaged(TOPIC_ID, partition)
    head = await store.put_image(TOPIC_ID, partition, at_us, in_parts(*parts), version=told.version)
    assert head is not None
    return head


async def contents(store: Store, image: int) -> list[Event]:
    """All events of an image, part by part."""
    events: list[Event] = []
    while True:
        part = await store.image_part(image, behind(place_of(events[-1])) if events else FIRST)
        assert part is not None
        if not part:
            return events
        events += part


async def state_at(store: Store, place: Place, **bounds: bytes | int | None) -> list[Event]:
    return [event async for events in state(store, place, **bounds) for event in events]  # type: ignore[arg-type]


async def place_at(store: Store, at_us: int) -> Place:
    return Place(topic_id=TOPIC_ID, until=before(TOPIC, at_us), upto=await store.frontier(TOPIC_ID))


def brute_force(events: Iterable[Event], place: Place) -> list[Event]:
    """The last event of every key, by looking at every event."""
    within = (event for event in events if event.cursor <= place.until)
    return latest(event for event in within if event.offset < place.upto.get(event.partition, 0))


# ------------------------------------------------------------ one image


async def test_nothing_was_ever_imaged(store: Store) -> None:
    assert Imaged(None, 0, []) == await store.imaged(TOPIC_ID, 0)
    assert {} == await store.image_before(TOPIC_ID, 10**15)
    assert await store.image_part(1, FIRST) is None
    assert await store.patch_image(1, [event(0, 1)], version=0) is None
    assert not await store.move_images(TOPIC_ID, 0, 1, version=0)
    assert await store.put_image(TOPIC_ID, 0, 5, in_parts([event(0, 1)]), version=0) is None


async def test_an_image_is_read_as_it_was_put(store: Store) -> None:
    await store.write(page(event(0, 1, b"b"), event(1, 2, None), event(2, 3, b""), event(3, 4, b"a", value=None)))
    assert await store.move_images(TOPIC_ID, 0, 4, version=0)
    parts = [[event(1, 2, None), event(2, 3, b"")], [event(3, 4, b"a", value=None)], [event(0, 1, b"b")]]

    head = await put(store, 5, *parts)

    assert (5, 4, 4) == (head.at_us, head.next, head.events)
    assert Imaged(4, 2, [head]) == await store.imaged(TOPIC_ID, 0)
    assert [each for part in parts for each in part] == await contents(store, head.image)
    assert [event(0, 1, b"b")] == await store.image_part(head.image, key_order(b"aa"))
    assert [] == await store.image_part(head.image, key_order(b"c"))


async def test_the_newest_image_at_or_before_a_time_is_found(store: Store) -> None:
    for partition in (0, 1):
        await store.write(page(event(0, 1, partition=partition)))
    heads = [await put(store, at_us, [event(0, 1)]) for at_us in (10, 30, 20)]
    other = await put(store, 15, [event(0, 1, partition=1)], partition=1)

    assert {} == await store.image_before(TOPIC_ID, 9)
    assert {0: heads[0]} == await store.image_before(TOPIC_ID, 10)
    assert {0: heads[2], 1: other} == await store.image_before(TOPIC_ID, 29)
    assert {} == await store.image_before(OTHER_ID, 29)
    assert [10, 20, 30] == [head.at_us for head in (await store.imaged(TOPIC_ID, 0)).heads]


async def test_an_image_takes_the_place_of_one_at_the_same_time(store: Store) -> None:
    await store.write(page(event(0, 1), event(1, 2)))
    old = await put(store, 10, [event(0, 1)])

    new = await put(store, 10, [event(1, 2)])

    assert await store.image_part(old.image, FIRST) is None
    assert [new] == (await store.imaged(TOPIC_ID, 0)).heads


async def test_who_knows_an_older_version_changes_nothing(store: Store) -> None:
    await store.write(page(event(0, 1), event(1, 2)))
    head = await put(store, 10, [event(0, 1)])
    told = await store.imaged(TOPIC_ID, 0)

    assert await store.put_image(TOPIC_ID, 0, 20, in_parts([event(0, 1)], [event(1, 2)]), version=0) is None
    assert await store.patch_image(head.image, [event(1, 2)], version=0) is None
    assert not await store.move_images(TOPIC_ID, 0, 2, version=0)

    assert told == await store.imaged(TOPIC_ID, 0)
    assert [event(0, 1)] == await contents(store, head.image)


async def test_an_image_that_another_overtakes_cannot_be_read_and_goes(store: Store) -> None:
    await store.write(page(event(0, 1), event(1, 2)))

    async def overtaken() -> AsyncIterator[Sequence[Event]]:
        yield [event(0, 1, b"a")]
        yield [event(0, 1, b"b")]
        assert [] == (await store.imaged(TOPIC_ID, 0)).heads
        assert await store.move_images(TOPIC_ID, 0, 2, version=0)
        yield [event(0, 1, b"c")]
        yield [event(0, 1, b"d")]

    assert await store.put_image(TOPIC_ID, 0, 10, overtaken(), version=0) is None
    assert [] == (await store.imaged(TOPIC_ID, 0)).heads

    head = await put(store, 10, [event(1, 2)])
    assert [event(1, 2)] == await contents(store, head.image)


# ------------------------------------------------------------ late events


async def test_a_patch_takes_what_is_later_of_its_key(store: Store) -> None:
    await store.write(page(event(0, 1)))
    head = await put(store, 10, [event(1, 5, b"a"), event(2, 5, b"c")], [event(3, 5, b"e")])
    late = [
        event(9, 4, b"a"),
        event(9, 4, b"b"),
        event(9, 6, b"c"),
        event(9, 4, b"d"),
        event(9, 5, b"e"),
        event(9, 4, b"f"),
    ]

    taken = await store.patch_image(head.image, late, version=1)

    assert [b"b", b"c", b"d", b"e", b"f"] == [each.key for each in taken or []]
    assert [1, 9, 9, 9, 9, 9] == [each.offset for each in await contents(store, head.image)]
    assert 6 == (await store.imaged(TOPIC_ID, 0)).heads[0].events
    assert [] == await store.patch_image(head.image, late, version=1)


async def test_an_image_without_events_is_patched(store: Store) -> None:
    await store.write(page(event(0, 1)))
    head = await put(store, 10)

    assert [event(0, 1)] == await store.patch_image(head.image, [event(0, 1)], version=1)
    assert [event(0, 1)] == await contents(store, head.image)


async def test_a_patched_part_is_cut_before_it_grows_too_large(store: Store) -> None:
    await store.write(page(event(0, 1)))
    keys = [f"{number:05}".encode() for number in range(6_000)]
    head = await put(store, 10, [event(0, 1, key) for key in keys[::2]])

    await store.patch_image(head.image, [event(1, 2, key) for key in keys[1::2]], version=1)

    assert keys == [each.key for each in await contents(store, head.image)]
    (patched,) = (await store.imaged(TOPIC_ID, 0)).heads
    assert (6_000, True) == (patched.events, patched.raw_bytes > head.raw_bytes)


# ------------------------------------------------------------ cut


async def test_a_cut_takes_the_images_of_what_is_dropped(store: Store) -> None:
    await store.write(page(event(0, 1)))
    await store.write(page(event(1, 20)))
    await store.move_images(TOPIC_ID, 0, 2, version=0)
    kept, gone = await put(store, 10, [event(0, 1)]), await put(store, 30, [event(1, 20)])
    version = (await store.imaged(TOPIC_ID, 0)).version

    await store.cut(TOPIC_ID, 0, 1)

    told = await store.imaged(TOPIC_ID, 0)
    assert (1, [kept._replace(next=1)]) == (told.next, told.heads)
    assert version < told.version
    assert await store.image_part(gone.image, FIRST) is None


async def test_a_cut_is_noticed_by_who_builds_from_what_was_there(store: Store) -> None:
    await store.write(page(event(0, 1)))
    await store.write(page(event(1, 20)))

    await store.cut(TOPIC_ID, 0, 1)

    assert await store.put_image(TOPIC_ID, 0, 30, in_parts([event(1, 20)]), version=0) is None


# ------------------------------------------------------------ the state


async def test_the_state_is_before_its_time_and_tells_what_was_deleted(store: Store) -> None:
    await store.write(page(event(0, 1, b"b"), event(1, 2, None), event(2, 3, b"a", value=None), event(3, 4, b"b")))

    assert [] == await state_at(store, await place_at(store, 1))
    assert [event(1, 2, None), event(2, 3, b"a", value=None), event(0, 1, b"b")] == await state_at(
        store, await place_at(store, 4)
    )
    assert [1, 2, 3] == [each.offset for each in await state_at(store, await place_at(store, 5))]


async def test_a_key_in_several_partitions_has_one_last_event(store: Store) -> None:
    await store.write(page(event(0, 1), event(1, 5)))
    await store.write(page(event(0, 3, partition=1), event(1, 5, partition=1)))
    await put(store, 4, [event(0, 1)])
    await put(store, 2, partition=1)
    for partition in (0, 1):
        await store.move_images(TOPIC_ID, partition, 2, version=1)

    assert [event(0, 3, partition=1)] == await state_at(store, await place_at(store, 5))
    assert [event(1, 5, partition=1)] == await state_at(store, await place_at(store, 6))
    behind_one = Place(topic_id=TOPIC_ID, until=Cursor(5, TOPIC, 0, 1), upto={0: 2, 1: 2})
    assert [event(1, 5)] == await state_at(store, behind_one)


async def test_an_image_of_a_whole_instant_is_none_of_a_place_inside_of_it(store: Store) -> None:
    await store.write(page(event(0, 5), event(1, 5), event(2, 5)))
    await store.move_images(TOPIC_ID, 0, 3, version=0)
    await put(store, 6, [event(2, 5)])

    assert [event(1, 5)] == await state_at(store, Place(topic_id=TOPIC_ID, until=Cursor(5, TOPIC, 0, 1), upto={0: 3}))
    assert [event(2, 5)] == await state_at(store, await place_at(store, 6))


async def test_an_image_that_goes_while_it_is_read_is_read_from_what_there_is_then(store: Store) -> None:
    events = [event(number, 1, f"{number:05}".encode()) for number in range(5_000)]
    await store.write(page(*events[:4_999]))
    await store.write(page(event(4_999, 5, b"99999")))
    await store.move_images(TOPIC_ID, 0, 5_000, version=0)
    await put(store, 7, [*events[:2_000]], [*events[2_000:4_999], event(4_999, 5, b"99999")])
    place = await place_at(store, 8)
    reading = state(store, place)

    found = await anext(reading)
    await store.cut(TOPIC_ID, 0, 4_999)
    found += [each async for more in reading for each in more]

    assert events[:4_999] == found


async def test_keys_that_are_too_many_to_be_held_are_read_in_stretches(store: Store) -> None:
    events = [event(number, number, f"{number * 7 % 300:03}".encode()) for number in range(600)]
    await store.write(page(*events))

    found = await state_at(store, await place_at(store, 10_000), fold_bytes=2_000)

    assert events[300:] == sorted(found)
    assert sorted(each.key or b"" for each in found) == [each.key for each in found]


async def test_a_stretch_of_keys_is_read_alone(store: Store) -> None:
    events = [event(number, number, f"{number}".encode()) for number in range(10)]
    await store.write(page(*events))
    await put(store, 5, events[:5])
    await store.move_images(TOPIC_ID, 0, 10, version=1)
    place = await place_at(store, 100)

    found = await state_at(store, place, start=key_order(b"3"), end=behind(key_order(b"7")))

    assert [b"3", b"4", b"5", b"6", b"7"] == [each.key for each in found]


# ------------------------------------------------------------ any images

keys = st.sampled_from([None, b"", b"a", b"b", b"c\x00", b"c"])
values = st.sampled_from([b"1", None])
times = st.integers(0, 60)


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data())
async def test_state_is_what_looking_at_every_event_finds(kind: str, data: st.DataObject) -> None:
    """Images at any times, in parts of any size, that lack nothing below their frontier; late events behind it."""
    events: list[Event] = []
    async with fresh(kind) as store:
        for partition in range(data.draw(st.integers(1, 3))):
            drawn = data.draw(st.lists(st.tuples(times, keys, values), min_size=1, max_size=20))
            mine = [event(at, t, k, partition=partition, value=v) for at, (t, k, v) in enumerate(drawn)]
            await store.write(page(*mine))
            complete_to = data.draw(st.integers(0, len(mine)))
            await store.move_images(TOPIC_ID, partition, complete_to, version=0)
            for at_us in data.draw(st.lists(times, max_size=4, unique=True)):
                known = data.draw(st.integers(complete_to, len(mine)))
                imaged = latest(each for each in mine[:known] if each.time_us < at_us)
                size = data.draw(st.integers(1, 7))
                parts = [imaged[first : first + size] for first in range(0, len(imaged), size)]
                await put(store, at_us, *parts, partition=partition)
            events += mine
        place = await place_at(store, data.draw(times))

        expected = brute_force(events, place)

        assert expected == await state_at(store, place, fold_bytes=data.draw(st.integers(1, 2_000)))
        start, end = sorted(data.draw(st.tuples(keys.map(key_order), keys.map(key_order))))
        assert [each for each in expected if start <= place_of(each) < end] == await state_at(
            store, place, start=start, end=end
        )


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data())
async def test_a_patched_image_is_one_made_of_all(kind: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.tuples(times, keys, values), min_size=1, max_size=30))
    events = [event(at, t, k, value=v) for at, (t, k, v) in enumerate(drawn)]
    late = data.draw(st.sets(st.sampled_from(events)))
    async with fresh(kind) as store:
        await store.write(page(*events))
        imaged = latest(each for each in events if each not in late)
        size = data.draw(st.integers(1, 7))
        head = await put(store, 99, *(imaged[first : first + size] for first in range(0, len(imaged), size)))

        taken = await store.patch_image(head.image, latest(late), version=1)

        assert latest(events) == await contents(store, head.image)
        assert [each for each in latest(events) if each in late] == taken
