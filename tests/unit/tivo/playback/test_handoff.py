"""A track is told what the store and the log hold, read by read, and is held to what it asks for next."""

from collections.abc import Sequence
from sys import maxsize

import pytest

from tests.unit.tivo.playback.events import event, offsets, topic
from tivo.model.event import Cursor, Event, Frontier, Lost
from tivo.model.timeline import Window
from tivo.playback.effects import Cancel, Effect, ReadBounds, ReadFrontier, ReadPage, ReadTail, TailPlace
from tivo.playback.facts import BoundsRead, FrontierRead, PageRead, Source, TailRead, TailSlice
from tivo.playback.handoff import Stage, Track
from tivo.playback.merge import FIRST, LAST, behind
from tivo.playback.notices import Gap
from tivo.playback.progress import Bounds, Plan, Progress, Start

ALWAYS = Window()


class Reading:
    """A track, its reads numbered in turn."""

    def __init__(
        self,
        progress: Progress | None = None,
        *,
        start: Start = Start.HISTORY,
        window: Window = ALWAYS,
        partitions: int = 1,
        plan: Plan | None = None,
    ) -> None:
        self.track = Track(
            topic(partitions=partitions), window, progress or Progress(), start=start, plan=plan or Plan(Bounds())
        )
        self.reads = 0

    def asks(self) -> list[Effect]:
        self.reads += 1
        return self.track.reads(self.reads)

    def asked(self) -> Effect:
        (only,) = self.asks()
        return only

    def bounds(self, **ends: int) -> None:
        assert isinstance(self.asks()[-1], ReadBounds)
        self.track.take_bounds(BoundsRead(self.reads, _places(ends)))

    def frontier(self, *lost: Lost, **ends: int) -> ReadFrontier:
        asked = self.asked()
        assert isinstance(asked, ReadFrontier)
        self.track.take_frontier(FrontierRead(self.reads, _places(ends), lost))
        return asked

    def page(self, *events: Event, last: bool = True) -> ReadPage:
        asked = self.asked()
        assert isinstance(asked, ReadPage)
        self.track.take_page(PageRead(self.reads, list(events), last))
        return asked

    def tail(self, *pieces: TailSlice) -> ReadTail:
        asked = self.asks()[-1]
        assert isinstance(asked, ReadTail)
        self.track.take_tail(TailRead(self.reads, list(pieces)))
        return asked


def _places(ends: dict[str, int]) -> Frontier:
    return {int(name[1:]): end for name, end in ends.items()}


def piece(base: int, *events: Event, end: int | None = None, partition: int = 0, start: int = 0) -> TailSlice:
    """A slice that reads to its last event, of a log that ends there too unless told."""
    reached = events[-1].offset + 1 if events else base
    return TailSlice(partition, base, reached, start, reached if end is None else end, events)


def numbered(*times: int, first: int = 0, partition: int = 0) -> list[Event]:
    return [event(time_us, offset=first + index, partition=partition) for index, time_us in enumerate(times)]


# ---------------------------------------------------------------- the store


def test_the_frontier_is_taken_before_the_page() -> None:
    reading = Reading()

    frontier = reading.asked()
    reading.track.take_frontier(FrontierRead(1, {0: 5}))
    page = reading.asked()

    assert ReadFrontier(1, topic(), reading.track.window, {}) == frontier
    assert isinstance(page, ReadPage)
    assert ({0: 5}, {}, None, None) == (page.upto, page.above, page.after, page.until)


def test_one_read_is_under_way_at_a_time() -> None:
    reading = Reading()

    first, second = reading.asks(), reading.asks()

    assert 1 == len(first)
    assert [] == second


def test_pages_follow_each_other_each_behind_the_last_event() -> None:
    reading = Reading()
    reading.frontier(p0=9)
    reading.page(*numbered(10, 20), last=False)
    reading.frontier(p0=9)

    page = reading.page(*numbered(30, first=2), last=False)

    assert Cursor(20, "a", 0, 1) == page.after
    assert Cursor(30, "a", 0, 2) == reading.track.horizon
    assert [0, 1, 2] == offsets(reading.track.buffer.all())


