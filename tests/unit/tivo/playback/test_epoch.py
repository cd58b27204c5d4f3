"""When events are sent, and how they are marked: an epoch within its session, in virtual time."""

from fractions import Fraction
from typing import Any

import pytest

from tests.unit.tivo.playback.events import WALL_US, event, offsets, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import (
    At,
    Change,
    Command,
    Fit,
    Frames,
    Loop,
    OnSlow,
    Pacing,
    Pause,
    Place,
    Play,
    Rate,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Stop,
    Tail,
    Unlimited,
)
from tivo.playback.effects import Cancel, ReadFrontier, ReadPage, ReadTail
from tivo.playback.epoch import FRAME_EVENTS
from tivo.playback.facts import OutboxDrained, OutboxFull, Source
from tivo.playback.notices import Acked, CaughtUp, Clock, Events, Failed, FellBehind, Gap, Skipped, Status
from tivo.playback.progress import Bounds

START, END = At(WALL_US - 100 * SECOND_US), At(WALL_US - 10 * SECOND_US)


def window(
    pacing: Pacing | None = None,
    *,
    max_gap_us: int | None = None,
    max_rate: Fraction | None = None,
    on_slow: OnSlow | None = None,
    frames: Frames | None = None,
) -> Play:
    return Play(
        change=Change(
            start=START,
            end=END,
            pacing=pacing,
            max_gap_us=max_gap_us,
            max_rate=max_rate,
            on_slow=on_slow,
            frames=frames,
            clock_hz=Fraction(0),
        )
    )


def position(player: Player) -> int | None:
    return player.session.describe(player.now).pos_us


def seconds(*ago: float) -> list[int]:
    return [round(second * SECOND_US) for second in ago]


# ---------------------------------------------------------------- pacing


def test_events_are_due_in_proportion_to_their_times() -> None:
    player = Player()
    player.has(past(90, 89.5, 50, 10.5))

    player.do(window(Speed(Fraction(10))))
    player.run(10 * SECOND_US)

    assert seconds(1, 1.05, 5, 8.95) == player.times
    assert [0, 0, 0, 0] == [frame.late_us for frame in player.frames]


def test_nothing_is_sent_before_it_is_due() -> None:
    player = Player()
    player.has(past(90))
    player.do(window())

    player.run(10 * SECOND_US - 1)
    before = len(player.shown)
    player.run(1)

    assert 0 == before
    assert 1 == len(player.shown)


def test_waking_late_sends_everything_due_with_its_own_time() -> None:
    player = Player()
    player.has(past(99.5, 99.4, 99.4))

    player.do(window())
    player.late(900_000)

    assert [500_000, 600_000, 600_000] == player.times
    assert [400_000] == [frame.late_us for frame in player.frames]


def test_fit_shows_the_window_in_its_time() -> None:
    player = Player()
    player.has(past(55))

    player.do(window(Fit(9 * SECOND_US)))
    player.run(9 * SECOND_US)

    assert seconds(4.5) == player.times


def test_rate_spaces_events_evenly() -> None:
    player = Player()
    player.has(past(90, 30, 29, 11))

    player.do(window(Rate(Fraction(2))))
    player.run(3 * SECOND_US)

    assert [0, 1, 2, 3] == [event.offset for event in player.shown]
    assert seconds(0, 0.5, 1, 1.5) == player.times


def test_unlimited_sends_as_fast_as_it_reads() -> None:
    player = Player()
    player.has(past(*[90 - 0.01 * index for index in range(3_000)]))

    player.do(window(Unlimited()))

    assert list(range(3_000)) == [event.offset for event in player.shown]
    assert FRAME_EVENTS == max(len(frame.events) for frame in player.frames)


def test_frames_are_bounded_in_bytes() -> None:
    player = Player()
    player.has([event(WALL_US - 50 * SECOND_US, offset=offset, value=b"x" * 200_000) for offset in range(4)])

    player.do(window(Unlimited()))

    assert [1, 1, 1, 1] == [len(frame.events) for frame in player.frames]


