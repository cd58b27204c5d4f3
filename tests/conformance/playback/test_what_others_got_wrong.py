"""Faults of other replay systems, each a test here (§6 of the protocol)."""

import json
from fractions import Fraction

import pytest

from tests.unit.tivo.playback.events import WALL_US, event, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import ValueKind
from tivo.model.timeline import HOUR_US, SECOND_US
from tivo.playback.clock import PlaybackClock
from tivo.playback.commands import At, Change, Loop, Pause, Play, Refused, Seek, SetControls, Speed, Tail, Unlimited
from tivo.playback.facts import OutboxFull
from tivo.playback.notices import Acked, CaughtUp, Ended, State, Status
from tivo.playback.protocol import decode

START, END = At(WALL_US - 100 * SECOND_US), At(WALL_US - 10 * SECOND_US)


def test_sums_of_sleeps_do_not_drift() -> None:
    player = Player()
    player.has(past(*[99 - index * 0.0137 for index in range(5_000)]))

    player.do(Play(change=Change(start=START, end=END, pacing=Speed(Fraction(73, 10)), clock_hz=Fraction(0))))
    player.run(13 * SECOND_US)

    ideal = [-((START.time_us - found.time_us) * 10 // 73) for found in player.shown]
    assert 5_000 == len(player.shown)
    assert max(abs(due_us - due) for due_us, due in zip(player.times, ideal, strict=True)) <= 1


def test_the_clock_does_not_start_before_the_first_page() -> None:
    player = Player()
    player.has(past(100, 99))
    player.answers = False
    player.do(Play(change=Change(start=START, end=END)))
    player.run(5 * SECOND_US)

    player.answers = True
    player.answer()
    player.run(2 * SECOND_US)

    assert [5 * SECOND_US, 6 * SECOND_US] == player.times


def test_handoff_goes_by_offsets_not_by_time() -> None:
    player = Player()
    player.has([event(WALL_US - 5, offset=0), event(WALL_US - 5, offset=1)])
    player.has([event(WALL_US - 5, offset=2), event(WALL_US - 9, offset=3), event(WALL_US - 5, offset=4)], stored=False)

    player.do(Play(change=Change(start=START, pacing=Unlimited())))

    assert [0, 1, 2, 3, 4] == sorted(found.offset for found in player.shown)
    assert 1 == len(player.all(CaughtUp))


def test_replay_does_not_fill_a_buffer_while_live_waits() -> None:
    player = Player()
    player.has(past(*[99 - index * 0.01 for index in range(6_000)]))
    player.do(Play(change=Change(start=START)))

    player.run(5 * SECOND_US)

    track = player.session._playback.epoch.reading.tracks["a"]  # type: ignore[union-attr]  # an epoch plays
    assert len(track.buffer) <= 2_000


def test_caught_up_comes_on_an_empty_topic() -> None:
    player = Player()

    player.do(Play())

    assert 1 == len(player.all(CaughtUp))


def test_the_start_is_inside_and_the_end_outside() -> None:
    player = Player()
    player.has(past(100, 50, 10))

    player.do(Play(change=Change(start=START, end=END, pacing=Unlimited())))

    assert [0, 1] == [found.offset for found in player.shown]


def test_equal_times_always_come_in_the_same_order() -> None:
    shown = []
    for stored in (0, 1, 2):
        player = Player(topic("a", 2), topic("b"))
        player.has([event(WALL_US - SECOND_US, partition=1), event(WALL_US - SECOND_US, topic="b")], stored=stored > 0)
        player.has([event(WALL_US - SECOND_US)], stored=stored > 1)
        player.do(Play(change=Change(start=START, end=At(WALL_US))))
        player.run(100 * SECOND_US)
        shown.append([(found.topic, found.partition) for found in player.shown])

    assert [[("a", 0), ("a", 1), ("b", 0)]] * 3 == shown


@pytest.mark.parametrize("speed", ["0", "-1", "NaN", "1e999", '"fast"', "null", "true", "[]"])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    found = decode(f'{{"action":"play","speed":{speed}}}')

    assert isinstance(found, Refused) or found == Play()
    assert speed == "null" or isinstance(found, Refused)


@pytest.mark.parametrize(("text", "turns"), [("False", 1), ("True", None), ("0", 1), ("1", None), ("false", 1)])
def test_false_as_text_is_false(text: str, turns: int | None) -> None:
    found = decode(json.dumps({"action": "play", "loop": text}))

    assert isinstance(found, Play)
    assert Loop(turns) == found.change.loop


def test_a_command_does_not_wait_for_a_sleep_to_end() -> None:
    player = Player()
    player.has(past(20))
    player.do(Play(change=Change(start=START, end=END)))
    player.run(SECOND_US)

    player.do(Pause(id="x"))

    assert ("x", Status.PAUSED) == (player.last(Acked).id, player.last(Acked).state.status)


def test_absent_and_null_are_told_apart() -> None:
    absent, null = decode('{"action":"set"}'), decode('{"action":"set","end":null,"max_gap":null}')

    assert isinstance(absent, SetControls)
    assert isinstance(null, SetControls)
    assert (None, None) == (absent.change.end, absent.change.max_gap_us)
    assert (None, None) != (null.change.end, null.change.max_gap_us)


@pytest.mark.parametrize(("where", "offsets"), [("value.a is null", [0]), ("value.a is absent", [1, 2])])
def test_absent_and_null_are_told_apart_in_values(where: str, offsets: list[int]) -> None:
    player = Player()
    time_us = WALL_US - 50 * SECOND_US
    null, absent = event(time_us, value=b'{"a": null}'), event(time_us, offset=1, value=b"{}")
    player.has([null, absent, event(time_us, offset=2, value=None, kind=ValueKind.NULL)])

    player.do(Play(change=Change(start=START, end=END, pacing=Unlimited(), keys=(), where=where)))

    assert offsets == [found.offset for found in player.shown]


def test_commands_are_answered_while_data_waits() -> None:
    player = Player()
    player.has(past(*[99 - index * 0.001 for index in range(3_000)]))
    player.do(Play(change=Change(start=START, end=END, pacing=Unlimited())))
    player.receive(OutboxFull())

    player.do(Seek(id="x", to=END))

    assert "x" == player.last(Acked).id


@pytest.mark.parametrize("speed", [60, 1_440, 100_000])
def test_speeds_are_not_capped(speed: int) -> None:
    player = Player()
    player.has(past(90, 20))

    player.do(Play(change=Change(start=START, end=END, pacing=Speed(Fraction(speed)))))
    player.run(2 * SECOND_US)

    assert [-(-10 * SECOND_US // speed), -(-80 * SECOND_US // speed)] == player.times


def test_a_loop_loses_nothing_at_the_wrap() -> None:
    player = Player()
    player.has(past(100, 10.000001))

    player.do(Play(change=Change(start=START, end=END, loop=Loop(5))))
    player.run(500 * SECOND_US)

    assert [0, 1] * 5 == [found.offset for found in player.shown]


def test_a_seek_in_live_is_not_undone_by_catching_up() -> None:
    player = Player()
    player.has(past(*range(60, 0, -1)))
    player.do(Tail())

    player.do(Seek(to=At(WALL_US - 30 * SECOND_US)))
    player.run(10 * SECOND_US)

    assert WALL_US - 20 * SECOND_US == player.session.describe(player.now).pos_us
    assert Status.PLAYING is player.last(State).status


def test_a_seek_while_the_live_edge_is_caught_up_with_ends_that() -> None:
    player = Player()
    player.has(past(*range(60, 0, -1)))
    player.do(SetControls(change=Change(catch_up=Fraction(3, 2))))
    player.do(Tail())
    player.do(Pause())
    player.run(10 * SECOND_US)
    player.has([event(WALL_US + 9 * SECOND_US, offset=60)], stored=False)
    player.do(Play())
    player.run(4 * SECOND_US)
    chasing_us = player.session.describe(player.now).pos_us

    player.do(Seek(to=At(WALL_US - 30 * SECOND_US)))
    player.run(10 * SECOND_US)

    assert WALL_US + 6 * SECOND_US == chasing_us
    assert WALL_US - 20 * SECOND_US == player.session.describe(player.now).pos_us


def test_a_window_across_the_edge_of_a_bucket_is_whole() -> None:
    edge_us = WALL_US // HOUR_US * HOUR_US
    player = Player()
    player.has([event(edge_us + offset - 2, offset=offset) for offset in range(5)])

    player.do(Play(change=Change(start=At(edge_us - 1), end=At(edge_us + 2), pacing=Unlimited())))

    assert [1, 2, 3] == [found.offset for found in player.shown]


def test_a_window_that_ends_where_it_starts_ends_at_once() -> None:
    player = Player()
    player.has(past(50))

    player.do(Play(change=Change(start=At(WALL_US - 50 * SECOND_US), end=At(WALL_US - 50 * SECOND_US))))

    assert [] == player.shown
    assert 1 == len(player.all(Ended))


def test_a_day_at_any_speed_ends_on_time() -> None:
    clock = PlaybackClock(event_us=0, steady_us=0, speed=Fraction(1, 10))

    for minute in range(1, 1_441):
        clock = clock.paused(steady_us=minute * 60 * SECOND_US).resumed(steady_us=minute * 60 * SECOND_US)

    assert 24 * HOUR_US // 10 == clock.position(24 * HOUR_US)