def test_late_events_are_read_before_the_next_page() -> None:
    reading = Reading()
    reading.frontier(p0=2)
    reading.page(*numbered(10, 20), last=False)
    reading.frontier(p0=4)

    late = reading.page(event(15, offset=2))
    page = reading.page(event(30, offset=3))

    assert ({0: 2}, {0: 4}, Cursor(20, "a", 0, 1)) == (late.above, late.upto, late.until)
    assert ({}, {0: 4}, Cursor(20, "a", 0, 1)) == (page.above, page.upto, page.after)
    assert [0, 2, 1, 3] == offsets(reading.track.buffer.all())


def test_late_events_come_in_pages_too() -> None:
    reading = Reading()
    reading.frontier(p0=1)
    reading.page(event(20), last=False)
    reading.frontier(p0=9)
    reading.page(event(5, offset=1), last=False)
    reading.page(last=False)

    third = reading.page(event(6, offset=2))

    assert Cursor(5, "a", 0, 1) == third.after
    assert Stage.PAGE is reading.track.stage


def test_a_store_that_holds_nothing_is_not_asked_for_a_page() -> None:
    reading = Reading()

    reading.frontier()
    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert (TailPlace(0, None, None, 512),) == tail.places
    assert not tail.wait


def test_reading_ahead_is_bounded() -> None:
    reading = Reading(plan=Plan(Bounds(events=8)))
    reading.frontier(p0=99)
    reading.page(*numbered(*range(8)), last=False)

    before = reading.asks()
    reading.track.sent(numbered(*range(5)))
    after = reading.asks()

    assert [] == before
    assert 1 == len(after)


def test_large_events_are_read_fewer_at_a_time() -> None:
    reading = Reading(plan=Plan(Bounds(events=2_000, bytes=1 << 20)))
    reading.frontier(p0=99)
    reading.page(event(1, value=b"x" * (1 << 18)), last=False)
    reading.track.sent(numbered(1))
    reading.frontier(p0=99)

    page = reading.page()

    assert 1 == page.limit


def test_a_filter_keeps_events_out() -> None:
    reading = Reading(plan=Plan(Bounds(), passes=lambda found: found.offset != 1))
    reading.frontier(p0=3)

    reading.page(*numbered(1, 2, 3))

    assert [0, 2] == offsets(reading.track.buffer.all())


# ---------------------------------------------------------------- from the store to the log


def test_the_log_goes_on_at_the_frontier() -> None:
    reading = Reading(partitions=2)
    reading.frontier(p0=2)
    reading.page(*numbered(10, 20))

    tail = reading.tail(piece(2, event(30, offset=2)), piece(0, event(5, partition=1), partition=1))

    assert (TailPlace(0, 2, None, 512), TailPlace(1, None, None, 512)) == tail.places
    assert [0, 0, 1, 2] == sorted(offsets(reading.track.buffer.all()))
    assert LAST == reading.track.horizon
    assert {0: 0, 1: 0} == reading.track.unsent
    assert {0: 3, 1: 1} == reading.track.offsets


def test_a_partition_that_only_the_store_knows_is_followed() -> None:
    reading = Reading(partitions=1)
    reading.frontier(p0=0, p1=4)
    reading.page()

    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert (0, 1) == tuple(place.partition for place in tail.places)


def test_nothing_is_sent_before_the_log_has_told_where_it_ends() -> None:
    reading = Reading()
    reading.frontier(p0=1)
    reading.page(event(10))

    assert FIRST == reading.track.horizon
    assert not reading.track.ready
    assert not reading.track.exhausted


def test_what_is_out_of_order_in_the_log_comes_in_order() -> None:
    reading = Reading(plan=Plan(Bounds(events=4)))
    reading.frontier()

    reading.tail(piece(0, *numbered(50, 20, 40, 30), end=9))

    assert LAST == reading.track.horizon
    assert [1, 3, 2, 0] == offsets(reading.track.buffer.all())


def test_too_few_events_of_a_longer_log_wait_for_more() -> None:
    reading = Reading()
    reading.frontier()

    reading.tail(piece(0, *numbered(50, 20), end=9))

    assert FIRST == reading.track.horizon


def test_where_everything_was_read_the_next_read_waits() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0))

    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert tail.wait
    assert reading.track.exhausted
    assert reading.track.ready