def test_coalesced_frames_come_on_a_grid_of_16_ms() -> None:
    player = Player()
    player.has(past(99.999, 99.998, 99.99))

    player.do(window(frames=Frames.COALESCE))
    player.run(100_000)

    assert [3] == [len(frame.events) for frame in player.frames]
    assert [1_000, 2_000, 10_000] == player.times
    assert [15_000] == [frame.late_us for frame in player.frames]


def test_coalesced_frames_come_at_most_once_in_16_ms_whatever_wakes_the_session() -> None:
    player = Player()
    player.has(past(99.999, 99.99, 99.98))
    player.do(window(frames=Frames.COALESCE))

    for _ in range(100):
        player.late(1_000)

    assert [1_000, 16_000, 32_000] == [frame.due_us + frame.late_us - WALL_US for frame in player.frames]


def test_live_events_are_coalesced_too() -> None:
    player = Player()
    player.do(Tail())
    player.do(SetControls(change=Change(frames=Frames.COALESCE)))

    for number in range(40):
        player.has([event(player.now.wall_us, offset=number)])
        player.run(1_000)

    assert [1, 15, 16] == [len(frame.events) for frame in player.frames]


def test_speed_change_keeps_position() -> None:
    player = Player()
    player.do(window())
    player.run(10 * SECOND_US)

    player.do(SetControls(change=Change(pacing=Speed(Fraction(2)))))
    at_once = position(player)
    player.run(SECOND_US)

    assert WALL_US - 90 * SECOND_US == at_once
    assert WALL_US - 88 * SECOND_US == position(player)


def test_controls_may_change_before_the_clock_runs() -> None:
    player = Player()
    player.answers = False
    player.do(window())

    player.do(SetControls(change=Change(pacing=Speed(Fraction(2)))))

    assert START.time_us == position(player)


def test_an_unlimited_position_is_that_of_the_last_event() -> None:
    player = Player()
    player.answers = False
    player.has(past(90, 50))
    player.do(window(Unlimited()))
    for _ in range(3):
        player.answer()

    assert WALL_US - 50 * SECOND_US == position(player)


# ---------------------------------------------------------------- the first page, and starving


def test_the_clock_starts_once_the_first_page_is_there() -> None:
    player = Player()
    player.has(past(99))
    player.answers = False
    player.do(window())

    player.run(3 * SECOND_US)
    for _ in range(3):
        player.answer()
    player.answers = True
    player.run(SECOND_US)

    assert [4 * SECOND_US] == player.times


def test_without_a_start_the_clock_starts_at_the_first_event() -> None:
    player = Player()
    player.has(past(90, 80))

    player.do(Play(change=Change(end=END)))
    player.run(15 * SECOND_US)

    assert seconds(0, 10) == player.times


def test_without_a_start_and_without_events_it_starts_at_the_edge() -> None:
    player = Player()

    player.do(Play(change=Change(end=END)))

    assert END.time_us == position(player)


def test_the_position_waits_for_what_is_not_read_yet() -> None:
    player = Player(room=Bounds(events=8))
    player.has(past(*range(99, 19, -1)))
    player.do(window())
    player.answers = False

    player.run(60 * SECOND_US)

    assert player.shown[-1].time_us == position(player)
    assert Status.BUFFERING is player.session.describe(player.now).status


def test_after_starving_for_long_the_clock_has_waited() -> None:
    player = Player(room=Bounds(events=8))
    player.has(past(*range(99, 19, -1)))
    player.do(window())
    player.answers = False
    player.run(60 * SECOND_US)
    sent = len(player.shown)

    player.answers = True
    player.answer()

    assert sent + 1 == len(player.shown)
    assert [60 * SECOND_US] == player.times[sent:]


def test_after_starving_briefly_nothing_has_slipped() -> None:
    player = Player(room=Bounds(events=8))
    player.has(past(*range(99, 19, -1)))
    player.do(window())
    player.run(3 * SECOND_US)
    player.answers = False
    player.run(60 * SECOND_US)
    sent = len(player.shown)
    player.steady_us = player.times[-1] + 1_900_000

    player.answers = True
    player.answer()

    assert sent + 1 == len(player.shown)
    assert player.times[-2] + SECOND_US == player.times[-1]


# ---------------------------------------------------------------- marks


