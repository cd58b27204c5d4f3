from dataclasses import replace
from fractions import Fraction

import pytest

from tests.unit.tivo.playback.events import WALL_US, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.commands import (
    Ack,
    AskOverview,
    AskState,
    AskTopics,
    At,
    Batches,
    Change,
    Command,
    EndAction,
    Fit,
    FromNow,
    FromPosition,
    Loop,
    Pause,
    Place,
    Play,
    Refused,
    Resume,
    Seek,
    SetControls,
    Speed,
    Step,
    Stop,
    Subscribe,
    Tail,
    Unlimited,
    Unsubscribe,
)
from tivo.playback.effects import Cancel, OverviewQuestion, TopicsQuestion
from tivo.playback.facts import Answered, NearRead, ReadFailed, Source
from tivo.playback.notices import Acked, CaughtUp, Ended, Failed, Hello, Reset, State, Status
from tivo.playback.protocol import decode

HOUR_AGO = At(WALL_US - 3_600 * SECOND_US)
WINDOW = Change(start=At(WALL_US - 100 * SECOND_US), end=At(WALL_US - 10 * SECOND_US))


def status(player: Player) -> Status:
    return player.session.describe(player.now).status


def refused(player: Player, command: Command) -> Failed:
    player.do(command)
    return player.last(Failed)


# ---------------------------------------------------------------- the greeting


def test_a_viewer_is_greeted_with_what_there_is() -> None:
    player = Player(topic("a"), topic("b"))

    assert [
        Hello(
            protocol="tivo.v1",
            server="test",
            sid="s",
            now_us=WALL_US,
            limits={"max_sessions": 512},
            topics=["a", "b"],
        )
    ] == player.told
    assert Status.PAUSED is status(player)


def test_a_name_that_is_not_there_is_told_and_waited_for() -> None:
    player = Player(topic("a"), patterns=("b", "c*"))
    told = player.last(Failed)
    player.do(Play())

    player.change(topic("a"), topic("b"))
    player.has(past(5, name="b"))

    assert ("unknown_topic", None, False) == (told.code, told.action, told.fatal)
    assert past(5, name="b") == player.shown


# ---------------------------------------------------------------- answers


def test_every_command_is_answered_by_its_id() -> None:
    player = Player()

    player.do(AskState(id="1", ignored=("x",)))

    answer = player.last(Acked)
    assert ("1", "state", ("x",), None) == (answer.id, answer.action, answer.ignored, answer.result)
    assert Status.PAUSED is answer.state.status


def test_an_ack_of_frames_is_not_answered() -> None:
    player = Player()
    before = len(player.told)

    player.do(Ack(n=1))

    assert before == len(player.told)


def test_what_is_withheld_is_refused_and_changes_nothing() -> None:
    player = Player()

    answer = refused(player, decode('{"action":"mark","id":"7"}'))

    assert ("7", "mark", "not_offered", "action") == (answer.id, answer.action, answer.code, answer.field)


def test_what_could_not_be_decoded_is_answered_with_its_error() -> None:
    player = Player()

    answer = refused(player, Refused(id="7", named="play", code="bad_speed", field="speed", message="no"))

    assert Failed(id="7", action="play", code="bad_speed", field="speed", message="no") == answer


def test_the_answer_comes_before_what_the_command_leads_to() -> None:
    player = Player()
    player.has(past(5))

    player.do(Play(id="1"))

    kinds = [type(notice) for notice in player.told[1:]]
    assert [Acked, Reset, State] == kinds[:3]


def test_answers_keep_the_order_of_the_commands() -> None:
    player = Player()
    player.do(AskTopics(id="1"))
    player.do(Pause(id="2"))
    before = len(player.all(Acked))

    player.receive(Answered(player.asked[0].read, {"topics": []}))

    assert 0 == before
    assert [("1", {"topics": []}), ("2", None)] == [(answer.id, answer.result) for answer in player.all(Acked)]


