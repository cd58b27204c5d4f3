"""The turns of a playback, and what it tells: in virtual time, through its session."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from tests.unit.tivo.playback.events import WALL_US, event, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import Cursor
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import (
    Ack,
    At,
    Change,
    EndAction,
    Loop,
    OnSlow,
    Pause,
    Place,
    Play,
    Resume,
    Seek,
    SetControls,
    Speed,
    Step,
    Stop,
    Subscribe,
    Tail,
    Unlimited,
)
from tivo.playback.cursor import from_token
from tivo.playback.effects import Cancel, CloseTail, OpenTail, WakeAt
from tivo.playback.facts import Answered, OutboxDrained, OutboxFull, PageRead, Source, TopicsChanged, Woke
from tivo.playback.notices import (
    Acked,
    Bye,
    CaughtUp,
    Clock,
    Ended,
    Events,
    Failed,
    FellBehind,
    Gap,
    Image,
    Looped,
    Reset,
    State,
    Status,
)

START, END = At(WALL_US - 100 * SECOND_US), At(WALL_US - 10 * SECOND_US)
PAST = Change(start=START, end=END, clock_hz=Fraction(0))


def status(player: Player) -> Status:
    return player.session.describe(player.now).status


def ended(action: EndAction | None) -> Play:
    return Play(change=Change(start=START, end=END, end_action=action, pacing=Unlimited()))


# ---------------------------------------------------------------- the end of a window


def test_a_window_ends_at_its_end_and_is_held_there() -> None:
    player = Player()
    player.has(past(90))

    player.do(Play(change=PAST))
    player.run(90 * SECOND_US - 1)
    before = len(player.all(Ended))
    player.run(1)

    assert 0 == before
    assert [1] == [end.iteration for end in player.all(Ended)]
    assert (Status.ENDED, "end", END.time_us) == (
        status(player),
        player.last(State).cause,
        player.session.describe(player.now).pos_us,
    )


def test_a_window_may_go_on_with_live() -> None:
    player = Player()
    player.has(past(50))

    player.do(ended(EndAction.TAIL))
    player.has(past(0, first=1))

    assert [0, 1] == [event.offset for event in player.shown]
    assert Status.TAILING is status(player)
    assert player.session.describe(player.now).end_us is None


def test_a_window_may_close_the_socket() -> None:
    player = Player()

    player.do(ended(EndAction.CLOSE))

    assert [1000] == [close.code for close in player.closed]
    assert Bye(code=1000, reason="the window has been played") == player.told[-1]


def test_an_open_window_may_end_where_nothing_is_unsent() -> None:
    player = Player()
    player.has(past(50))

    player.do(Play(change=Change(start=START, end_action=EndAction.PAUSE)))
    player.run(60 * SECOND_US)

    assert 1 == len(player.all(Ended))
    assert Status.ENDED is status(player)


def test_a_future_end_closes_with_what_the_log_holds_then() -> None:
    player = Player()
    player.do(Play(change=Change(start=START, end=At(WALL_US + 5 * SECOND_US))))
    live = status(player)
    player.run(4 * SECOND_US)
    player.has(past(-4))
    player.run(2 * SECOND_US)

    player.has(past(-4.5, first=1))

    assert Status.TAILING is live
    assert [0] == [event.offset for event in player.shown]
    assert 1 == len(player.all(Ended))


def test_a_window_of_nothing_ends_at_once() -> None:
    player = Player()
    player.has(past(100))

    player.do(Play(change=Change(start=START, end=START)))

    assert [] == player.shown
    assert 1 == len(player.all(Ended))


# ---------------------------------------------------------------- loops


def test_every_turn_of_a_loop_shows_every_event() -> None:
    player = Player()
    player.has(past(100, 55, 10.000001))

    player.do(Play(change=Change(start=START, end=END, loop=Loop(3), pacing=Speed(Fraction(10)))))
    player.run(60 * SECOND_US)

    assert [0, 1, 2] * 3 == [event.offset for event in player.shown]
    assert [(2, 3), (3, 3)] == [(loop.iteration, loop.of) for loop in player.all(Looped)]
    assert [1, 2, 3] == [reset.epoch for reset in player.all(Reset)]
    assert [3] == [end.iteration for end in player.all(Ended)]
    assert [1] == [discard.before_epoch for discard in player.discarded]


def test_a_loop_for_ever_goes_on() -> None:
    player = Player()
    player.has(past(50))

    player.do(Play(change=Change(start=START, end=END, loop=Loop(None), pacing=Unlimited())))
    player.run(SECOND_US)

    assert 15 < len(player.all(Looped)) < 25
    assert {None} == {loop.of for loop in player.all(Looped)}


def test_every_pass_over_a_past_is_the_same() -> None:
    player = Player()
    player.has(past(80, 40))
    player.do(Play(change=Change(start=START, end=END, loop=Loop(2))))
    player.run(50 * SECOND_US)

    player.has(past(60, first=2))
    player.run(130 * SECOND_US)

    assert [0, 1, 0, 1] == [event.offset for event in player.shown]


# ---------------------------------------------------------------- live


def test_an_empty_topic_is_caught_up_with() -> None:
    player = Player(topic("a", 2))

    player.do(Play())

    assert {"a": {0: 0, 1: 0}} == player.last(CaughtUp).offsets
    assert "catch_up" == player.last(State).cause


def test_no_topics_are_caught_up_with() -> None:
    player = Player(patterns=())

    player.do(Play())

    assert {} == player.last(CaughtUp).offsets


def test_tail_begins_at_the_live_edge() -> None:
    player = Player()
    player.has(past(5))
    player.do(Tail())

    player.has(past(0, first=1))

    assert [1] == [event.offset for event in player.shown]
    assert {"a": {0: 1}} == player.last(CaughtUp).offsets


def test_an_event_dated_behind_the_end_is_shown_once_the_window_is_left_for_live() -> None:
    player = Player()
    end_us = player.now.wall_us + 5 * SECOND_US
    player.do(Play(change=Change(end=At(end_us), end_action=EndAction.TAIL)))
    player.has([event(player.now.wall_us, offset=0), event(end_us + SECOND_US, offset=1)])
    before = len(player.shown)

    player.run(10 * SECOND_US)

    assert 1 == before
    assert [0, 1] == [each.offset for each in player.shown]
    assert Status.TAILING is player.last(State).status


def test_tail_in_live_changes_nothing() -> None:
    player = Player()
    player.do(Tail())

    player.do(Tail())

    assert 1 == len(player.all(Reset))


def test_a_window_is_left_for_live() -> None:
    player = Player()
    player.do(Play(change=Change(start=START, end=END, loop=Loop(None))))

    player.do(Tail())

    state = player.session.describe(player.now)
    assert (None, False) == (state.end_us, state.controls["loop"])


def test_topics_that_are_added_in_live_lose_nothing_of_the_others() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))
    player.do(Tail())
    player.has(past(0))
    player.do(Subscribe(topics=("b",)))

    player.has(past(0, first=1))
    player.has(past(0, name="b"))

    assert [("a", 0), ("a", 1), ("b", 0)] == [(event.topic, event.offset) for event in player.shown]
    assert [1] == [discard.before_epoch for discard in player.discarded]


def test_topics_that_are_added_on_the_way_to_live_lose_nothing_of_the_others() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))
    player.do(Tail())
    player.has(past(0))
    player.answers = False
    player.behind = True
    player.has(past(0, first=1))
    player.do(Subscribe(topics=("b",)))

    player.answers, player.behind = True, False
    player.answer()

    assert [0, 1] == [event.offset for event in player.shown]
    assert Status.TAILING is status(player)


def test_a_wider_window_in_live_owes_what_lies_ahead() -> None:
    player = Player()
    player.do(Play(change=Change(end=At(WALL_US + 5 * SECOND_US))))
    player.has([event(WALL_US + 8 * SECOND_US)])

    player.do(SetControls(change=Change(end=Place.UNBOUNDED)))

    assert ["early"] == player.marks


# ---------------------------------------------------------------- topics that come and go


def test_a_topic_made_anew_is_a_gap_and_begins_again() -> None:
    player = Player(topic("a"))
    player.do(Tail())
    player.has(past(0, 0, 0), stored=False)
    player.receive(OutboxFull())
    player.has(past(0, 0, first=3), stored=False)

    player.change(topic("a", made=2))
    player.has(past(0), stored=False)
    player.receive(OutboxDrained())

    assert [Gap(topic="a", partition=0, from_offset=3, to_offset=5, reason="deleted")] == player.all(Gap)
    assert "topics" == player.last(Reset).why
    assert [0, 1, 2, 0] == [event.offset for event in player.shown]


def test_a_topic_that_is_deleted_leaves_the_others_playing() -> None:
    player = Player(topic("a"), topic("b"))
    player.has([*past(90, 50), *past(90, 50, name="b")])
    player.do(Play(change=Change(start=START)))
    player.run(20 * SECOND_US)

    player.change(topic("b"))
    player.run(40 * SECOND_US)

    assert [("a", 0), ("b", 0), ("b", 1)] == [(event.topic, event.offset) for event in player.shown]


def test_a_topic_that_is_made_is_played_from_its_beginning() -> None:
    player = Player(topic("a"))
    player.do(Tail())

    player.change(topic("a"), topic("b"))
    player.has(past(0, name="b"))

    assert [("b", 0)] == [(event.topic, event.offset) for event in player.shown]
    assert 1 == len(player.all(Reset))


def test_a_past_owes_nothing_of_topics_that_come_later() -> None:
    player = Player(topic("a"))
    player.do(Play(change=PAST))

    player.change(topic("a"), topic("b"))
    player.has(past(50, name="b"))
    player.run(90 * SECOND_US)

    assert [] == player.shown


def test_a_topic_that_grows_is_followed() -> None:
    player = Player(topic("a"))
    player.do(Tail())

    player.change(topic("a", 2))
    player.has(past(0, partition=1))

    assert [(1, 0)] == [(event.partition, event.offset) for event in player.shown]


def test_topics_that_change_take_nothing_from_the_others_that_is_on_its_way() -> None:
    a, b = topic("a"), topic("b")
    player = Player(a, b)
    player.has([*past(50, 49), *past(50, 49, name="b")])
    player.do(Play(change=Change(start=At(WALL_US - 60 * SECOND_US))))
    player.run(10 * SECOND_US)
    discarded = len(player.discarded)

    player.change(a, topic("b", made=2))

    assert "topics" == player.last(Reset).why
    assert discarded == len(player.discarded)


def test_a_topic_that_changes_in_a_loop_leaves_it_in_its_turn() -> None:
    a, b = topic("a"), topic("b")
    player = Player(a, b)
    window = Change(start=At(WALL_US - 60 * SECOND_US), end=At(WALL_US - 50 * SECOND_US), loop=Loop(3))
    player.do(Play(change=window))
    player.run(15 * SECOND_US)

    player.change(a)

    assert 2 == player.last(State).iteration


def test_topics_may_change_before_anything_is_played() -> None:
    player = Player(topic("a"))

    player.receive(TopicsChanged({}))

    assert [] == player.all(Reset)


# ---------------------------------------------------------------- neighbours that fail


@pytest.mark.parametrize(("source", "code"), [(Source.STORE, "store_unavailable"), (Source.LOG, "log_unavailable")])
def test_a_neighbour_that_is_away_is_told_once_and_asked_until_it_is_back(source: Source, code: str) -> None:
    player = Player()
    player.has(past(90))
    player.away.add(source)
    player.do(Play(change=Change(start=START)))
    player.run(20 * SECOND_US)

    player.away.clear()
    player.run(60 * SECOND_US)

    assert [(code, 250, False)] == [(told.code, told.retry_ms, told.fatal) for told in player.all(Failed)]
    assert [0] == [event.offset for event in player.shown]


def test_a_neighbour_that_is_away_again_is_told_again() -> None:
    player = Player()
    for _ in range(2):
        player.away.add(Source.LOG)
        player.do(Play(change=Change(start=START)))
        player.away.clear()
        player.run(SECOND_US)

    assert 2 == len(player.all(Failed))


def test_waiting_is_told_and_so_is_its_end() -> None:
    player = Player()
    player.has(past(90))
    player.answers = False
    player.do(Play(change=PAST))
    player.run(SECOND_US)

    player.answers = True
    player.answer()

    assert [Status.PLAYING, Status.BUFFERING, Status.PLAYING] == [state.status for state in player.all(State)]


def test_stale_answers_change_nothing() -> None:
    player = Player()
    player.do(Play(change=PAST))
    told = len(player.told)

    player.receive(PageRead(10_000, past(50), True))
    player.receive(Answered(10_000, {}))
    player.do(Stop())
    player.receive(PageRead(10_001, past(50), True))

    assert [] == player.shown
    assert told < len(player.told)


# ---------------------------------------------------------------- viewers that fail


def test_a_viewer_that_takes_nothing_for_ten_seconds_is_let_go() -> None:
    player = Player()
    player.has(past(*range(99, 19, -1)))
    player.do(Play(change=PAST))
    player.do(Ack(n=0))

    player.run(12 * SECOND_US)

    assert [1008] == [close.code for close in player.closed]
    assert player.last(Bye).reason.startswith("slow")


def test_a_viewer_that_is_slow_may_be_let_go() -> None:
    player = Player()
    player.has(past(99))
    player.do(Play(change=Change(start=START, end=END, on_slow=OnSlow.CLOSE)))
    player.do(Ack(n=0))

    player.run(2_500_000)

    assert [1008] == [close.code for close in player.closed]


def test_a_viewer_that_acks_in_time_stays() -> None:
    player = Player()
    player.acks = True
    player.has(past(*range(99, 19, -1)))

    player.do(Play(change=PAST))
    player.run(90 * SECOND_US)

    assert [] == player.closed
    assert 80 == len(player.shown)


def test_a_viewer_with_room_is_never_slow() -> None:
    player = Player()
    player.has(past(99))
    player.do(Play(change=Change(start=START, end=END, on_slow=OnSlow.CLOSE)))
    player.do(Ack(n=0))
    player.run(1_500_000)

    player.do(Ack(n=1))
    player.run(30 * SECOND_US)

    assert [] == player.closed


# ---------------------------------------------------------------- what is told


def test_a_clock_comes_as_often_as_asked_for() -> None:
    player = Player()

    player.do(Play(change=Change(start=START, end=END, clock_hz=Fraction(10))))
    player.run(SECOND_US)

    assert 10 == len(player.all(Clock))


def test_clocks_that_were_missed_are_not_made_up_for() -> None:
    player = Player()
    player.do(Play(change=Change(start=START, end=END, clock_hz=Fraction(10))))

    player.late(SECOND_US)
    player.run(100_000)

    assert 2 == len(player.all(Clock))


def test_held_there_is_no_clock() -> None:
    player = Player()
    player.do(Play(change=Change(start=START, end=END)))
    player.do(Pause())

    player.run(5 * SECOND_US)

    assert [] == player.all(Clock)
    assert WakeAt(None) == player.effects_of(WakeAt)[-1]


def test_a_frame_carries_the_cursor_where_it_changed() -> None:
    player = Player()
    player.has(past(90, 80))

    player.do(Play(change=PAST))
    player.run(30 * SECOND_US)

    first, second = player.all(Events)
    assert first.cursor is not None
    assert second.cursor is None
    assert {0: 2} == from_token(first.cursor).topics["a"].frontier


def test_what_came_late_is_in_the_cursor_too() -> None:
    player = Player()
    player.has([*past(90), event(WALL_US + 900 * SECOND_US, offset=1)])
    player.do(Play(change=Change(start=START)))
    player.run(50 * SECOND_US)

    player.has(past(80, first=2))

    assert player.all(Events)[-1].cursor is not None


def test_the_live_ring_is_kept_only_near_the_edge() -> None:
    player = Player()
    player.do(Tail())

    player.do(Stop())

    assert [OpenTail(topic())] == player.effects_of(OpenTail)
    assert [CloseTail(topic())] == player.effects_of(CloseTail)
    assert 1 == len(player.effects_of(Cancel))


def test_waking_without_need_does_nothing_but_ask_again() -> None:
    player = Player()
    player.do(Play(change=PAST))
    before = len(player.told)

    player.receive(Woke())

    assert before == len(player.told)
    assert isinstance(player.effects[-1], WakeAt)


# ---------------------------------------------------------------- resume


def test_a_topic_made_anew_meanwhile_is_a_gap() -> None:
    player = Player()
    player.do(Tail())
    player.has(past(0))

    other = Player(topic("a", made=2))
    other.has(past(0))
    other.do(Resume(cursor=player.cursor, offsets={"a": {0: 1}}))

    assert [Gap(topic="a", partition=0, from_offset=0, to_offset=1, reason="deleted")] == other.all(Gap)
    assert [0] == [event.offset for event in other.shown]


def test_a_topic_that_the_token_does_not_know_begins_with_the_epoch() -> None:
    player = Player(topic("a"))
    player.has(past(90))
    player.do(Play(change=PAST))
    player.run(20 * SECOND_US)

    other = Player(topic("a"), topic("b"))
    other.has([*past(90), *past(50, name="b")])
    other.do(Resume(cursor=player.cursor, after=Cursor(START.time_us, "", 0, 0)))
    other.run(90 * SECOND_US)

    assert [("b", 0)] == [(event.topic, event.offset) for event in other.shown]


def test_an_edge_that_was_not_known_is_looked_for_again() -> None:
    player = Player()
    player.answers = False
    player.do(Tail())

    other = Player()
    other.has(past(5))
    other.do(Resume(cursor=player.cursor))

    assert {"a": {0: 1}} == other.last(CaughtUp).offsets


def test_a_held_session_is_resumed_held() -> None:
    player = Player()
    player.has(past(90, 50))
    player.do(Play(change=PAST))
    player.run(20 * SECOND_US)
    player.do(Pause())

    other = Player()
    other.has(past(90, 50))
    other.do(Resume(cursor=player.cursor, after=past(90)[0].cursor))

    assert (Status.PAUSED, WALL_US - 80 * SECOND_US) == (status(other), other.session.describe(other.now).pos_us)


def test_a_distance_to_live_is_kept() -> None:
    player = Player()
    player.do(Tail(delay_us=5 * SECOND_US))

    other = Player()
    other.do(Resume(cursor=player.cursor))
    other.run(SECOND_US)

    assert WALL_US - 4 * SECOND_US == other.session.describe(other.now).pos_us


def test_a_subscription_at_a_distance_keeps_it() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))
    player.do(Tail(delay_us=5 * SECOND_US))

    player.do(Subscribe(topics=("b",)))
    player.run(SECOND_US)

    assert WALL_US - 4 * SECOND_US == player.session.describe(player.now).pos_us
    assert [] == player.all(FellBehind)


def test_topics_may_be_added_before_anything_is_played() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))

    player.do(Subscribe(topics=("b",)))

    assert [] == player.all(Reset)


def test_a_pause_of_what_does_not_run_holds_nothing() -> None:
    player = Player()

    player.do(Pause())

    assert Status.PAUSED is status(player)


def test_a_topic_of_the_token_that_is_not_there_yet_goes_on_where_it_was() -> None:
    player = Player(topic("a"))
    player.do(Tail())
    player.has(past(0, 0))
    first = Player(topic("b"), patterns=("a",))
    first.do(Resume(cursor=player.cursor, offsets={"a": {0: 2}}))

    other = Player(topic("b"), patterns=("a",))
    other.do(Resume(cursor=first.cursor))
    for late in (first, other):
        late.change(topic("a"), topic("b"))
        late.has(past(0, 0, 0))

    assert [2] == [event.offset for event in first.shown]
    assert [2] == [event.offset for event in other.shown]


def test_a_topic_that_is_another_when_it_comes_begins_at_its_beginning() -> None:
    player = Player(topic("a"))
    player.do(Tail())
    player.has(past(0, 0))
    other = Player(topic("b"), patterns=("a",))
    other.do(Resume(cursor=player.cursor))

    other.change(topic("a", made=2), topic("b"))
    other.has(past(0))

    assert [0] == [event.offset for event in other.shown]


# ---------------------------------------------------------------- wake-ups that only read the clock


def _steady(*, max_rate: Fraction | None = None) -> Player:
    """A window of an event a second, that plays without telling its clock."""
    player = Player()
    player.has(past(*range(90, 10, -1)))
    window = Change(start=At(WALL_US - 100 * SECOND_US), end=At(WALL_US - 10 * SECOND_US))
    player.do(Play(change=replace(window, clock_hz=Fraction(0), max_rate=max_rate)))
    player.run(11 * SECOND_US)
    return player


def test_waking_early_sends_nothing_and_asks_again() -> None:
    player = _steady()
    shown = len(player.shown)

    player.late(500_000)

    assert shown == len(player.shown)
    assert WakeAt(12 * SECOND_US) == player.effects[-1]


def test_events_that_are_thinned_out_end_the_stretch() -> None:
    player = _steady(max_rate=Fraction(1, 2))

    player.run(9 * SECOND_US)

    assert 6 == len(player.shown)
    assert 5 == sum(frame.thinned for frame in player.all(Events))


def test_a_full_outbox_ends_the_stretch() -> None:
    player = _steady()
    shown = len(player.shown)
    player.receive(OutboxFull())

    player.run(3 * SECOND_US)

    assert shown == len(player.shown)


def test_before_anything_is_played_it_is_the_first_turn() -> None:
    player = Player()

    player.do(Seek(to=Place.BEGINNING))

    assert 1 == player.last(State).iteration


def test_a_window_in_the_past_set_while_tailing_is_played() -> None:
    player = Player()
    player.has(past(50))
    player.do(Tail())

    player.do(SetControls(change=Change(end=At(WALL_US - 10 * SECOND_US), start=At(WALL_US - 60 * SECOND_US))))

    assert Status.PLAYING is player.last(State).status


def test_subscribing_to_what_is_played_already_changes_nothing() -> None:
    player = Player(topic("a"), patterns=("a",))
    player.do(Play())
    resets = len(player.all(Reset))

    player.do(Subscribe(topics=("a*",)))

    assert resets == len(player.all(Reset))


# ---------------------------------------------------------------- steps


def ago(player: Player) -> list[int]:
    return [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_a_step_holds_what_plays() -> None:
    player = Player()
    player.has(past(90, 80, 70))
    player.do(Play(change=PAST))
    player.run(15 * SECOND_US)

    player.do(Step(n=1))
    player.run(60 * SECOND_US)

    assert [90, 80] == ago(player)
    assert (Status.PAUSED, WALL_US - 80 * SECOND_US) == (player.last(State).status, player.last(State).pos_us)


def test_a_step_begins_where_nothing_is_played() -> None:
    player = Player()
    player.has(past(90, 80))
    player.do(Stop())

    player.do(Step(n=1))

    assert ([90], Status.PAUSED, "seek") == (ago(player), status(player), player.last(Reset).why)


def test_a_window_that_has_ended_has_no_step_on_but_one_back() -> None:
    player = Player()
    player.has(past(90, 80))
    player.do(ended(None))

    player.do(Step(n=1))
    before = (ago(player), status(player))
    player.do(Step(n=-1))

    assert ([90, 80], Status.ENDED) == before
    assert ([90, 80, 90], Status.PAUSED) == (ago(player), status(player))


def test_a_step_asks_for_nothing_once_it_is_done() -> None:
    player = Player()
    player.has(past(90, 80))

    player.do(Step(n=9))
    told = len(player.told)
    player.has(past(5, first=2), stored=False)
    player.run(10 * SECOND_US)

    assert told == len(player.told)
    player.do(Step(n=1))
    assert [90, 80, 5] == ago(player)


def test_a_step_whose_log_is_away_ends_with_an_error() -> None:
    player = Player()
    player.has(past(90), stored=False)
    player.away = {Source.LOG}

    player.do(Step(id="1", n=1))

    assert ["1"] == [failed.id for failed in player.all(Failed)]
    player.away = set()
    player.do(Step(id="2", n=1))
    player.run(SECOND_US)
    assert [90] == ago(player)


def test_stop_ends_a_step() -> None:
    player = Player()
    player.answers = False
    player.do(Step(id="1", n=1))

    player.do(Stop())

    assert ["1", None] == [told.id for told in player.all(Acked)]


def test_the_smallest_gap_holds_between_two_turns() -> None:
    player = Player()
    player.has(past(99.999))
    end = At(START.time_us + 2_000)

    player.do(Play(change=Change(start=START, end=end, loop=Loop(3), min_gap_us=SECOND_US)))
    player.run(10 * SECOND_US)

    assert 3 == len(player.times)
    assert all(SECOND_US <= after - before for before, after in pairwise(player.times))


def test_each_epoch_begins_with_its_image_and_steps_wait_for_it() -> None:
    player = Player()
    player.has(past(200, 99, 98))
    player.do(SetControls(change=Change(image=True, start=START)))
    player.answers = False
    player.do(Step(n=1))
    shown = list(player.shown)
    player.answers = True
    player.answer()

    player.do(Play(change=replace(PAST, loop=Loop(2), pacing=Unlimited())))
    player.run(SECOND_US)

    assert [] == shown
    assert [1, 1, 2, 1, 2] == [found.offset for found in player.shown]
    assert [(1, True), (2, True), (3, True)] == [(image.epoch, image.last) for image in player.all(Image)]


def test_a_part_of_an_image_waits_for_the_viewer() -> None:
    player = Player()
    player.has([event(WALL_US - 200 * SECOND_US, offset=n, key=b"%d" % n) for n in range(5)])
    player.answers = False
    player.do(Play(change=replace(PAST, image=True)))
    player.receive(OutboxFull())
    player.answers = True
    player.answer()
    held = player.all(Image)

    player.receive(OutboxDrained())

    assert [] == held
    assert [1, 2, 3] == [image.part for image in player.all(Image)]


def test_an_image_that_was_begun_goes_on_with_a_resume() -> None:
    player = Player()
    player.has(past(200, 99))
    player.answers = False
    player.do(Play(change=replace(PAST, image=True)))
    other = Player()
    other.has(past(200, 99))

    other.do(Resume(cursor=player.cursor, change=Change(pacing=Unlimited())))

    assert [(1, True)] == [(image.epoch, image.last) for image in other.all(Image)]
    assert [1] == [found.offset for found in other.shown]