def test_an_event_behind_what_was_sent_is_late() -> None:
    player = Player(room=Bounds(events=8))
    player.has(past(*range(99, 19, -1)))
    player.do(Play(change=Change(start=START)))
    player.run(5 * SECOND_US)

    player.has(past(98.5, first=80))
    player.run(80 * SECOND_US)

    late = [shown for frame in player.frames for shown in frame.events if shown.mark]
    assert [(80, "late")] == [(shown.event.offset, shown.mark) for shown in late]


def test_an_event_dated_later_than_now_is_early_and_sent_at_the_edge() -> None:
    player = Player()
    player.has([*past(5), event(WALL_US + 60 * SECOND_US, offset=1)])

    player.do(Play(change=Change(start=START, pacing=Speed(Fraction(100)))))
    player.run(2 * SECOND_US)

    assert [(0, ""), (1, "early")] == list(zip([e.offset for e in player.shown], player.marks, strict=True))
    assert 1 == len(player.all(CaughtUp))


def test_at_speed_one_an_event_of_the_future_comes_in_its_time() -> None:
    player = Player()
    player.has([*past(5), event(WALL_US + 60 * SECOND_US, offset=1)])

    player.do(Play(change=Change(start=START)))
    player.run(200 * SECOND_US)

    assert ["", ""] == player.marks
    assert seconds(95, 160) == player.times


def test_what_comes_in_behind_the_position_is_late_and_moves_no_clock() -> None:
    player = Player()
    player.has([*past(99), event(WALL_US + 900 * SECOND_US, offset=1)])
    player.do(Play(change=Change(start=START)))
    player.run(50 * SECOND_US)

    player.has(past(80, first=2))
    moved = position(player)

    assert [("late", 50 * SECOND_US)] == list(zip(player.marks, player.times, strict=True))[1:]
    assert WALL_US - 50 * SECOND_US == moved


def test_in_live_events_go_out_as_they_come() -> None:
    player = Player()
    player.do(Tail())
    player.run(SECOND_US)

    player.has(past(-0.9, 5, -0.95))

    assert [True] == [frame.live for frame in player.frames]
    assert ["", "late", ""] == player.marks
    assert [SECOND_US] * 3 == player.times


# ---------------------------------------------------------------- silences


def test_a_long_silence_is_cut() -> None:
    player = Player()
    player.has(past(99, 50, 49))

    player.do(window(Speed(Fraction(2)), max_gap_us=3 * SECOND_US))
    player.run(20 * SECOND_US)

    assert seconds(0.5, 3.5, 4) == player.times
    assert [(WALL_US - 99 * SECOND_US, WALL_US - 56 * SECOND_US)] == [
        (skip.from_us, skip.to_us) for skip in player.all(Skipped)
    ][:1]


def test_the_silence_before_the_end_is_cut_too() -> None:
    player = Player()
    player.has(past(99))

    player.do(window(max_gap_us=2 * SECOND_US))
    player.run(4 * SECOND_US)

    assert Status.ENDED is player.session.describe(player.now).status


def test_short_silences_stay() -> None:
    player = Player()
    player.has(past(99, 98))

    player.do(window(max_gap_us=90 * SECOND_US))
    player.run(5 * SECOND_US)

    assert [] == player.all(Skipped)


def test_a_silence_is_not_cut_before_it_is_known_to_be_one() -> None:
    player = Player()
    player.has(past(99))
    player.away.add(Source.LOG)

    player.do(Play(change=Change(start=START, end=END, max_gap_us=SECOND_US)))
    player.run(5 * SECOND_US)

    assert [] == player.all(Skipped)


# ---------------------------------------------------------------- the live edge


def test_the_position_never_passes_the_wall() -> None:
    player = Player()
    player.has([*past(5), *[event(WALL_US + second * SECOND_US, offset=second) for second in range(1, 9)]])

    player.do(Play(change=Change(start=START, pacing=Speed(Fraction(1000)))))
    player.run(SECOND_US)

    assert WALL_US + SECOND_US == position(player)