def test_a_question_fails_by_the_name_of_the_neighbour_that_did() -> None:
    player = Player()
    player.do(AskTopics(id="1"))

    player.receive(ReadFailed(player.asked[0].read, Source.LOG, "nobody answers"))

    assert "log_unavailable" == player.last(Failed).code


def test_a_question_that_cannot_be_answered_is_an_error() -> None:
    player = Player()
    player.do(AskOverview(id="1"))

    player.receive(ReadFailed(player.asked[0].read, Source.STORE, "the disk is full"))

    assert Failed(id="1", action="overview", code="store_unavailable", message="the disk is full") == player.last(
        Failed
    )


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    player = Player()
    before = len(player.told)

    player.receive(Answered(99, {}))

    assert before == len(player.told)


def test_questions_are_bounded() -> None:
    player = Player()
    for _ in range(64):
        player.do(AskTopics())

    player.do(AskTopics(id="65"))
    for asked in player.asked:
        player.receive(Answered(asked.read, {}))

    assert ("65", "rate_limited") == (player.last(Failed).id, player.last(Failed).code)


def test_an_overview_is_of_the_window_unless_told() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))
    player.do(SetControls(change=WINDOW))

    player.do(AskOverview(buckets=7))
    player.do(AskOverview(start=FromNow(-5), end=Place.UNBOUNDED))

    assert [
        OverviewQuestion((topic("a"),), Window(WALL_US - 100 * SECOND_US, WALL_US - 10 * SECOND_US), 7),
        OverviewQuestion((topic("a"),), Window(WALL_US - 5, None), 500),
    ] == [asked.question for asked in player.asked]


def test_all_topics_are_listed_whichever_are_played() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))

    player.do(AskTopics())

    assert TopicsQuestion((topic("a"), topic("b"))) == player.asked[0].question


# ---------------------------------------------------------------- play, pause, stop


def test_play_begins_at_the_start_of_the_window() -> None:
    player = Player()

    player.do(Play(change=WINDOW))

    assert (1, WALL_US - 100 * SECOND_US, "play") == (
        player.last(Reset).epoch,
        player.last(Reset).pos_us,
        player.last(Reset).why,
    )
    assert Status.PLAYING is status(player)


def test_bare_play_goes_on_from_where_it_was_held() -> None:
    player = Player()
    player.do(Play(change=WINDOW))
    player.run(7 * SECOND_US)
    player.do(Pause())
    player.run(60 * SECOND_US)

    player.do(Play())

    assert 1 == len(player.all(Reset))
    assert WALL_US - 93 * SECOND_US == player.session.describe(player.now).pos_us


def test_play_while_playing_changes_the_controls_alone() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    player.do(Play(change=Change(pacing=Speed(Fraction(2)))))

    assert 1 == len(player.all(Reset))
    assert Fraction(2) == player.session.describe(player.now).speed


def test_play_at_the_end_starts_again() -> None:
    player = Player()
    player.do(Play(change=WINDOW))
    player.run(100 * SECOND_US)
    ended = status(player)

    player.do(Play())

    assert Status.ENDED is ended
    assert 1 == len(player.all(Ended))
    assert 2 == player.last(Reset).epoch
    assert Status.PLAYING is status(player)


def test_play_may_name_a_position() -> None:
    player = Player()
    player.has(past(80, 20))

    player.do(Play(change=Change(start=WINDOW.start, end=WINDOW.end, pos=At(WALL_US - 30 * SECOND_US))))
    player.run(15 * SECOND_US)

    assert [1] == [event.offset for event in player.shown]


def test_stop_frees_what_it_holds_and_the_session_stays() -> None:
    player = Player()
    player.answers = False
    player.do(Play(change=WINDOW))

    player.do(Stop())

    assert Status.ENDED is status(player)
    assert 1 == len(player.effects_of(Cancel))