def test_a_read_that_did_not_move_is_not_repeated_at_once() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, end=5))

    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert tail.wait
    assert not reading.track.exhausted


def test_a_parked_read_gives_way_to_one_that_is_needed() -> None:
    reading = Reading(partitions=2, plan=Plan(Bounds(events=4)))
    reading.frontier()
    reading.tail(piece(0, *numbered(1, 2)), piece(0, partition=1))
    parked = reading.asked()
    reading.track.sent(numbered(1, 2))

    effects = reading.asks()

    assert isinstance(parked, ReadTail)
    assert (1,) == tuple(place.partition for place in parked.places)
    assert Cancel((parked.read,)) == effects[0]
    assert isinstance(effects[1], ReadTail)


def test_events_outside_the_window_are_left_out_of_the_log() -> None:
    reading = Reading(window=Window(10, 20))
    reading.frontier()

    reading.tail(piece(0, *numbered(5, 10, 19, 20)))

    assert [1, 2] == offsets(reading.track.buffer.all())


def test_a_full_buffer_is_not_read_into() -> None:
    reading = Reading(plan=Plan(Bounds(events=2)))
    reading.frontier()
    reading.tail(piece(0, *numbered(1, 2, 3, 4), end=9))

    assert [] == reading.asks()


def test_a_slice_of_an_unknown_partition_is_left_alone() -> None:
    reading = Reading()
    reading.frontier()

    reading.tail(piece(0), piece(0, event(1, partition=7), partition=7))

    assert [] == reading.track.buffer.all()


def test_an_answer_may_repeat_what_was_read() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, *numbered(1, 2)))

    reading.tail(TailSlice(0, 2, 1, 0, 2, ()))

    assert {0: 2} == reading.track.offsets


# ---------------------------------------------------------------- windows in the past


def test_a_past_window_notes_the_log_ends_first() -> None:
    reading = Reading(start=Start.PAST)

    assert ReadBounds(1, topic()) == reading.asked()


def test_a_store_that_holds_all_of_a_past_is_pinned() -> None:
    reading = Reading(start=Start.PAST)
    reading.bounds(p0=3)
    reading.frontier(p0=5)
    first = reading.page(*numbered(1, 2), last=False)

    second = reading.page(event(3, offset=2))

    assert ({0: 3}, {0: 3}) == (first.upto, second.upto)
    assert reading.track.complete
    assert [] == reading.asks()


def test_the_rest_of_a_past_comes_from_the_log() -> None:
    reading = Reading(start=Start.PAST)
    reading.bounds(p0=3)
    reading.frontier(p0=1)
    reading.page(event(1))
    before = reading.track.complete

    tail = reading.tail(piece(1, *numbered(2, 3, first=1), end=8))

    assert not before
    assert (TailPlace(0, 1, 3, 512),) == tail.places
    assert reading.track.complete
    assert [] == reading.asks()


def test_a_past_takes_new_frontiers_until_it_is_whole() -> None:
    reading = Reading(start=Start.PAST)
    reading.bounds(p0=9)
    reading.frontier(p0=1)
    reading.page(event(1), last=False)

    assert isinstance(reading.asked(), ReadFrontier)


def test_a_partition_without_a_stored_event_counts_too() -> None:
    reading = Reading(start=Start.PAST, partitions=2)
    reading.bounds(p0=1, p1=0)
    reading.frontier(p0=1)
    reading.page(event(1))

    reading.tail(piece(0, partition=1))

    assert reading.track.complete


def test_log_ends_may_be_known_already() -> None:
    reading = Reading(start=Start.PAST, plan=Plan(Bounds(), goal={0: 2}))

    reading.frontier(p0=2)
    page = reading.page()

    assert {0: 2} == page.upto
    assert reading.track.complete


def test_a_past_is_read_from_the_store_while_the_log_is_away() -> None:
    reading = Reading(start=Start.PAST)
    reading.asks()
    reading.track.take_failure(Source.LOG)
    reading.frontier(p0=1)
    reading.page(event(1))

    bounds = reading.asked()

    assert isinstance(bounds, ReadBounds)
    assert LAST == reading.track.horizon
    assert not reading.track.complete
    assert not reading.track.exhausted