def test_at_the_edge_the_clock_jumps_over_what_is_silent() -> None:
    player = Player()
    player.has(past(90))

    player.do(Play(change=Change(start=START)))
    player.run(10 * SECOND_US)

    skip = player.last(Skipped)
    assert (WALL_US - 90 * SECOND_US, WALL_US + 10 * SECOND_US) == (skip.from_us, skip.to_us)


def test_live_at_a_distance_shows_events_so_much_later() -> None:
    player = Player()
    player.do(Tail(delay_us=2 * SECOND_US))
    player.run(SECOND_US)

    player.has(past(-0.9, -0.95))
    before = len(player.shown)
    player.run(5 * SECOND_US)

    assert 0 == before
    assert seconds(2.9, 2.95) == player.times
    assert Status.TAILING is player.session.describe(player.now).status
    assert 1 == len(player.all(CaughtUp))


def test_held_at_a_distance_it_goes_on_as_any_other() -> None:
    player = Player()
    player.do(Tail(delay_us=2 * SECOND_US))
    player.do(Pause())
    player.run(SECOND_US)

    player.do(Play())

    assert Status.TAILING is player.session.describe(player.now).status
    assert 2 == len(player.all(CaughtUp))


def test_a_filter_that_finds_nothing_in_the_first_page_does_not_start_the_clock_at_the_edge() -> None:
    player = Player(room=Bounds(events=16))
    dull = [event(WALL_US - (5_000 - number) * SECOND_US, offset=number, key=b"dull") for number in range(40)]
    bright = [event(WALL_US - ago * SECOND_US, offset=90 - ago, key=b"bright") for ago in (50, 40)]
    player.has([*dull, *bright])

    player.do(Play(change=Change(keys=("bright",))))

    assert [0] == player.times
    assert WALL_US - 50 * SECOND_US == position(player)


# ---------------------------------------------------------------- thinning


def test_beyond_the_maximum_rate_events_are_counted() -> None:
    player = Player()
    player.has(past(*[90 - 0.001 * index for index in range(2_000)]))

    player.do(window(max_rate=Fraction(100)))
    player.run(90 * SECOND_US)

    assert 2_000 == len(player.shown) + sum(frame.thinned for frame in player.all(Events))
    assert 190 <= len(player.shown) <= 220


def test_a_change_that_leaves_rate_and_speed_lets_no_more_pass() -> None:
    player = Player()
    player.has([event(WALL_US - 100 * SECOND_US + ms * 1_000, offset=ms) for ms in range(1, 1_000)])
    player.do(window(max_rate=Fraction(100)))

    for _ in range(19):
        player.run(50_000)
        player.do(SetControls(change=Change(clock_hz=Fraction(0))))
        player.do(Pause())
        player.do(Play())

    assert len(player.shown) <= 100


def test_thinned_events_are_counted_within_a_second() -> None:
    player = Player()
    player.do(Play(change=Change(max_rate=Fraction(1))))
    player.has(past(0))
    player.has(past(0, 0, first=1))

    player.run(1_500_000)

    assert [0, 2] == [frame.thinned for frame in player.all(Events)]
    assert [1, 0] == [len(frame.events) for frame in player.all(Events)]


def test_unlimited_is_not_thinned() -> None:
    player = Player()
    player.has(past(*[90 - 0.001 * index for index in range(500)]))

    player.do(window(Unlimited(), max_rate=Fraction(1)))

    assert 500 == len(player.shown)


# ---------------------------------------------------------------- slow viewers


def test_the_clock_waits_for_a_viewer_that_is_slow() -> None:
    player = Player()
    player.has(past(*range(99, 19, -1)))
    player.do(window())
    player.run(2_500_000)
    player.receive(OutboxFull())
    player.run(5 * SECOND_US)
    sent = len(player.shown)

    player.receive(OutboxDrained())
    player.run(3 * SECOND_US)

    assert 2 == sent
    assert seconds(7.5, 8.5, 9.5, 10.5) == player.times[2:]


def test_a_slow_viewer_may_want_the_newest() -> None:
    player = Player()
    player.has(past(*range(99, 19, -1)))
    player.do(window(on_slow=OnSlow.DROP))
    player.run(2_500_000)
    player.receive(OutboxFull())
    player.late(5 * SECOND_US)

    player.receive(OutboxDrained())

    gap = player.last(Gap)
    assert (2, 6, "slow") == (gap.from_offset, gap.to_offset, gap.reason)
    assert [6] == [event.offset for event in player.shown][2:]