def test_pause_of_what_does_not_play_is_fine() -> None:
    player = Player()

    player.do(Pause())

    assert Status.PAUSED is player.last(Acked).state.status


def test_what_cannot_be_done_changes_nothing() -> None:
    player = Player()
    player.do(Play(change=WINDOW))
    before = player.session.describe(player.now)

    answer = refused(player, Play(change=Change(start=At(WALL_US))))

    assert ("bad_window", "start") == (answer.code, answer.field)
    assert before == player.session.describe(player.now)


# ---------------------------------------------------------------- seek


@pytest.mark.parametrize(
    ("to", "pos_us"),
    [
        (At(WALL_US - 50 * SECOND_US), WALL_US - 50 * SECOND_US),
        (FromPosition(5 * SECOND_US), WALL_US - 95 * SECOND_US),
        (Place.BEGINNING, WALL_US - 100 * SECOND_US),
        (Place.END, WALL_US - 10 * SECOND_US),
        (At(WALL_US - 10 * SECOND_US), WALL_US - 10 * SECOND_US),
    ],
)
def test_a_seek_moves_and_a_paused_session_stays_paused(to: At, pos_us: int) -> None:
    player = Player()
    player.do(SetControls(change=WINDOW))

    player.do(Seek(to=to))

    assert (pos_us, "seek") == (player.last(Reset).pos_us, player.last(Reset).why)
    assert Status.PAUSED is status(player)


def test_a_playing_session_keeps_playing_after_a_seek() -> None:
    player = Player()
    player.has(past(80, 50, 20))
    player.do(Play(change=WINDOW))

    player.do(Seek(to=At(WALL_US - 21 * SECOND_US)))
    player.run(SECOND_US)

    assert [2] == [event.offset for event in player.shown]
    assert 2 == player.frames[0].epoch


def test_a_seek_in_live_leaves_it() -> None:
    player = Player()
    player.do(Tail())

    player.do(Seek(to=HOUR_AGO))

    assert Status.PLAYING in (notice.status for notice in player.all(State))
    assert HOUR_AGO.time_us == player.last(Reset).pos_us


def test_the_end_of_an_open_window_is_live() -> None:
    player = Player()
    player.do(Play())
    player.do(Seek(to=HOUR_AGO))

    player.do(Seek(to=Place.END))

    assert Status.TAILING is status(player)


def test_the_end_of_an_open_window_is_now_while_paused() -> None:
    player = Player()

    player.do(Seek(to=Place.END))

    assert WALL_US == player.last(Reset).pos_us
    assert Status.PAUSED is status(player)


def test_now_may_be_sought() -> None:
    player = Player()

    player.do(Seek(to=FromNow(0)))

    assert WALL_US == player.last(Reset).pos_us


@pytest.mark.parametrize("to", [At(WALL_US), At(WALL_US - 101 * SECOND_US)])
def test_a_seek_stays_inside_the_window(to: At) -> None:
    player = Player()
    player.do(SetControls(change=WINDOW))

    assert ("bad_time", "pos") == (refused(player, Seek(to=to)).code, player.last(Failed).field)


def test_nobody_seeks_the_future() -> None:
    assert "bad_time" == refused(Player(), Seek(to=FromNow(1))).code


def test_a_seek_from_an_unknown_position_is_refused() -> None:
    assert "bad_time" == refused(Player(), Seek(to=FromPosition(1))).code


# ---------------------------------------------------------------- set


def test_set_changes_controls_and_no_more() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    player.do(SetControls(change=Change(pacing=Speed(Fraction(10)))))

    assert 1 == len(player.all(Reset))
    assert Status.PLAYING is status(player)


def test_a_new_window_around_the_position_keeps_it() -> None:
    player = Player()
    player.do(Play(change=WINDOW))
    player.run(10 * SECOND_US)

    player.do(SetControls(change=Change(end=At(WALL_US - 50 * SECOND_US))))

    assert (WALL_US - 90 * SECOND_US, "window") == (player.last(Reset).pos_us, player.last(Reset).why)