def test_the_log_ends_of_a_past_may_come_last() -> None:
    reading = Reading(start=Start.PAST)
    reading.asks()
    reading.track.take_failure(Source.LOG)
    reading.frontier(p0=1)
    reading.page(event(1))

    reading.bounds(p0=1, p1=2)

    assert not reading.track.complete
    assert {0: 1} == reading.track.offsets
    assert isinstance(reading.asked(), ReadTail)


def test_a_store_that_fails_is_asked_again() -> None:
    reading = Reading()
    reading.asks()

    reading.track.take_failure(Source.STORE)

    assert isinstance(reading.asked(), ReadFrontier)


def test_the_end_of_a_window_makes_it_a_past() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0))
    parked = reading.asked()
    reading.track.wants_goal = True

    effects = reading.asks()

    assert isinstance(parked, ReadTail)
    assert [Cancel((2 + 1,)), ReadBounds(4, topic())] == effects


# ---------------------------------------------------------------- the live edge


def test_the_live_edge_is_where_the_logs_end() -> None:
    reading = Reading(start=Start.EDGE, partitions=2)
    at_edge = reading.track.at_edge

    reading.bounds(p0=7)
    tail = reading.asked()

    assert at_edge
    assert not reading.track.at_edge
    assert isinstance(tail, ReadTail)
    assert [7, 0] == [place.offset for place in tail.places]


def test_live_events_stay_in_the_order_in_which_they_arrive() -> None:
    reading = Reading(start=Start.EDGE)
    reading.bounds(p0=0)
    reading.tail(piece(0))
    reading.track.go_live()

    reading.tail(piece(0, *numbered(50, 20)))

    assert [0, 1] == offsets(reading.track.buffer.all())
    assert LAST == reading.track.horizon


def test_in_live_all_below_the_first_unsent_event_was_sent() -> None:
    reading = Reading(start=Start.EDGE)
    reading.bounds(p0=0)
    reading.tail(piece(0))
    reading.track.go_live()
    reading.tail(piece(0, *numbered(50, 20)))
    reading.track.sent(numbered(50))

    assert {0: 1} == reading.track.progress(behind(50)).base


def test_what_was_not_sent_in_live_is_read_again() -> None:
    reading = Reading(start=Start.EDGE)
    reading.bounds(p0=0)
    reading.tail(piece(0))
    reading.track.go_live()
    reading.tail(piece(0, *numbered(50, 20, 30)))
    reading.track.sent(numbered(50))
    (parked,) = reading.asks()

    cancelled = reading.track.leave_live()
    again = reading.asked()

    assert isinstance(parked, ReadTail)
    assert [parked.read] == cancelled
    assert isinstance(again, ReadTail)
    assert (1, False) == (again.places[0].offset, again.wait)
    assert Progress(base={0: 1}, frontier={0: 1}) == reading.track.progress(FIRST)


def test_leaving_live_with_no_read_under_way_cancels_none() -> None:
    reading = Reading(start=Start.EDGE)
    reading.bounds(p0=0)
    reading.tail(piece(0))
    reading.track.go_live()

    assert [] == reading.track.leave_live()


def test_after_a_time_unwatched_the_log_ends_are_asked_for_again() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0))
    (parked,) = reading.asks()

    cancelled = reading.track.doubt()
    again = reading.asked()

    assert isinstance(parked, ReadTail)
    assert [parked.read] == cancelled
    assert isinstance(again, ReadTail)
    assert not again.wait


def test_doubt_leaves_a_read_of_the_store_alone() -> None:
    reading = Reading()
    reading.asks()

    assert [] == reading.track.doubt()


# ---------------------------------------------------------------- trimmed, truncated, gone


def test_what_the_log_lost_comes_from_the_store() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, *numbered(10, 20)))
    reading.tail(TailSlice(0, 2, 2, 6, 9))
    held = reading.track.horizon
    reading.frontier(p0=8)

    late = reading.page(*numbered(30, 40, first=2), last=False)
    partly = reading.track.horizon
    reading.page(*numbered(50, 60, first=4))
    tail = reading.asked()

    assert FIRST == held
    assert ({0: 2}, {0: 8}) == (late.above, late.upto)
    assert Cursor(40, "a", 0, 3) == partly
    assert isinstance(tail, ReadTail)
    assert 8 == tail.places[0].offset
    assert [] == reading.track.gaps
    assert [0, 1, 2, 3, 4, 5] == offsets(reading.track.buffer.all())