def test_what_is_late_is_left_out_though_nothing_else_wakes_the_session() -> None:
    player = Player()
    player.has(past(98, 96, 94, 92))
    player.do(window(on_slow=OnSlow.DROP))
    player.receive(OutboxFull())
    player.run(7_500_000)

    player.receive(OutboxDrained())
    player.run(SECOND_US)

    assert [(0, 1), (1, 2), (2, 3)] == [(gap.from_offset, gap.to_offset) for gap in player.all(Gap)]
    assert [3] == [found.offset for found in player.shown]
    assert seconds(8) == player.times


def test_a_viewer_that_takes_nothing_to_the_end_misses_the_rest() -> None:
    player = Player()
    player.has(past(98, 96))
    player.do(window(on_slow=OnSlow.DROP))
    player.receive(OutboxFull())
    player.run(9 * SECOND_US)

    player.receive(OutboxDrained())

    assert [(0, 1), (1, 2)] == [(gap.from_offset, gap.to_offset) for gap in player.all(Gap)]
    assert [] == player.shown


def test_in_live_a_slow_viewer_may_want_the_newest_too() -> None:
    player = Player(topic("a", 2))
    player.do(Play(change=Change(on_slow=OnSlow.DROP)))
    player.receive(OutboxFull())
    player.has([*past(0, 0), *past(0, partition=1)])
    player.late(2 * SECOND_US)
    player.has(past(0, first=2))

    player.receive(OutboxDrained())

    assert [(0, 0, 2), (1, 0, 1)] == [(gap.partition, gap.from_offset, gap.to_offset) for gap in player.all(Gap)][:2]
    assert Status.TAILING is player.session.describe(player.now).status


def test_nothing_is_dropped_before_it_is_a_second_late() -> None:
    player = Player()
    player.has(past(*range(99, 19, -1)))
    player.do(window(on_slow=OnSlow.DROP))
    player.receive(OutboxFull())

    player.run(1_500_000)

    assert [] == player.all(Gap)


def test_in_live_the_clock_waits_for_a_slow_viewer_and_live_is_lost() -> None:
    player = Player()
    player.do(Tail())
    player.receive(OutboxFull())
    player.has(past(0, -0.5))
    player.late(2 * SECOND_US)
    lost = player.session.describe(player.now)

    player.receive(OutboxDrained())
    player.run(5 * SECOND_US)

    assert 1 == len(player.all(FellBehind))
    assert (Status.PLAYING, WALL_US) == (lost.status, lost.pos_us)
    assert [2 * SECOND_US, 2_500_000] == player.times
    assert Status.TAILING is player.session.describe(player.now).status


def test_live_is_lost_and_found_where_the_ring_does_not_reach_back() -> None:
    player = Player()
    player.do(Tail())
    player.behind = True

    player.has(past(0))

    assert [0] == [event.offset for event in player.shown]
    assert 1 == len(player.all(FellBehind))
    assert 2 == len(player.all(CaughtUp))


def test_by_count_what_may_not_be_sent_yet_wakes_nobody() -> None:
    player = Player(topic("a"), topic("b"))
    player.has(past(50, 40))
    player.answers = False
    player.do(Play(change=Change(start=START, pacing=Rate(Fraction(1)), clock_hz=Fraction(0))))
    for _ in range(3):
        held, player.held = player.held, []
        for read in held:
            if isinstance(read, ReadFrontier | ReadPage | ReadTail) and read.topic.name == "a":
                player._read(read)

    player.run(3 * SECOND_US)

    assert [] == player.shown


def test_by_count_nothing_is_due_where_nothing_is_read() -> None:
    player = Player()
    player.do(Play(change=Change(start=START, pacing=Rate(Fraction(1)))))
    player.answers = False

    player.has(past(0))
    player.run(3 * SECOND_US)

    assert [0] == [event.offset for event in player.shown]


# ---------------------------------------------------------------- seeks and loops