def test_a_new_window_elsewhere_begins_at_its_start() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    player.do(SetControls(change=Change(start=At(WALL_US - 40 * SECOND_US))))

    assert WALL_US - 40 * SECOND_US == player.last(Reset).pos_us


def test_a_window_in_the_past_set_in_live_is_played() -> None:
    player = Player()
    player.has(past(50, 20))
    player.do(Tail())

    player.do(SetControls(change=WINDOW))

    assert Status.PLAYING is status(player)
    assert 1 == player.last(State).speed


def test_a_window_that_is_opened_goes_on_at_the_speed_that_fitted_it() -> None:
    player = Player()
    player.has(past(50, 20))
    player.do(Play(change=replace(WINDOW, pacing=Fit(9 * SECOND_US), loop=Loop(None))))

    player.do(SetControls(change=Change(start=Place.UNBOUNDED, end=Place.UNBOUNDED, loop=Loop())))

    assert 10 == player.last(State).speed
    assert (None, None) == (player.last(State).start_us, player.last(State).end_us)


def test_a_seek_within_a_loop_stays_in_its_turn() -> None:
    player = Player()
    player.has(past(50, 20))
    player.do(Play(change=replace(WINDOW, loop=Loop(2), pacing=Speed(Fraction(10)))))
    player.run(12 * SECOND_US)

    player.do(Seek(to=At(WALL_US - 60 * SECOND_US)))
    player.run(30 * SECOND_US)

    assert [2] == [ended.iteration for ended in player.all(Ended)]


def test_a_window_that_stays_the_same_begins_no_epoch() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    player.do(SetControls(change=WINDOW))

    assert 1 == len(player.all(Reset))


def test_another_filter_is_a_new_epoch() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    player.do(SetControls(change=Change(keys=("door-*",))))

    assert "window" == player.last(Reset).why


def test_only_events_of_which_an_expression_holds_are_shown() -> None:
    player = Player()
    player.has(past(*range(60, 50, -1)))

    player.do(Play(change=replace(WINDOW, where="offset % 3 = 0", pacing=Unlimited())))
    player.run(SECOND_US)

    assert [0, 3, 6, 9] == [shown.offset for shown in player.shown]
    assert {"where": "offset % 3 = 0"} == player.last(Acked).state.controls["filter"]


def test_another_expression_is_a_new_epoch_and_the_same_is_none() -> None:
    player = Player()
    player.do(Play(change=replace(WINDOW, where="true")))

    player.do(SetControls(change=Change(where="true")))
    player.do(SetControls(change=Change(where="false")))

    assert ["play", "window"] == [reset.why for reset in player.all(Reset)]


def test_an_expression_goes_on_where_other_controls_change_and_ends_with_an_empty_one() -> None:
    player = Player()
    player.do(Play(change=replace(WINDOW, where="false")))

    player.do(SetControls(change=Change(pacing=Speed(Fraction(2)))))
    kept = player.last(Acked).state.controls["filter"]
    player.do(SetControls(change=Change(where="")))

    assert ({"where": "false"}, None) == (kept, player.last(Acked).state.controls["filter"])


def test_an_expression_that_says_nothing_changes_nothing() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    for wrong in (Play, SetControls):
        failed = refused(player, wrong(change=Change(where="value.x >", pacing=Speed(Fraction(9)))))

        assert ("bad_filter", "filter.where") == (failed.code, failed.field)
        assert "line 1, column 10: expected a value, found the end" == failed.message
    assert (1, 1) == (len(player.all(Reset)), player.session.describe(player.now).controls["speed"])


def test_live_events_pass_by_an_expression_too() -> None:
    player = Player()
    player.do(Play(change=Change(start=At(WALL_US - SECOND_US), where="offset = 1")))
    player.run(2 * SECOND_US)

    player.has(past(0, 0), stored=False)
    player.run(SECOND_US)

    assert [1] == [shown.offset for shown in player.shown]


