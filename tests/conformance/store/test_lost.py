"""A store tells which offsets it will never hold, set aside or lost before they came, where a window is concerned."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.stores import (
    BUCKET_US,
    EXAMPLES,
    FOREVER,
    KINDS,
    TOPIC,
    TOPIC_ID,
    event,
    fresh,
    page,
    row,
)
from tivo.model.event import Frontier, Lost, Page
from tivo.model.timeline import MAX_TIME_US, SECOND_US, Window
from tivo.store.base import Store
from tivo.store.memory import MemoryStore

Reason = Literal["retention", "quarantine"]


def unseen(base: int, next: int, *, partition: int = 0) -> Page:
    return Page(topic=TOPIC, topic_id=TOPIC_ID, partition=partition, base=base, next=next, events=())


async def lost(store: Store, window: Window = FOREVER, *, above: Frontier | None = None, **upto: int) -> list[Lost]:
    """What is told of offsets up to `p0=…` in partition 0 and so on; of all of partition 0 unless told otherwise."""
    bounds = {int(partition[1:]): offset for partition, offset in upto.items()} or {0: 1_000}
    return await store.lost(TOPIC_ID, window, above=above or {}, upto=bounds)


async def test_store_that_holds_everything_has_lost_nothing(store: Store) -> None:
    assert [] == await lost(store)

    await store.write_all([row(0, 1, 2, 3), unseen(3, 9)])

    assert [] == await lost(store)


async def test_natural_holes_and_offsets_before_the_first_are_no_loss(store: Store) -> None:
    await store.write_all([page(event(105, 1), base=100, next=110), unseen(110, 120)])

    assert [] == await lost(store)


async def test_what_was_set_aside_is_told_where_its_times_lie_in_the_window(store: Store) -> None:
    await store.write(row(0, 10, 100))
    await store.quarantine(row(2, 30, 20), "quarantine", "cannot be held")
    await store.write(row(4, 5, 200))

    told = [Lost(0, 2, 4, "quarantine")]
    assert told == await lost(store, Window(20, 21))
    assert told == await lost(store, Window(30, 31))
    assert told == await lost(store, Window(None, 21))
    assert told == await lost(store, Window(30, None))
    assert [] == await lost(store, Window(31, 1_000))
    assert [] == await lost(store, Window(0, 20))
    assert [] == await lost(store, Window(25, 25))


@pytest.mark.parametrize("reason", ["retention", "quarantine"])
async def test_offsets_lost_unseen_may_have_lain_between_their_neighbours(store: Store, reason: Reason) -> None:
    await store.write(row(0, 50, 40, 60))
    await store.quarantine(unseen(3, 7), reason, "who knows when")
    told = [Lost(0, 3, 7, reason)]

    assert told == await lost(store, Window(40, 41))
    assert [] == await lost(store, Window(0, 40))
    assert told == await lost(store, Window(1_000, 1_001))

    await store.write(row(7, 90, 80, 100))

    assert told == await lost(store, Window(100, 101))
    assert [] == await lost(store, Window(101, 102))
    assert told == await lost(store, Window(70, 71))


async def test_rows_without_times_tell_nothing_of_when_their_neighbours_were(store: Store) -> None:
    await store.write_all([row(0, 50), unseen(1, 2)])
    await store.quarantine(unseen(2, 3), "quarantine", "a batch")
    await store.write(unseen(3, 4))
    await store.quarantine(unseen(4, 6), "retention", "expired")
    await store.write_all([unseen(6, 8), row(8, 70)])

    told = [Lost(0, 2, 3, "quarantine"), Lost(0, 4, 6, "retention")]
    assert told == await lost(store, Window(50, 51))
    assert told == await lost(store, Window(70, 71))
    assert [] == await lost(store, Window(71, 90))
    assert [] == await lost(store, Window(0, 50))


async def test_neighbours_out_of_order_bound_what_was_lost_all_the_same(store: Store) -> None:
    await store.write(row(0, 100))
    await store.quarantine(unseen(1, 2), "retention", "expired")
    await store.write(row(2, 50))

    assert [Lost(0, 1, 2, "retention")] == await lost(store, Window(70, 71))
    assert [] == await lost(store, Window(0, 50))
    assert [] == await lost(store, Window(101, 900))


async def test_lost_first_offsets_may_have_lain_at_any_time_before(store: Store) -> None:
    await store.quarantine(unseen(0, 5), "quarantine", "a batch")
    await store.write(row(5, 50))

    assert [Lost(0, 0, 5, "quarantine")] == await lost(store, Window(None, -1_000_000))
    assert [] == await lost(store, Window(51, None))


async def test_ranges_are_clipped_to_the_offsets_asked_for(store: Store) -> None:
    await store.write(row(0, 1))
    await store.quarantine(unseen(1, 10), "retention", "expired")

    assert [Lost(0, 1, 10, "retention")] == await lost(store, p0=10)
    assert [Lost(0, 3, 8, "retention")] == await lost(store, above={0: 3}, p0=8)
    assert [] == await lost(store, above={0: 10}, p0=99)
    assert [] == await lost(store, above={0: 5}, p0=5)
    assert [] == await lost(store, p0=1)
    assert [] == await lost(store, p1=99)


async def test_neighbours_of_one_reason_are_joined(store: Store) -> None:
    await store.quarantine(row(0, 5), "quarantine", "one")
    await store.quarantine(row(1, 6), "quarantine", "another")
    await store.quarantine(unseen(2, 4), "retention", "expired")
    await store.write(row(4, 9))
    await store.quarantine(row(5, 9), "quarantine", "a third")

    told = [Lost(0, 0, 2, "quarantine"), Lost(0, 2, 4, "retention"), Lost(0, 5, 6, "quarantine")]
    assert told == await lost(store)
    assert [Lost(0, 1, 2, "quarantine")] == await lost(store, Window(6, 7), p0=2)


async def test_partitions_come_in_turn(store: Store) -> None:
    await store.quarantine(row(0, 5, partition=1), "quarantine", "one")
    await store.quarantine(row(0, 5), "quarantine", "one")
    await store.quarantine(row(1, 5, partition=1), "quarantine", "one")

    assert [Lost(0, 0, 1, "quarantine"), Lost(1, 0, 2, "quarantine")] == await lost(store, p1=9, p0=9)
    assert [Lost(1, 1, 2, "quarantine")] == await lost(store, above={0: 1, 1: 1}, p1=9, p0=9)


async def test_only_the_rest_beyond_the_frontier_is_set_aside(store: Store) -> None:
    await store.write(row(0, 1, 2))
    await store.quarantine(row(0, 1, 2, 30), "quarantine", "came again")

    assert [Lost(0, 2, 3, "quarantine")] == await lost(store)
    assert [] == await lost(store, Window(0, 30))


async def test_times_that_no_event_may_have_are_told_at_the_end_of_time(store: Store) -> None:
    await store.quarantine(page(event(0, MAX_TIME_US * 9)), "quarantine", "beyond the year 9999")

    assert [Lost(0, 0, 1, "quarantine")] == await lost(store, Window(MAX_TIME_US, None))


async def test_topic_made_anew_has_lost_nothing_of_the_old_one(store: Store) -> None:
    await store.quarantine(row(0, 5), "quarantine", "one")

    assert [] == await store.lost(bytes(16), FOREVER, above={}, upto={0: 9})


# ---------------------------------------------------------------- against a store too simple to be wrong


@dataclass(frozen=True)
class Step:
    """A page that was written, or lost for a reason."""

    page: Page
    reason: Reason | None


@dataclass
class Model:
    """Looks at every offset of every step."""

    steps: Sequence[Step] = field(default_factory=list)

    def lost(self, window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
        offsets = [
            (step.page.partition, offset, step.reason)
            for step in self.steps
            if step.reason is not None and self._may_lie_in(step, window)
            for offset in range(step.page.base, step.page.next)
            if above.get(step.page.partition, 0) <= offset < upto.get(step.page.partition, 0)
        ]
        return list(joined(sorted(offsets)))

    def _may_lie_in(self, step: Step, window: Window) -> bool:
        low, high = self._times(step)
        return (
            not window.is_empty
            and (window.end_us is None or low is None or low < window.end_us)
            and (window.start_us is None or high is None or window.start_us <= high)
        )

    def _times(self, lost: Step) -> tuple[int | None, int | None]:
        if lost.page.events:
            return min(event.time_us for event in lost.page.events), max(event.time_us for event in lost.page.events)
        seen = [step.page for step in self.steps if step.page.partition == lost.page.partition and step.page.events]
        before = [page for page in seen if page.base < lost.page.base]
        behind = [page for page in seen if page.base >= lost.page.next]
        low = min(event.time_us for event in before[-1].events) if before else None
        high = max(event.time_us for event in behind[0].events) if behind else None
        return (high, low) if low is not None and high is not None and high < low else (low, high)


def joined(offsets: Iterable[tuple[int, int, Reason]]) -> Iterable[Lost]:
    """Runs of offsets of one partition and reason, as ranges."""
    for (partition, reason, _), run in groupby(
        enumerate(offsets), key=lambda each: (each[1][0], each[1][2], each[1][1] - each[0])
    ):
        found = [offset for _, (_, offset, _) in run]
        yield Lost(partition, found[0], found[-1] + 1, reason)


times = st.integers(-2, 30).map(lambda second: second * SECOND_US)
bounds = st.dictionaries(st.integers(0, 2), st.integers(0, 60))


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Pages of two partitions in turn, with and without events, held or lost."""
    frontier, steps = [0, 0], []
    for _ in range(draw(st.integers(0, 12))):
        partition, reason = draw(st.integers(0, 1)), draw(st.sampled_from([None, None, "retention", "quarantine"]))
        base, found = frontier[partition], draw(st.lists(times, max_size=4))
        events = (
            ()
            if reason == "retention"
            else tuple(event(base + at, time_us, partition=partition) for at, time_us in enumerate(found))
        )
        frontier[partition] += len(found) + draw(st.integers(0 if events else 1, 2))
        steps.append(
            Step(
                Page(
                    topic=TOPIC,
                    topic_id=TOPIC_ID,
                    partition=partition,
                    base=base,
                    next=frontier[partition],
                    events=events,
                ),
                reason,
            )
        )
    return steps