def test_what_neither_log_nor_store_has_is_a_gap() -> None:
    reading = Reading()
    reading.frontier(p0=2)
    reading.page(*numbered(10, 20))
    reading.tail(TailSlice(0, 2, 2, 6, 9))

    reading.frontier(p0=3)
    reading.page(event(30, offset=2))
    tail = reading.asked()

    assert [Gap(topic="a", partition=0, from_offset=3, to_offset=6, reason="retention")] == reading.track.gaps
    assert isinstance(tail, ReadTail)
    assert 6 == tail.places[0].offset


def test_a_store_that_is_no_further_than_the_log_leaves_the_gap_whole() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, event(10)))
    reading.tail(TailSlice(0, 1, 1, 6, 9))

    reading.frontier()
    reading.asks()

    assert [(1, 6)] == [(gap.from_offset, gap.to_offset) for gap in reading.track.gaps]


def test_what_was_trimmed_before_the_first_look_comes_from_the_store() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(TailSlice(0, 3, 9, 3, 9, numbered(40, first=8)))
    reading.frontier(p0=5)

    reading.page(*numbered(10, 20))
    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert 5 == tail.places[0].offset
    assert [] == reading.track.gaps


def test_a_log_that_was_trimmed_before_tivo_knew_it_begins_where_it_begins() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(TailSlice(0, 3, 9, 3, 9, numbered(40, first=8)))

    reading.frontier()
    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert 3 == tail.places[0].offset
    assert [] == reading.track.gaps


def test_live_is_lost_where_the_log_is_trimmed_and_what_waits_is_kept() -> None:
    reading = Reading(start=Start.EDGE, partitions=2)
    reading.bounds(p0=0, p1=0)
    reading.tail(piece(0), piece(0, partition=1))
    reading.track.go_live()
    reading.tail(piece(0, *numbered(50, 20)))
    reading.tail(TailSlice(1, 0, 0, 3, 5))

    left = reading.track.leave_live()

    assert reading.track.rewound
    assert [] == left
    assert [1, 0] == offsets(reading.track.buffer.all())
    assert {0: 0, 1: 0} == reading.track.progress(FIRST).base


def test_a_log_that_lost_its_tail_is_a_gap() -> None:
    reading = Reading(start=Start.PAST, plan=Plan(Bounds(), goal={0: 9}))
    reading.frontier(p0=7)
    reading.page()

    reading.tail(TailSlice(0, 7, 7, 0, 4, truncated=True))

    assert [Gap(topic="a", partition=0, from_offset=4, to_offset=7, reason="truncated")] == reading.track.gaps
    assert {0: 4} == reading.track.goal
    assert reading.track.complete


def test_an_open_log_that_lost_its_tail_goes_on_at_its_end() -> None:
    reading = Reading()
    reading.frontier(p0=7)
    reading.page()

    reading.tail(TailSlice(0, 7, 7, 0, 4, truncated=True))
    tail = reading.asked()

    assert isinstance(tail, ReadTail)
    assert 4 == tail.places[0].offset


def test_a_store_that_fell_back_does_not_send_again() -> None:
    reading = Reading()
    reading.frontier(p0=4)
    reading.page(*numbered(10, 20), last=False)
    reading.frontier(p0=2)
    reading.page()
    tail = reading.tail(piece(2, *numbered(15, 30, first=2)))

    assert 2 == tail.places[0].offset
    assert [0, 1, 3] == offsets(reading.track.buffer.all())


def test_a_resumed_track_goes_on_behind_what_was_sent() -> None:
    sent = Progress(base={0: 1}, frontier={0: 3}, cursor=Cursor(20, "a", 0, 2))
    reading = Reading(sent)
    reading.frontier(p0=5)

    late = reading.page(event(5, offset=3))
    page = reading.page(event(30, offset=4))

    assert ({0: 3}, {0: 5}, Cursor(20, "a", 0, 2)) == (late.above, late.upto, late.until)
    assert ({0: 1}, Cursor(20, "a", 0, 2)) == (page.above, page.after)


