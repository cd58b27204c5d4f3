"""Steps and positions counted in batches, by what a session does with them."""

from fractions import Fraction

import pytest

from tests.unit.tivo.playback.events import WALL_US, event, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import (
    AskState,
    At,
    Batches,
    Change,
    Command,
    Pause,
    Place,
    Play,
    Resume,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Stop,
    Subscribe,
    Tail,
    Unlimited,
    Unsubscribe,
)
from tivo.playback.effects import Cancel, ReadNear
from tivo.playback.facts import OutboxDrained, OutboxFull, Source
from tivo.playback.notices import Acked, Failed, Reset, State, Status

START, END = At(WALL_US - 100 * SECOND_US), At(WALL_US - 10 * SECOND_US)
BATCH = StepBy.BATCH


def at(seconds: float) -> int:
    return WALL_US - int(seconds * SECOND_US)


def stepped(player: Player, *commands: Command) -> list[int]:
    """The seconds ago of what these commands show."""
    before = len(player.shown)
    for command in commands:
        player.do(command)
    return [(WALL_US - found.time_us) // SECOND_US for found in player.shown[before:]]


def position(player: Player) -> int | None:
    return player.session.describe(player.now).pos_us


def ten(*, partitions: int = 1) -> Player:
    """A topic with events 90, 80, … 20 seconds ago, of which nothing is played yet."""
    player = Player(topic(partitions=partitions))
    player.has(past(*range(90, 10, -10)))
    return player


# ---------------------------------------------------------------- on


def test_steps_and_batches_count_events_of_which_an_expression_holds() -> None:
    player = ten()
    player.do(SetControls(change=Change(where="offset % 2 = 0", keys=())))

    assert [90, 70] == stepped(player, Step(n=2))
    assert [90] == stepped(player, Step(n=-1))
    player.do(Seek(to=Batches(2)))
    assert at(50) == position(player)
    player.do(SetControls(change=Change(pos=Batches(-1), where="offset = 1", keys=())))
    assert at(80) == position(player)


def test_a_step_shows_the_next_event_and_stays_there() -> None:
    player = ten()

    assert [90] == stepped(player, Step(n=1))
    assert [80, 70] == stepped(player, Step(n=2))
    assert (Status.PAUSED, at(70)) == (player.last(Acked).state.status, player.last(Acked).state.pos_us)
    player.run(60 * SECOND_US)
    assert [90, 80, 70] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_a_step_of_a_window_begins_where_the_window_does() -> None:
    player = ten()
    player.do(SetControls(change=Change(start=At(at(65)), end=At(at(35)))))

    assert [60, 50, 40] == stepped(player, Step(n=5))
    assert at(40) == position(player)


def test_play_goes_on_behind_a_step() -> None:
    player = ten()
    player.do(Play(change=Change(start=START, end=END, pacing=Speed(Fraction(10)))))
    player.run(SECOND_US)
    player.do(Pause())

    assert [80] == stepped(player, Step(n=1))
    player.do(Play())
    player.run(2 * SECOND_US)

    assert [90, 80, 70, 60] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_a_step_holds_what_runs() -> None:
    player = ten()
    player.do(Play(change=Change(start=START, end=END)))
    player.run(11 * SECOND_US)

    assert [80] == stepped(player, Step(n=1))
    assert Status.PAUSED is player.last(State).status
    player.run(100 * SECOND_US)
    assert 2 == len(player.shown)


def test_a_step_by_batch_shows_everything_of_an_instant() -> None:
    player = Player(topic("a"), topic("b"))
    player.has([event(at(90), offset=0), event(at(90), offset=1), event(at(80), offset=2)])
    player.has([event(at(90), topic="b"), event(at(70), topic="b", offset=1)])

    assert [90, 90, 90] == stepped(player, Step(n=1, by=BATCH))
    assert [80, 70] == stepped(player, Step(n=2, by=BATCH))


def test_the_rest_of_an_instant_is_a_batch() -> None:
    player = Player()
    player.has([event(at(90), offset=offset) for offset in range(3)] + [event(at(80), offset=3)])

    assert [90] == stepped(player, Step(n=1))
    assert [90, 90] == stepped(player, Step(n=1, by=BATCH))


def test_an_instant_larger_than_what_is_read_ahead_is_one_batch() -> None:
    player = Player()
    player.has([event(at(90), offset=offset) for offset in range(5_000)] + [event(at(80), offset=5_000)])

    stepped(player, Step(n=1, by=BATCH))

    assert 5_000 == len(player.shown)


def test_behind_the_last_event_there_is_nothing_more() -> None:
    player = ten()

    assert 8 == len(stepped(player, Step(n=128)))
    assert [] == stepped(player, Step(id="more", n=1))
    assert "more" == player.last(Acked).id
    player.has([event(at(5), offset=8)], stored=False)
    assert [5] == stepped(player, Step(n=1))


def test_a_window_that_was_played_has_no_more_steps() -> None:
    player = ten()
    player.do(Play(change=Change(start=START, end=END, pacing=Unlimited())))

    assert [] == stepped(player, Step(id="on", n=1))
    assert ("on", Status.ENDED) == (player.last(Acked).id, player.last(Acked).state.status)


def test_what_was_stopped_is_stepped_through_from_its_start() -> None:
    player = ten()
    player.do(Play())
    player.do(Stop())

    assert [90] == stepped(player, Step(n=1))
    assert Status.PAUSED is player.last(Acked).state.status


def test_late_events_go_out_beside_and_do_not_count() -> None:
    player = Player()
    player.has(past(90, 80, 70))
    stepped(player, Step(n=2))
    player.has([event(at(85), offset=3)])

    assert [85, 70] == stepped(player, Step(n=1))
    assert ["", "", "late", ""] == player.marks


def test_what_was_unsent_when_an_epoch_began_at_the_live_edge_is_late_to_a_step() -> None:
    player = Player()
    player.do(Tail())
    player.answers = False
    player.has([event(at(2), offset=0)])
    player.has([event(at(1), offset=1)])
    player.do(SetControls(change=Change(start=At(at(50)))))

    player.do(Step(n=1))
    player.answers = True
    player.answer()

    assert WALL_US == player.last(Reset).pos_us
    assert [at(2), at(1)] == [shown.time_us for shown in player.shown]
    assert ["", "late"] == player.marks


def test_steps_are_not_thinned() -> None:
    player = Player()
    player.has(past(*[90 - index * 0.01 for index in range(100)]))
    player.do(Play(change=Change(start=START, end=END, max_rate=Fraction(1))))
    player.do(Pause())

    assert 50 == len(stepped(player, Step(n=50)))


def test_a_step_passes_the_filter() -> None:
    player = Player()
    player.has([event(at(90), key=b"a"), event(at(80), offset=1, key=b"b"), event(at(70), offset=2, key=b"a")])
    player.do(SetControls(change=Change(keys=("a",))))

    assert [90, 70] == stepped(player, Step(n=2))


def test_early_events_are_steps_too() -> None:
    player = Player()
    player.has([event(at(90)), event(WALL_US + 5 * SECOND_US, offset=1)])

    stepped(player, Step(n=2))

    assert ["", "early"] == player.marks
    assert at(90) == position(player)


# ---------------------------------------------------------------- back


def test_a_step_back_shows_the_units_up_to_where_it_comes() -> None:
    player = ten()
    stepped(player, Step(n=6))

    assert [50] == stepped(player, Step(n=-1))
    assert (at(50), "seek") == (position(player), player.last(Reset).why)
    assert [80, 70] == stepped(player, Step(n=-2))
    assert (Status.PAUSED, at(70)) == (player.last(Acked).state.status, player.last(Acked).state.pos_us)
    assert [60, 50] == stepped(player, Step(n=2))


def test_a_step_back_comes_no_further_than_the_first_event() -> None:
    player = ten()
    stepped(player, Step(n=3))

    assert [90] == stepped(player, Step(n=-5))
    resets = len(player.all(Reset))
    assert [] == stepped(player, Step(id="back", n=-1))
    assert ("back", resets) == (player.last(Acked).id, len(player.all(Reset)))


def test_a_step_back_shows_fewer_units_where_there_are_fewer() -> None:
    player = ten()
    stepped(player, Step(n=4))

    assert [90, 80] == stepped(player, Step(n=-2))
    assert at(80) == position(player)


def test_a_step_back_of_nothing_shown_counts_from_the_position() -> None:
    player = ten()
    player.do(Seek(to=At(at(55))))

    assert [60] == stepped(player, Step(n=-1))
    player.do(Seek(to=At(at(60))))
    assert [90, 80] == stepped(player, Step(n=-2))
    assert at(80) == position(player)


def test_a_step_back_where_no_position_is_known_finds_nothing() -> None:
    player = ten()

    assert [] == stepped(player, Step(id="back", n=-1))
    assert "back" == player.last(Acked).id
    assert [] == player.effects_of(ReadNear)


def test_a_step_back_begins_in_the_middle_of_an_instant() -> None:
    player = Player(topic("a", partitions=2), topic("b"))
    player.has([event(at(90), offset=offset) for offset in range(3)])
    player.has([event(at(90), partition=1), event(at(90), topic="b"), event(at(80), topic="b", offset=1)])
    everything = stepped(player, Step(n=6)) and list(player.shown)

    for place in reversed(range(5)):
        stepped(player, Step(n=-1))
        assert everything[place] == player.shown[-1]
    stepped(player, Step(n=5))
    assert everything[1:] == player.shown[-5:]
    assert {""} == set(player.marks)


def test_a_step_back_by_batch_shows_whole_instants() -> None:
    player = Player(topic("a"), topic("b"))
    player.has([event(at(90)), event(at(80), offset=1), event(at(80), offset=2), event(at(70), offset=3)])
    player.has([event(at(80), topic="b")])
    stepped(player, Step(n=3, by=BATCH))

    assert [80, 80, 80] == stepped(player, Step(n=-1, by=BATCH))
    assert [70] == stepped(player, Step(n=1, by=BATCH))
    assert [90] == stepped(player, Step(n=-2, by=BATCH))


def test_a_step_back_of_what_was_played_or_tailed_is_held() -> None:
    player = ten()
    player.do(Play(change=Change(start=START, end=END, pacing=Unlimited())))
    ended = stepped(player, Step(n=-1))
    player.do(Play(change=Change(end=Place.UNBOUNDED)))
    assert Status.TAILING is player.last(State).status
    player.has([event(at(1), offset=8), event(at(0), offset=9)], stored=False)

    assert [30] == ended
    assert [1] == stepped(player, Step(n=-1))
    assert [0] == stepped(player, Step(n=1))
    assert Status.PAUSED is player.last(Acked).state.status
    assert {""} == set(player.marks)


def test_a_step_back_stays_in_the_window_and_passes_the_filter() -> None:
    player = Player()
    player.has([event(at(90 - 10 * place), offset=place, key=b"ab"[place % 2 :][:1]) for place in range(8)])
    player.do(SetControls(change=Change(start=At(at(75)), keys=("a",))))
    stepped(player, Step(n=3))

    assert [50] == stepped(player, Step(n=-1))
    assert [70] == stepped(player, Step(n=-9))


def test_what_comes_in_behind_the_place_of_a_step_back_is_not_owed() -> None:
    player = ten()
    stepped(player, Step(n=6))
    stepped(player, Step(n=-1))
    player.has([event(at(85), offset=8)])

    assert [40] == stepped(player, Step(n=1))


def test_a_frame_of_a_step_back_can_be_resumed_from() -> None:
    player = Player()
    player.has([event(at(90), offset=offset) for offset in range(6)])
    stepped(player, Step(n=6))
    stepped(player, Step(n=-2))
    other = Player()
    other.logs, other.stored = player.logs, player.stored

    other.do(Resume(cursor=player.cursor, after=player.shown[-1].cursor))
    other.do(Step(n=9))

    assert [4, 5] == [found.offset for found in other.shown]


# ---------------------------------------------------------------- in batches


def test_a_position_counted_in_batches_is_a_seek_there() -> None:
    player = ten()
    stepped(player, Step(n=3))

    player.do(Seek(to=Batches(2)))
    assert at(50) == player.last(Acked).state.pos_us == position(player)
    player.do(Seek(to=Batches(-3)))
    assert at(80) == position(player)
    player.do(SetControls(change=Change(pos=Batches(100))))
    assert at(20) == position(player)
    assert [20] == stepped(player, Play(change=Change(pacing=Unlimited())))


def test_the_first_batch_is_one_on_from_no_position() -> None:
    player = ten()

    player.do(Seek(to=Batches(1)))

    assert at(90) == position(player)


def test_where_there_is_no_batch_the_position_stays() -> None:
    player = ten()
    player.do(Seek(to=At(at(95))))
    resets = len(player.all(Reset))

    player.do(Seek(id="back", to=Batches(-5)))

    assert ("back", at(95), resets) == (player.last(Acked).id, position(player), len(player.all(Reset)))


def test_play_counts_batches_in_the_window_that_it_asks_for() -> None:
    player = ten()
    player.do(Seek(to=At(at(65))))

    player.do(Play(change=Change(end=At(at(35)), pos=Batches(9), pacing=Unlimited(), keys=())))

    assert [40] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_the_answer_to_batches_comes_before_what_they_lead_to() -> None:
    player = ten()
    player.do(Seek(to=At(at(65))))

    player.do(Seek(id="here", to=Batches(1)))

    kinds = [type(notice) for notice in player.told]
    assert [Acked, Reset] == [kind for kind in kinds if kind in (Acked, Reset)][-2:]
    assert at(60) == player.last(Reset).pos_us


def test_batches_stop_at_now() -> None:
    player = ten()
    player.has([event(WALL_US + 10 * SECOND_US, offset=8)])

    player.do(Seek(to=Batches(50)))

    assert at(20) == position(player)


def test_batches_in_a_window_that_is_none_are_refused() -> None:
    player = ten()

    player.do(Play(change=Change(start=END, end=START, pos=Batches(1))))

    assert "bad_window" == player.last(Failed).code
    assert [] == player.effects_of(ReadNear)


# ---------------------------------------------------------------- in their order, and cut short


def held(player: Player, *commands: Command) -> None:
    """Give commands while nothing that is read is answered."""
    player.answers = False
    for command in commands:
        player.do(command)


def released(player: Player) -> None:
    player.answers = True
    while player.held:
        player.answer()


def answered(player: Player) -> list[str | None]:
    return [told.id for told in player.told if isinstance(told, Acked | Failed) and told.id]


def test_steps_wait_for_one_another() -> None:
    player = ten()
    stepped(player, Step(n=4))
    before = len(player.shown)

    held(player, Step(id="1", n=-1), Step(id="2", n=-1), Step(id="3", n=1), AskState(id="4"))
    assert [] == answered(player)
    released(player)

    assert ["1", "2", "3", "4"] == answered(player)
    assert [70, 80, 70] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown[before:]]