def test_a_held_position_stays() -> None:
    player = Player()
    player.do(window())
    player.run(10 * SECOND_US)

    player.do(Pause())
    player.run(10 * SECOND_US)

    assert WALL_US - 90 * SECOND_US == position(player)


def test_between_two_turns_lies_the_gap_that_was_asked_for() -> None:
    player = Player()
    player.has(past(99))

    player.do(Play(change=Change(start=START, end=END, loop=Loop(2, 5 * SECOND_US))))
    player.run(300 * SECOND_US)

    assert seconds(1, 96) == player.times


@pytest.mark.parametrize("pacing", [Speed(Fraction(1)), Rate(Fraction(1)), Unlimited()])
def test_after_a_seek_only_what_lies_behind_it_is_shown(pacing: Pacing) -> None:
    player = Player()
    player.has(past(90, 50, 20))
    player.do(SetControls(change=window(pacing).change))
    player.do(Seek(to=At(WALL_US - 50 * SECOND_US)))

    player.do(Play())
    player.run(60 * SECOND_US)

    assert [1, 2] == [event.offset for event in player.shown]


def test_an_epoch_without_a_start_stands_nowhere() -> None:
    player = Player()
    player.answers = False

    player.do(Play(change=Change(start=Place.UNBOUNDED)))

    assert position(player) is None


def test_a_clock_is_told_while_nothing_is_shown() -> None:
    player = Player()
    player.do(Play(change=Change(start=START, end=END, clock_hz=Fraction(2))))

    player.run(SECOND_US)

    assert [WALL_US - 99_500_000, WALL_US - 99_000_000] == [clock.pos_us for clock in player.all(Clock)]


# ---------------------------------------------------------------- held, step by step


def test_a_step_sends_the_next_events_at_once() -> None:
    player = Player()
    player.has(past(90, 89, 88, 87))

    player.do(Step(n=3))

    assert [90, 89, 88] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]
    assert [0, 0, 0] == player.times
    assert WALL_US - 88 * SECOND_US == position(player)


def test_a_step_by_batch_sends_the_instants_whole() -> None:
    player = Player(room=Bounds(events=8))
    player.has([event(START.time_us, offset=offset) for offset in range(40)])
    player.has([event(START.time_us + 1, offset=40), event(START.time_us + 2, offset=41)])

    player.do(Step(n=2, by=StepBy.BATCH))

    assert 41 == len(player.shown)


def test_a_step_does_not_count_what_came_in_late() -> None:
    player = Player()
    player.has(past(90, 80, 70))
    player.do(Step(n=2))
    player.has([event(WALL_US - 85 * SECOND_US, offset=3)])
    player.do(Step(n=1))

    player.do(Seek(to=At(WALL_US - 75 * SECOND_US)))
    player.do(Step(n=5))

    assert ["", "", "late", "", ""] == player.marks


def test_what_comes_in_before_a_held_position_is_late() -> None:
    player = Player()
    player.has(past(90, 60))
    player.do(Play(change=Change(start=START)))
    player.run(20 * SECOND_US)
    player.do(Pause())
    player.has([event(WALL_US - 82 * SECOND_US, offset=2)], stored=False)

    player.do(Step(n=1))

    assert ["", "late", ""] == player.marks


def test_steps_are_not_thinned_and_go_on_as_it_was_set() -> None:
    player = Player()
    player.has(past(*[90 - place / 100 for place in range(50)]))
    player.do(window(Speed(Fraction(1)), max_rate=Fraction(4)))
    player.do(Pause())

    player.do(Step(n=40))

    assert 40 == len(player.shown)
    player.do(Play())
    player.run(20 * SECOND_US)
    assert 50 > len(player.shown)


def test_a_step_waits_until_the_outbox_has_room() -> None:
    player = Player()
    player.has(past(90))
    player.receive(OutboxFull())

    player.do(Step(n=1))
    before = len(player.shown)
    player.receive(OutboxDrained())

    assert (0, 1) == (before, len(player.shown))


def test_a_step_ends_where_nothing_is_left() -> None:
    player = Player()
    player.has(past(90, 80))
    player.do(SetControls(change=Change(start=START, end=END)))

    player.do(Step(n=9, by=StepBy.BATCH))
    player.do(Step(n=9))

    assert 2 == len(player.shown)
    assert 3 == len(player.all(Acked))