def test_new_partitions_are_looked_for_in_the_store() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0))
    reading.asks()

    reading.track.grow(topic(partitions=2))
    effects = reading.asks()

    assert isinstance(effects[0], Cancel)
    assert isinstance(effects[1], ReadFrontier)


@pytest.mark.parametrize("goal", [None, {0: 1}])
def test_a_topic_that_did_not_grow_goes_on(goal: Frontier | None) -> None:
    reading = Reading(plan=Plan(Bounds(), goal=goal))
    reading.frontier(p0=1)
    reading.page()

    reading.track.grow(topic(partitions=1 if goal is None else 2))

    assert Stage.LOG is reading.track.stage


def test_a_topic_that_grows_while_the_store_is_read_is_read_on() -> None:
    reading = Reading()

    reading.track.grow(topic(partitions=2))

    assert isinstance(reading.asked(), ReadFrontier)


def test_a_topic_that_is_gone_is_a_gap_from_what_was_not_sent() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, *numbered(10, 20), end=9))

    reading.track.forsake()

    assert [Gap(topic="a", partition=0, from_offset=0, to_offset=9, reason="deleted")] == reading.track.gaps


def test_a_topic_that_is_gone_before_the_log_was_read_is_a_gap_too() -> None:
    reading = Reading(start=Start.PAST, partitions=2)
    reading.bounds(p0=4, p1=0)

    reading.track.forsake()

    assert [(0, 0, 4)] == [(gap.partition, gap.from_offset, gap.to_offset) for gap in reading.track.gaps]


# ---------------------------------------------------------------- what was sent


def test_a_frontier_counts_only_once_its_late_events_were_sent() -> None:
    reading = Reading()
    reading.frontier(p0=2)
    reading.page(*numbered(10, 20), last=False)
    reading.track.sent(numbered(10, 20))
    cursor = Cursor(20, "a", 0, 1)
    before = reading.track.progress(cursor)
    reading.frontier(p0=4)
    unread = reading.track.progress(cursor)
    reading.page(event(15, offset=2))
    unsent = reading.track.progress(cursor)
    reading.track.sent([event(15, offset=2)])

    after = reading.track.progress(cursor)

    assert {0: 2} == before.frontier == unread.frontier == unsent.frontier
    assert {0: 4} == after.frontier


def test_while_late_events_are_read_in_order_the_new_frontier_counts_up_to_them() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, event(10)))
    reading.track.sent([event(10)])
    reading.tail(TailSlice(0, 1, 1, 6, 9))
    reading.frontier(p0=9)
    reading.page(event(50, offset=1), last=False)

    assert {0: 9} == reading.track.progress(behind(20)).frontier


def test_a_place_beyond_what_was_read_tells_nothing_new() -> None:
    reading = Reading()
    reading.frontier(p0=4)
    reading.page(event(10), last=False)
    reading.track.sent([event(10)])

    assert {} == reading.track.progress(behind(99)).frontier


def test_events_of_the_store_are_not_counted_for_the_log() -> None:
    reading = Reading(plan=Plan(Bounds(events=2)))
    reading.frontier(p0=1)
    reading.page(event(10))
    reading.tail(piece(1, *numbered(20, 30, first=1), end=9))

    reading.track.sent([event(10)])

    assert [] == reading.asks()


# ---------------------------------------------------------------- what the store lost


def test_what_the_store_will_never_hold_is_told_with_its_reason() -> None:
    reading = Reading()

    reading.frontier(Lost(0, 2, 4, "quarantine"), Lost(0, 5, 6, "retention"), p0=9)

    assert [
        Gap(topic="a", partition=0, from_offset=2, to_offset=4, reason="quarantine"),
        Gap(topic="a", partition=0, from_offset=5, to_offset=6, reason="retention"),
    ] == reading.track.gaps


def test_a_loss_is_told_once() -> None:
    reading = Reading()
    reading.frontier(Lost(0, 2, 4, "quarantine"), p0=9)
    reading.page(*numbered(10), last=False)

    again = reading.frontier(Lost(0, 2, 4, "quarantine"), Lost(0, 8, 12, "retention"), p0=12)

    assert {0: 9} == again.above
    assert [(2, 4), (9, 12)] == [(gap.from_offset, gap.to_offset) for gap in reading.track.gaps]