def test_a_resume_names_its_expression_anew() -> None:
    player = Player()
    player.has(past(90, 80, 70))
    player.do(Play(change=replace(WINDOW, where="offset != 1")))
    player.run(15 * SECOND_US)
    other = Player()
    other.has(past(90, 80, 70))

    other.do(
        Resume(cursor=player.cursor, after=past(90)[0].cursor, change=Change(where="offset != 1", pacing=Unlimited()))
    )
    other.run(SECOND_US)

    assert [2] == [shown.offset for shown in other.shown]


def test_set_may_name_a_position() -> None:
    player = Player()
    player.do(Play(change=WINDOW))

    player.do(SetControls(change=Change(pos=At(WALL_US - 50 * SECOND_US))))

    assert (WALL_US - 50 * SECOND_US, "seek") == (player.last(Reset).pos_us, player.last(Reset).why)


def test_a_window_set_before_anything_is_played_waits() -> None:
    player = Player()

    player.do(SetControls(change=WINDOW))

    assert [] == player.all(Reset)


# ---------------------------------------------------------------- topics


def test_subscribe_adds_topics_at_the_present_position() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))
    player.has([*past(80, 20), *past(80, 20, name="b")])
    player.do(Play(change=WINDOW))
    player.run(50 * SECOND_US)

    player.do(Subscribe(topics=("b",)))
    player.run(35 * SECOND_US)

    assert "subscribe" == player.last(Reset).why
    assert [("a", 0), ("a", 1), ("b", 1)] == [(event.topic, event.offset) for event in player.shown]


def test_what_is_subscribed_already_begins_no_epoch() -> None:
    player = Player(topic("a"))
    player.do(Play(change=WINDOW))

    player.do(Subscribe(topics=("a",)))

    assert 1 == len(player.all(Reset))


def test_a_topic_that_is_not_there_is_refused() -> None:
    player = Player()

    assert ("unknown_topic", "topics") == (refused(player, Subscribe(topics=("x",))).code, player.last(Failed).field)
    assert "unknown_topic" == refused(player, Unsubscribe(topics=("x",))).code


def test_subscriptions_are_bounded() -> None:
    player = Player()
    for number in range(4):
        player.do(Subscribe(topics=tuple(f"a{number}-{glob}*" for glob in range(63))))

    assert "bad_glob" == refused(player, Subscribe(topics=tuple(f"b{glob}*" for glob in range(10)))).code


def test_unsubscribe_takes_topics_away() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a", "b"))
    player.has([*past(80, 20), *past(80, 20, name="b")])
    player.do(Play(change=WINDOW))

    player.do(Unsubscribe(topics=("a",)))
    player.run(90 * SECOND_US)

    assert ["b", "b"] == [event.topic for event in player.shown]


# ---------------------------------------------------------------- resume


def test_resume_goes_on_right_behind_the_last_event() -> None:
    player = Player()
    player.has(past(90, 80, 70, 60))
    player.do(Play(change=WINDOW))
    player.run(25 * SECOND_US)
    cursor = player.cursor

    other = Player()
    other.has(past(90, 80, 70, 60))
    other.do(Resume(cursor=cursor, after=past(90, 80)[1].cursor))
    other.run(60 * SECOND_US)

    assert [0, 1] == [event.offset for event in player.shown]
    assert [2, 3] == [event.offset for event in other.shown]
    assert [] == other.all(Reset)


def test_resume_with_another_window_plays_that() -> None:
    player = Player()
    player.do(Play(change=WINDOW))
    cursor = player.cursor

    other = Player()
    other.do(Resume(cursor=cursor, change=Change(end=At(WALL_US - 20 * SECOND_US))))

    assert "window" == other.last(Reset).why


def test_a_token_that_is_none_is_refused() -> None:
    assert ("bad_value", "cursor") == (refused(player := Player(), Resume(cursor="x")).code, player.last(Failed).field)