async def take(store: Store, steps: Iterable[Step]) -> None:
    for step in steps:
        if step.reason is None:
            await store.write(step.page)
        else:
            await store.quarantine(step.page, step.reason, "told")


windows = st.builds(Window, st.one_of(st.none(), times), st.one_of(st.none(), times))


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(steps=histories(), asked=st.lists(st.tuples(windows, bounds, bounds), min_size=1, max_size=6))
def test_what_is_lost_equals_a_look_at_every_offset(
    kind: str, steps: list[Step], asked: list[tuple[Window, dict[int, int], dict[int, int]]]
) -> None:
    async def compare() -> None:
        async with fresh(kind) as store:
            await take(store, steps)
            for window, above, upto in asked:
                expected = Model(steps).lost(window, above=above, upto=upto)
                assert expected == await store.lost(TOPIC_ID, window, above=above, upto=upto)

    asyncio.run(compare())


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(steps=histories(), window=windows)
def test_merging_denies_no_loss(kind: str, steps: list[Step], window: Window) -> None:
    """Neighbours that were merged know less of when it was: more may be told, of what is lost, and never less."""
    upto = {0: 60, 1: 60}

    async def compare() -> None:
        async with fresh(kind) as store:
            await take(store, steps)
            before = await store.lost(TOPIC_ID, window, above={}, upto=upto)
            while await store.merge(before_us=60 * SECOND_US + BUCKET_US, limit=50):
                pass
            behind = await store.lost(TOPIC_ID, window, above={}, upto=upto)

            assert set(each_offset(before)) <= set(each_offset(behind))
            assert set(each_offset(behind)) <= set(each_offset(Model(steps).lost(FOREVER, above={}, upto=upto)))

    asyncio.run(compare())


