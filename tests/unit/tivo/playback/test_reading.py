from itertools import count

from tests.unit.tivo.playback.events import event, offsets, topic
from tivo.model.event import Cursor
from tivo.model.timeline import Window
from tivo.playback.effects import Cancel, CloseTail, Effect, OpenTail, ReadBounds, ReadFrontier, ReadPage, ReadTail
from tivo.playback.facts import BoundsRead, FrontierRead, PageRead, ReadFailed, Source, TailRead, TailSlice
from tivo.playback.handoff import Track
from tivo.playback.merge import FIRST, LAST, behind
from tivo.playback.progress import Bounds, Plan, Progress, Start
from tivo.playback.reading import Reading


def track(name: str, start: Start = Start.HISTORY, partitions: int = 1) -> Track:
    return Track(topic(name, partitions), Window(), Progress(), start=start, plan=Plan(Bounds()))


def reading(*names: str, start: Start = Start.HISTORY) -> Reading:
    return Reading([track(name, start) for name in names])


IDS = count(1)


def asks(made: Reading, steady_us: int = 0) -> list[Effect]:
    return made.reads(IDS, steady_us)


def exhaust(made: Reading, end: int = 0) -> None:
    """Answer everything: the store holds nothing, the log ends at an offset that it does not give."""
    for _ in range(3):
        for effect in asks(made):
            match effect:
                case ReadBounds(read, of):
                    made.take(BoundsRead(read, dict.fromkeys(of.partitions, end)), 0)
                case ReadFrontier(read, _):
                    made.take(FrontierRead(read, {}), 0)
                case ReadTail(wait=False):
                    slices = [TailSlice(place.partition, end, end, 0, end) for place in effect.places]
                    made.take(TailRead(effect.read, slices), 0)
                case _:
                    pass


def live(*names: str) -> Reading:
    made = reading(*names)
    exhaust(made)
    made.go_live()
    return made


def arrives(made: Reading, name: str, *times: int, base: int = 0) -> None:
    """Events come in at the tail of a topic."""
    events = [event(time_us, topic=name, offset=base + index) for index, time_us in enumerate(times)]
    waiting = made.tracks[name].waiting
    assert waiting is not None
    piece = TailSlice(0, base, base + len(events), 0, base + len(events), events)
    made.take(TailRead(waiting, [piece]), 0)


def parked_read(made: Reading) -> int:
    waiting = made.tracks["a"].waiting
    assert waiting is not None
    return waiting


def test_every_topic_is_read_by_itself() -> None:
    made = reading("a", "b")

    effects = asks(made)

    assert ["a", "b"] == [effect.topic.name for effect in effects if isinstance(effect, ReadFrontier)]
    assert [] == asks(made)


def test_an_answer_finds_its_track_once() -> None:
    made = reading("a", "b")
    _, second = asks(made)
    assert isinstance(second, ReadFrontier)

    first = made.take(FrontierRead(second.read, {0: 1}), 0)
    again = made.take(FrontierRead(second.read, {0: 1}), 0)

    assert made.tracks["b"] is first
    assert again is None


def test_near_the_live_edge_the_ring_is_opened_once_and_closed_at_the_end() -> None:
    made = reading("a")
    (frontier,) = asks(made)
    assert isinstance(frontier, ReadFrontier)
    made.take(FrontierRead(frontier.read, {}), 0)

    effects = asks(made)
    closed = made.close()
    closed_again = made.close()

    assert isinstance(effects[0], ReadTail)
    assert OpenTail(topic()) == effects[1]
    assert [Cancel((effects[0].read,)), CloseTail(topic())] == closed
    assert [] == closed_again


def test_a_failed_read_is_tried_again_later_and_later() -> None:
    made = reading("a")
    waits: list[int | None] = []

    steady_us = 0
    for _ in range(8):
        (frontier,) = asks(made, steady_us)
        assert isinstance(frontier, ReadFrontier)
        made.take(ReadFailed(frontier.read, Source.STORE, "away"), steady_us)
        assert made.retry_us is not None
        waits.append(made.retry_us - steady_us)
        assert [] == asks(made, made.retry_us - 1)
        steady_us = made.retry_us

    assert [250_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 5_000_000, 5_000_000, 5_000_000] == waits
    assert {Source.STORE: 8} == made.away


def test_a_neighbour_that_answers_is_back() -> None:
    made = reading("a")
    (first,) = asks(made)
    assert isinstance(first, ReadFrontier)
    made.take(ReadFailed(first.read, Source.STORE, "away"), 0)
    (second,) = asks(made, 250_000)
    assert isinstance(second, ReadFrontier)

    made.take(FrontierRead(second.read, {0: 1}), 250_000)

    assert {} == made.away
    assert made.retry_us is None