@pytest.mark.parametrize(
    "command",
    [
        Pause(id="x"),
        Play(id="x"),
        Stop(id="x"),
        Tail(id="x"),
        Seek(id="x", to=At(at(33))),
        SetControls(id="x", change=Change(pacing=Speed(Fraction(2)))),
        Unsubscribe(id="x", topics=("*",)),
        Seek(id="x", to=Batches(-1)),
    ],
    ids=lambda command: command.action,
)
@pytest.mark.parametrize("n", [-2, 2])
def test_a_move_that_is_under_way_ends_with_the_next_one(command: Command, n: int) -> None:
    player = ten()
    player.do(Seek(to=At(at(55))))

    held(player, Step(id="1", n=n), Step(id="2", n=-1), command)
    released(player)

    assert ["1", "2", "x"] == answered(player)
    assert [] == player.all(Failed)


def test_a_command_that_is_refused_ends_no_move() -> None:
    player = ten()
    player.do(Seek(to=At(at(55))))

    held(player, Step(id="1", n=-1), Seek(id="x", to=At(WALL_US * 2)))
    released(player)

    assert ["1", "x"] == answered(player)
    assert [60] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_a_search_that_was_given_up_reads_no_more() -> None:
    player = ten()
    player.do(Seek(to=At(at(55))))

    held(player, Step(n=-1), Pause())

    assert [player.held[-1].read] == [read for cancel in player.effects_of(Cancel) for read in cancel.reads][-1:]
    released(player)
    assert [] == player.shown