def test_a_loss_beyond_what_a_past_owes_is_not_told() -> None:
    reading = Reading(start=Start.PAST)
    reading.bounds(p0=5)

    reading.frontier(Lost(0, 4, 8, "quarantine"), Lost(0, 8, 9, "quarantine"), p0=9)

    assert [(4, 5)] == [(gap.from_offset, gap.to_offset) for gap in reading.track.gaps]


def test_a_resume_asks_again_for_what_was_lost_since_it_may_have_been_read_from_the_log_and_not_sent() -> None:
    reading = Reading(Progress(base={0: 3}, frontier={0: 6}, cursor=behind(10)))

    asked = reading.frontier(Lost(0, 2, 5, "retention"), p0=9)

    assert {0: 3} == asked.above
    assert [(3, 5)] == [(gap.from_offset, gap.to_offset) for gap in reading.track.gaps]


# ---------------------------------------------------------------- what may be sent before it reads again


def test_while_a_read_is_under_way_everything_may_be_sent() -> None:
    reading = Reading()
    reading.asks()

    assert maxsize == reading.track.spare


def test_with_enough_in_hand_what_is_beyond_that_may_be_sent() -> None:
    reading = Reading(plan=Plan(Bounds(events=20)))
    reading.frontier(p0=99)
    reading.page(*numbered(*range(10, 24)), last=False)

    assert 4 == reading.track.spare


def test_in_the_log_nothing_is_to_spare_until_all_that_is_owed_was_read() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(piece(0, *numbered(10), end=5))

    assert 0 == reading.track.spare


def test_a_past_that_was_read_whole_wants_nothing_more() -> None:
    reading = Reading(start=Start.PAST)
    reading.bounds(p0=1)
    reading.frontier(p0=1)
    reading.page(*numbered(10))

    assert maxsize == reading.track.spare


def test_in_live_what_lies_behind_the_windows_end_counts_as_not_sent() -> None:
    bounded, unbounded = (Reading(Progress(base={0: 2}), window=window) for window in (Window(0, 50), ALWAYS))
    for reading in (bounded, unbounded):
        reading.frontier()
        reading.tail(piece(2, *numbered(10, 60, first=2)))

    assert Progress(base={0: 2}, frontier={0: 2}, cursor=behind(49)) == bounded.track.live_progress
    assert Progress(base={0: 2}) == unbounded.track.live_progress


# ---------------------------------------------------------------- what the log cannot give


def told(reading: Reading) -> list[tuple[int, int]]:
    assert {"quarantine"} >= {gap.reason for gap in reading.track.gaps}
    return [(gap.from_offset, gap.to_offset) for gap in reading.track.gaps]


def broken(base: int, next: int, partition: int = 0) -> Lost:
    return Lost(partition, base, next, "quarantine")


def spoilt(base: int, next: int, *lost: Lost, events: Sequence[Event] = (), end: int | None = None) -> TailSlice:
    """A slice of which something cannot be given."""
    return TailSlice(0, base, next, 0, next if end is None else end, list(events), lost=lost)


def test_what_the_log_cannot_give_is_told_and_the_log_is_read_on() -> None:
    reading = Reading()
    reading.frontier()

    reading.tail(spoilt(0, 5, broken(1, 2), broken(3, 5), events=[event(10), event(20, offset=2)], end=9))
    tail = reading.asked()

    assert [(1, 2), (3, 5)] == told(reading)
    assert [0, 2] == offsets(reading.track.buffer.all())
    assert isinstance(tail, ReadTail)
    assert 5 == tail.places[0].offset


def test_of_what_the_log_cannot_give_only_that_is_told_which_was_not_read_before() -> None:
    reading = Reading()
    reading.frontier(p0=4)
    reading.page()

    reading.tail(spoilt(4, 8, broken(2, 6)))

    assert [(4, 6)] == told(reading)


def test_a_past_is_told_nothing_beyond_its_goal() -> None:
    reading = Reading(start=Start.PAST, plan=Plan(Bounds(), goal={0: 5}))
    reading.frontier()

    reading.tail(spoilt(0, 9, broken(1, 2), broken(4, 7), broken(8, 9)))

    assert [(1, 2), (4, 5)] == told(reading)
    assert reading.track.complete