def test_resume_in_live_goes_on_by_offsets() -> None:
    player = Player()
    player.do(Tail())
    player.has(past(0, 0))

    other = Player()
    other.has(past(0, 0, 0))
    other.do(Resume(cursor=player.cursor, offsets={"a": {0: 2}}))

    assert [2] == [event.offset for event in other.shown]
    assert Status.TAILING is status(other)


def test_a_loop_goes_on_where_it_was() -> None:
    player = Player()
    player.has(past(90, 80))
    player.do(Play(change=Change(start=WINDOW.start, end=WINDOW.end, loop=Loop(3))))
    player.run(100 * SECOND_US)

    other = Player()
    other.has(past(90, 80))
    other.do(Resume(cursor=player.cursor, change=Change(loop=Loop(3))))
    other.run(200 * SECOND_US)

    assert 2 == player.last(Reset).epoch
    assert [3] == [ended.iteration for ended in other.all(Ended)]


# ---------------------------------------------------------------- the end


def test_a_closed_session_takes_nothing_more() -> None:
    player = Player()
    player.has(past(50))
    player.do(Play(change=Change(start=WINDOW.start, end=WINDOW.end, end_action=EndAction.CLOSE, pacing=Unlimited())))

    player.do(Play(id="x"))

    assert [(1000, "the window has been played")] == [(close.code, close.reason) for close in player.closed]
    assert "x" not in [answer.id for answer in player.all(Acked)]


def test_caught_up_comes_once_nothing_is_unsent() -> None:
    player = Player()
    player.has(past(5))

    player.do(Tail())

    assert {"a": {0: 1}} == player.last(CaughtUp).offsets
    assert 0 == len(player.shown)


def test_a_wake_up_that_only_time_has_led_to_is_short() -> None:
    player = Player()
    player.has(past(*range(90, 10, -1)))
    player.do(Play(change=replace(WINDOW, clock_hz=Fraction(0))))
    player.run(20 * SECOND_US)

    assert 11 == len(player.shown)


# ---------------------------------------------------------------- moves that take a while


def test_a_step_is_answered_when_it_is_over() -> None:
    player = Player()
    player.has(past(90, 80))
    player.answers = False

    player.do(Step(id="1", n=1))
    player.do(AskState(id="2"))
    before = player.all(Acked)
    player.answers = True
    while player.held:
        player.answer()

    assert [] == before
    assert ["1", "2"] == [told.id for told in player.all(Acked)]
    assert WALL_US - 90 * SECOND_US == player.all(Acked)[0].state.pos_us


def test_batches_are_looked_for_and_then_sought() -> None:
    player = Player()
    player.has(past(90, 80, 70))

    player.do(Seek(id="1", to=Batches(2)))
    player.do(SetControls(id="2", change=Change(pos=Batches(-1))))
    player.do(Play(id="3", change=Change(pos=Batches(1), end=At(WALL_US - 75 * SECOND_US))))

    told = [(acked.id, ((WALL_US - (acked.state.pos_us or 0)) // SECOND_US)) for acked in player.all(Acked)]
    assert [("1", 80), ("2", 90), ("3", 80)] == told


def test_batches_that_the_store_cannot_tell_are_refused() -> None:
    player = Player()
    player.away = {Source.STORE}

    answer = refused(player, Seek(id="1", to=Batches(2)))

    assert ("1", "seek", "store_unavailable") == (answer.id, answer.action, answer.code)


def test_batches_in_no_window_are_refused() -> None:
    change = Change(start=At(WALL_US), end=At(WALL_US - 1), pos=Batches(1))

    assert "bad_window" == refused(Player(), SetControls(change=change)).code


def test_what_was_read_for_no_search_changes_nothing() -> None:
    player = Player()
    told = list(player.told)

    player.receive(NearRead(99, [], True, {}))
    player.receive(ReadFailed(98, Source.STORE, "late"))

    assert told == player.told