def each_offset(ranges: Iterable[Lost]) -> list[tuple[int, int, str]]:
    return [(each.partition, offset, each.reason) for each in ranges for offset in range(each.base, each.next)]


# ---------------------------------------------------------------- faults on purpose


class DeafStore(MemoryStore):
    """Tells the same whatever the window."""

    async def lost(self, topic_id: bytes, window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
        return await super().lost(topic_id, FOREVER, above=above, upto=upto)


class LooseStore(MemoryStore):
    """Tells whole ranges, whatever was asked for."""

    async def lost(self, topic_id: bytes, window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
        everything = await super().lost(topic_id, window, above={}, upto=dict.fromkeys(upto, 1_000))
        return [
            each for each in everything if each.next > above.get(each.partition, 0) and each.base < upto[each.partition]
        ]


class BlindStore(MemoryStore):
    """Tells only of what it has seen: offsets lost unseen pass for natural holes."""

    async def quarantine(self, page: Page, loss: Reason, why: str) -> None:
        await (super().quarantine(page, loss, why) if page.events else self.write(page))


@pytest.mark.parametrize(
    ("faulty", "check"),
    [
        (DeafStore, test_what_was_set_aside_is_told_where_its_times_lie_in_the_window),
        (LooseStore, test_ranges_are_clipped_to_the_offsets_asked_for),
        (BlindStore, test_lost_first_offsets_may_have_lain_at_any_time_before),
    ],
)
async def test_fault_on_purpose_is_noticed(faulty, check) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AssertionError):
        await check(faulty())