def test_what_the_store_told_is_not_told_by_the_log_again() -> None:
    reading = Reading()
    reading.frontier(broken(1, 3), p0=4)
    reading.page(event(10), last=False)
    reading.frontier(p0=2)
    reading.page()

    reading.tail(spoilt(2, 7, broken(2, 3), broken(5, 6), events=numbered(30, first=3)))

    assert [(1, 3), (5, 6)] == told(reading)


def test_what_the_log_told_is_not_told_by_the_store_again() -> None:
    reading = Reading()
    reading.frontier()
    reading.tail(spoilt(0, 3, broken(1, 2), end=9))
    reading.tail(TailSlice(0, 3, 3, 8, 9))

    asked = reading.frontier(broken(1, 2), broken(4, 6), p0=9)

    assert {0: 3} == asked.above
    assert [(1, 2), (4, 6)] == told(reading)


def in_live() -> Reading:
    """Live, with event 0 read and not sent, 1 broken, and 2 read and not sent."""
    reading = Reading(start=Start.EDGE, partitions=2)
    reading.bounds(p0=0, p1=0)
    reading.tail(piece(0), piece(0, partition=1))
    reading.track.go_live()
    reading.tail(spoilt(0, 3, broken(1, 2), events=[event(10), event(20, offset=2)]))
    return reading


def test_what_is_read_again_when_live_is_left_is_not_told_again() -> None:
    reading = in_live()
    reading.track.leave_live()

    reading.tail(spoilt(0, 6, broken(1, 2), broken(4, 5), events=[event(10), event(20, offset=2)]))

    assert [(1, 2), (4, 5)] == told(reading)


def test_nor_is_it_where_other_partitions_were_told_of_in_the_same_read() -> None:
    reading = in_live()
    first = TailSlice(0, 3, 6, 0, 6, numbered(30, 40, first=3), lost=[broken(5, 6)])
    second = TailSlice(1, 0, 2, 0, 2, numbered(50, partition=1), lost=[broken(1, 2, partition=1)])
    reading.tail(first, second)
    before = told(reading)
    reading.track.leave_live()

    reading.tail(first._replace(base=0, lost=[broken(1, 2), broken(5, 6)]), second)

    assert [(1, 2), (5, 6), (1, 2)] == before == told(reading)


def test_nor_is_it_where_the_store_has_to_tell_of_it_then_but_all_else_is() -> None:
    reading = in_live()
    reading.track.leave_live()
    reading.tail(TailSlice(0, 0, 0, 6, 6))

    asked = reading.frontier(broken(0, 3), broken(1, 2, partition=1), p0=3, p1=3)

    assert {0: 0, 1: 0} == asked.above
    assert [(0, 1, 2), (0, 0, 1), (0, 2, 3), (1, 1, 2)] == [
        (gap.partition, gap.from_offset, gap.to_offset) for gap in reading.track.gaps
    ]


def test_what_was_told_is_forgotten_once_all_before_it_was_sent() -> None:
    reading = in_live()
    reading.track.sent([event(10), event(20, offset=2)])
    reading.tail(spoilt(3, 5, broken(4, 5), events=[event(30, offset=3)]))
    reading.tail(TailSlice(1, 0, 2, 0, 2, (), lost=[broken(0, 1, partition=1)]))

    assert {0: [broken(4, 5)], 1: [broken(0, 1, partition=1)]} == reading.track._losses._in_live


def test_a_log_that_lost_its_tail_uses_offsets_again_and_what_cannot_be_given_there_is_told() -> None:
    reading = in_live()
    reading.tail(TailSlice(0, 3, 3, 0, 1, truncated=True))
    reading.track.gaps.clear()
    reading.tail(spoilt(1, 2, broken(1, 2)))

    stored = Reading()
    stored.frontier(broken(2, 3), p0=7)
    stored.page()
    stored.tail(TailSlice(0, 7, 7, 0, 2, truncated=True))
    stored.track.gaps.clear()
    stored.tail(spoilt(2, 5, broken(2, 4)))

    assert [(1, 2)] == told(reading)
    assert [(2, 4)] == told(stored)