def test_events_of_all_topics_come_in_one_order_up_to_what_all_have_read() -> None:
    made = reading("a", "b")
    first, second = asks(made)
    assert isinstance(first, ReadFrontier)
    assert isinstance(second, ReadFrontier)
    made.take(FrontierRead(first.read, {0: 9}), 0)
    made.take(FrontierRead(second.read, {0: 9}), 0)
    of_a, of_b = asks(made)
    assert isinstance(of_a, ReadPage)
    assert isinstance(of_b, ReadPage)
    made.take(PageRead(of_a.read, [event(1), event(5, offset=1)], False), 0)
    before = (made.ready, made.horizon)
    made.take(PageRead(of_b.read, [event(2, topic="b"), event(3, topic="b", offset=1)], False), 0)

    due = made.upto(LAST, 10)

    assert (False, FIRST) == before
    assert made.ready
    assert Cursor(3, "b", 0, 1) == made.horizon
    assert [1, 2, 3] == [found.time_us for found in due]
    assert [1, 2] == [found.time_us for found in made.upto(behind(2), 10)]


def test_what_was_sent_does_not_come_again() -> None:
    made = live("a", "b")
    made.leave_live()
    exhaust(made)
    arrives(made, "a", 1, 4)
    arrives(made, "b", 2)

    made.sent(made.upto(LAST, 2))

    assert [4] == [found.time_us for found in made.upto(LAST, 10)]
    assert event(4, offset=1) == made.first
    assert not made.drained


def test_one_topic_is_sent_without_sorting_out() -> None:
    made = live("a")
    arrives(made, "a", 1, 4)

    made.sent(made.upto(LAST, 1))

    assert [1] == offsets(made.upto(LAST, 10))


def test_live_events_come_as_they_arrived() -> None:
    made = live("a")
    asks(made)

    arrives(made, "a", 9, 4)

    assert [0, 1] == offsets(made.upto(FIRST, 10))
    assert {"a": {0: 0}} == made.offsets


def test_live_is_lost_where_the_ring_does_not_reach_back() -> None:
    made = live("a")
    parked = parked_read(made)
    before = made.behind
    made.take(TailRead(parked, [TailSlice(0, 0, 1, 0, 1, [event(1)])], behind=True), 0)
    lost = made.behind

    made.leave_live()

    assert not before
    assert lost
    assert not made.behind
    assert not made.live


def test_leaving_live_cancels_what_waits_and_forgets_it() -> None:
    made = live("a")
    parked = parked_read(made)

    cancelled = made.leave_live()
    late = made.take(TailRead(parked, []), 0)

    assert [Cancel((parked,))] == cancelled
    assert late is None


def test_doubt_cancels_nothing_where_nothing_waits() -> None:
    made = reading("a")

    assert [] == made.doubt()


def test_a_topic_that_joins_makes_live_wait_for_it() -> None:
    made = live("a")

    made.join(track("b"))

    assert made.behind
    assert not made.exhausted


def test_everything_read_and_sent_is_exhausted() -> None:
    made = reading("a", "b")
    before = made.exhausted

    exhaust(made)

    assert not before
    assert made.exhausted
    assert not made.complete


def test_a_past_is_complete_once_all_was_sent() -> None:
    made = reading("a", start=Start.PAST)

    exhaust(made)

    assert made.complete
    assert {"a": {0: 0}} == made.goals


def test_no_topics_are_exhausted_and_complete() -> None:
    made = reading()

    assert made.exhausted
    assert made.complete
    assert made.ready
    assert made.first is None
    assert LAST == made.horizon
    assert {} == made.goals


def test_log_ends_are_wanted_once_the_end_has_come() -> None:
    made = reading("a")
    exhaust(made)
    asks(made)

    made.want_goals()
    effects = asks(made)

    assert isinstance(effects[0], Cancel)
    assert isinstance(effects[1], ReadBounds)


def test_the_first_event_behind_a_place_leaves_late_ones_out() -> None:
    made = live("a")
    made.leave_live()
    exhaust(made)
    arrives(made, "a", 5, 9)

    assert event(9, offset=1) == made.first_behind(behind(5))
    assert made.first_behind(behind(9)) is None


def test_progress_is_told_by_topic() -> None:
    made = live("a")

    assert {"a": Progress(base={0: 0}, frontier={0: 0}, cursor=FIRST)} == made.progress(FIRST)


def test_gaps_are_told_once() -> None:
    made = live("a")
    arrives(made, "a", 1, 2)
    made.tracks["a"].forsake()

    gaps, again = made.gaps(), made.gaps()

    assert [(0, 2, "deleted")] == [(gap.from_offset, gap.to_offset, gap.reason) for gap in gaps]
    assert [] == again


def test_log_ends_are_wanted_once() -> None:
    made = reading("a")
    made.want_goals()
    before = made.horizon

    made.want_goals()

    assert before == made.horizon