# ---------------------------------------------------------------- batches that come too close


def gapped(gap_us: int, pacing: Pacing | None = None, **more: Any) -> Play:
    return Play(change=Change(start=START, end=END, pacing=pacing, min_gap_us=gap_us, clock_hz=Fraction(0), **more))


def test_batches_that_come_too_close_wait_for_one_another() -> None:
    player = Player()
    player.has(past(99, 98.9, 98.8, 97))

    player.do(gapped(500_000))
    player.run(10 * SECOND_US)

    assert seconds(1, 1.5, 2, 3.8) == player.times


def test_a_batch_is_not_torn_by_the_gap() -> None:
    player = Player()
    player.has([event(START.time_us + SECOND_US, offset=offset) for offset in range(600)])
    player.has([event(START.time_us + SECOND_US + 1, offset=600)])

    player.do(gapped(2 * SECOND_US))
    player.run(5 * SECOND_US)

    assert [SECOND_US] * 600 + [3 * SECOND_US] == player.times


def test_a_gap_does_not_drift_where_wake_ups_are_late() -> None:
    player = Player()
    player.has(past(*[99 - place / 1_000 for place in range(30)]))
    player.do(gapped(100_000, Speed(Fraction(73, 10))))

    for _ in range(400):
        player.late(17_777)

    first = player.times[0]
    assert [first + place * 100_000 for place in range(30)] == player.times


def test_the_position_rests_on_a_batch_while_the_next_one_waits() -> None:
    player = Player()
    player.has(past(99, 98.9))
    player.do(gapped(SECOND_US))
    player.run(SECOND_US + 500_000)

    assert START.time_us + SECOND_US == position(player)
    player.run(600_000)
    assert START.time_us + 1_100_000 < (position(player) or 0)


def test_the_gap_holds_across_a_change_of_speed_and_a_slow_viewer() -> None:
    player = Player()
    player.has(past(99, 98.9, 98.8))
    player.do(gapped(SECOND_US))
    player.run(SECOND_US)
    player.do(SetControls(change=Change(pacing=Speed(Fraction(60)))))
    player.run(SECOND_US)
    player.receive(OutboxFull())
    player.run(3 * SECOND_US)
    player.receive(OutboxDrained())
    player.run(SECOND_US)

    assert seconds(1, 2, 5) == player.times


def test_a_gap_means_nothing_without_event_times_and_at_the_live_edge() -> None:
    player = Player()
    player.has(past(99, 98.9))
    player.do(gapped(SECOND_US, Unlimited()))
    player.do(Play(change=Change(start=START, end=Place.UNBOUNDED)))
    player.has([event(WALL_US, offset=2), event(WALL_US + 1, offset=3)], stored=False)

    assert [0] * 6 == player.times


def test_late_events_do_not_wait_for_the_gap() -> None:
    player = Player()
    player.has(past(99, 98.9))
    player.do(Play(change=Change(start=START, min_gap_us=10 * SECOND_US, clock_hz=Fraction(0))))
    player.run(2 * SECOND_US)
    player.has([event(START.time_us + 10, offset=2)], stored=False)
    player.run(SECOND_US)

    assert ["", "late"] == player.marks


def test_what_is_dated_ahead_does_not_hold_up_the_live_edge() -> None:
    player = Player()
    player.has([event(WALL_US - SECOND_US), event(WALL_US + 3_600 * SECOND_US, offset=1)])

    player.do(Play(change=Change(start=At(WALL_US - SECOND_US), min_gap_us=1, pacing=Speed(Fraction(2)))))
    player.run(3 * SECOND_US)

    assert ["", "early"] == player.marks
    assert 1 == len(player.all(CaughtUp))


# ---------------------------------------------------------------- catching up