def test_too_many_steps_are_refused() -> None:
    player = ten()

    held(player, *(Step(id=str(number), n=1) for number in range(65)))
    released(player)

    assert ("64", "rate_limited") == (player.last(Failed).id, player.last(Failed).code)
    assert 8 == len(player.shown)


# ---------------------------------------------------------------- trouble


@pytest.mark.parametrize("n", [1, -1])
def test_a_step_whose_store_is_away_is_refused_and_can_be_tried_again(n: int) -> None:
    player = ten()
    player.do(Seek(to=At(at(55))))
    player.away = {Source.STORE}

    player.do(Step(id="1", n=n))
    failed = player.last(Failed)
    player.away = set()
    player.do(Step(n=n))
    player.run(SECOND_US)

    assert ("1", "step", "store_unavailable") == (failed.id, failed.action, failed.code)
    assert [55 - 5 * n] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_batches_of_a_store_that_is_away_are_refused() -> None:
    player = ten()
    player.away = {Source.STORE}

    player.do(Seek(id="1", to=Batches(1)))

    assert ("1", "store_unavailable") == (player.last(Failed).id, player.last(Failed).code)


def test_a_step_waits_for_a_viewer_without_room() -> None:
    player = ten()
    player.do(Seek(to=At(at(55))))
    player.receive(OutboxFull())

    assert [] == stepped(player, Step(id="1", n=1))
    assert [] == answered(player)
    player.receive(OutboxDrained())
    assert (["1"], 1) == (answered(player), len(player.shown))


def test_steps_go_on_where_a_topic_is_made_anew() -> None:
    player = ten()

    held(player, Step(id="1", n=3))
    player.change(topic(made=2))
    player.has(past(30, 20, 10))
    released(player)

    assert ["1"] == answered(player)
    assert [30, 20, 10] == [(WALL_US - found.time_us) // SECOND_US for found in player.shown]


def test_a_subscription_ends_the_steps() -> None:
    player = Player(topic("a"), topic("b"), patterns=("a",))
    player.has(past(90, 80))

    held(player, Step(id="1", n=1), Subscribe(id="x", topics=("b",)))
    released(player)

    assert ["1", "x"] == answered(player)
    assert [] == player.shown