def lives(player: Player, seconds: int) -> None:
    """Time passes, and an event comes four times a second."""
    for _ in range(4 * seconds):
        place = len(player.logs.get((topic().topic_id, 0), []))
        player.has([event(player.now.wall_us, offset=place)], stored=False)
        player.run(SECOND_US // 4)


def held_on_live(catch_up: Fraction | None = None, speed: Fraction | None = None) -> Player:
    """A viewer that paused for ten seconds at the live edge, and goes on."""
    player = Player()
    pacing = None if speed is None else Speed(speed)
    player.do(Play(change=Change(catch_up=catch_up, pacing=pacing, clock_hz=Fraction(1))))
    lives(player, 1)
    player.do(Pause())
    lives(player, 10)
    player.do(Play())
    return player


def test_what_was_held_on_live_catches_up_slightly_fast() -> None:
    player = held_on_live(Fraction(3, 2))
    before, clocks = len(player.times), len(player.all(Clock))

    lives(player, 19)
    behind = len(player.all(CaughtUp))
    lives(player, 2)

    # Held at 1 s, on again at 11 s: 10 s behind, made up for in 20 s.
    due_us = [11_000_000 - -(place * 500_000) // 3 for place in range(1, 60)]
    assert due_us == player.times[before : before + 59]
    assert (1, 2) == (behind, len(player.all(CaughtUp)))
    assert [Fraction(3, 2), Fraction(1)] == sorted({clock.speed for clock in player.all(Clock)[clocks:]}, reverse=True)


def test_without_it_what_was_held_stays_behind() -> None:
    player = held_on_live()

    lives(player, 40)

    assert 1 == len(player.all(CaughtUp))


@pytest.mark.parametrize(
    "command",
    [
        Seek(to=At(WALL_US)),
        SetControls(change=Change(pacing=Speed(Fraction(1, 2)))),
        Play(change=Change(start=At(WALL_US))),
    ],
)
def test_a_seek_or_a_speed_ends_it(command: Command) -> None:
    player = held_on_live(Fraction(3, 2))
    lives(player, 1)

    player.do(command)
    clocks = len(player.all(Clock))
    lives(player, 40)

    assert 1 == len(player.all(CaughtUp))
    assert all((clock.speed or 0) <= 1 for clock in player.all(Clock)[clocks:])


def test_a_seek_on_live_is_not_undone() -> None:
    player = Player()
    player.do(Play(change=Change(catch_up=Fraction(4))))
    lives(player, 10)

    player.do(Seek(to=At(WALL_US + SECOND_US)))
    player.do(Pause())
    player.do(Play())
    lives(player, 20)

    assert WALL_US + 21 * SECOND_US == position(player)


def test_who_plays_faster_is_not_slowed_down() -> None:
    player = held_on_live(Fraction(2), speed=Fraction(5))

    lives(player, 1)

    assert Fraction(5) == player.last(Clock).speed


def test_a_second_pause_on_the_way_changes_nothing() -> None:
    player = held_on_live(Fraction(3, 2))
    lives(player, 3)
    player.do(Pause())
    player.do(Play())

    lives(player, 18)

    assert 2 == len(player.all(CaughtUp))


def test_nothing_is_shown_before_the_image_and_the_position_waits() -> None:
    player = Player()
    player.has(past(9, 8))
    player.answers = False
    player.do(Play(change=Change(start=At(WALL_US - 9 * SECOND_US), image=True, clock_hz=Fraction(0))))
    player.run(SECOND_US)
    held = player.session.describe(player.now)

    player.away = {Source.STORE}
    player.answer()
    player.answers, player.away = True, set()
    player.run(10 * SECOND_US)

    assert (Status.BUFFERING, WALL_US - 9 * SECOND_US) == (held.status, held.pos_us)
    assert ["store_unavailable"] == [failed.code for failed in player.all(Failed)]
    assert [0, 1] == offsets(player.shown)


def test_a_step_waits_for_the_image_and_an_epoch_that_is_given_up_ends_its_read() -> None:
    player = Player()
    player.has(past(9, 8))
    player.do(SetControls(change=Change(image=True, start=At(WALL_US - 9 * SECOND_US))))
    player.answers = False

    player.do(Step(n=1))
    shown = list(player.shown)
    player.answers = True
    player.answer()
    player.answers = False
    player.do(Seek(to=At(WALL_US - 8 * SECOND_US)))
    player.do(Stop())

    assert [] == shown
    assert [0] == offsets(player.shown)
    assert player.effects_of(Cancel)
