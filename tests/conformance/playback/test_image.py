"""The image behind every reset is the last event of every key that store and log held before its place."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.playback.images import before_place, last_of
from tests.unit.tivo.playback.events import WALL_US, event, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import Event, ValueKind
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import (
    At,
    Change,
    Command,
    Loop,
    Pause,
    Play,
    Resume,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Tail,
    Unlimited,
)
from tivo.playback.cursor import from_token
from tivo.playback.effects import ReadImage
from tivo.playback.facts import ImageRead, OutboxDrained, OutboxFull, Source
from tivo.playback.notices import Events, Failed, Image, Notice, Reset, Status

START_US = WALL_US - 100 * SECOND_US
Key = tuple[str, bytes | None]

RECORDS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from("ab"),
        st.integers(0, 1),
        st.sampled_from([b"x", b"y", b"z", None]),
        st.booleans(),
    ),
    max_size=40,
)
TIMES = st.integers(0, 7).map(lambda seconds: START_US + seconds * SECOND_US)
COMMANDS = st.lists(
    st.one_of(
        TIMES.map(lambda at: Seek(to=At(at))),
        TIMES.map(lambda at: Play(change=Change(start=At(at)))),
        st.tuples(TIMES, st.integers(2, 3)).map(
            lambda asked: Play(
                change=Change(
                    start=At(asked[0]), end=At(asked[0] + SECOND_US), loop=Loop(asked[1]), pacing=Speed(Fraction(9))
                )
            )
        ),
        st.builds(Step, n=st.sampled_from([-3, -1, 1]), by=st.sampled_from(StepBy)),
        st.just(Tail()),
        st.just(Pause()),
        st.sampled_from([(), ("x",), ("[yz]", "")]).map(lambda keys: SetControls(change=Change(keys=keys))),
    ),
    min_size=1,
    max_size=6,
)


def world(records: list[tuple[int, str, int, bytes | None, bool]], stored: int) -> tuple[Player, list[Event]]:
    """A player of these records, of which the store holds the first and the log the rest; some delete their key."""
    player = Player(topic("a", partitions=2), topic("b", partitions=2))
    offsets: dict[tuple[str, int], int] = {}
    events: list[Event] = []
    for place, (seconds, name, partition, key, deletes) in enumerate(records):
        offset = offsets[name, partition] = offsets.get((name, partition), -1) + 1
        kind, value = (ValueKind.NULL, None) if deletes else (ValueKind.JSON, b"1")
        time_us = START_US + seconds * SECOND_US
        events.append(event(time_us, topic=name, partition=partition, offset=offset, key=key, value=value, kind=kind))
        player.has(events[-1:], stored=place < stored)
    player.do(SetControls(change=Change(image=True)))
    return player, events


def images(told: list[Notice]) -> list[tuple[Reset, list[Event]]]:
    """The image behind every reset: its parts come in turn, before any event, and the last one says so."""
    found: list[tuple[Reset, list[Event]]] = []
    parts = 0
    for notice in told:
        match notice:
            case Reset():
                assert parts == 0, "the image before was not told to its end"
                found.append((notice, []))
                parts = 1
            case Image():
                assert (found[-1][0].epoch, parts) == (notice.epoch, notice.part)
                found[-1][1].extend(shown.event for shown in notice.events)
                parts = 0 if notice.last else parts + 1
            case Events():
                assert parts == 0, "events before the image"
    assert parts == 0
    return found


def in_order(events: list[Event]) -> list[Event]:
    """By topic and key, as an image is told."""
    return sorted(events, key=lambda found: (found.topic, found.key is not None, found.key or b""))


@given(records=RECORDS, stored=st.integers(0, 40), asked=COMMANDS)
@settings(max_examples=400, deadline=None)
def test_behind_every_reset_comes_what_store_and_log_held_before_its_place(
    records: list[tuple[int, str, int, bytes | None, bool]], stored: int, asked: list[Command]
) -> None:
    player, events = world(records, stored)
    for command in asked:
        before = len(player.told)
        player.do(command)
        player.run(5 * SECOND_US)

        passes = player.session._playback.controls.passes
        for reset, image in images(player.told[before:]):
            standing = from_token(reset.cursor)
            below = [each for each in events if before_place(standing, each.topic)(each)]
            held = [last for name in "ab" for last in last_of(e for e in below if e.topic == name).values()]
            assert in_order([last for last in held if passes is None or passes(last)]) == image


def filled() -> Player:
    """Three keys, the second of which is deleted, and a window behind them."""
    player = Player()
    player.has(
        [
            event(START_US, offset=0, key=b"a"),
            event(START_US + 1, offset=1, key=b"b"),
            event(START_US + 2, offset=2, key=b"b", value=None, kind=ValueKind.NULL),
            event(START_US + 3, offset=3, key=b"c"),
            event(START_US + SECOND_US, offset=4, key=b"d"),
        ]
    )
    player.do(SetControls(change=Change(image=True)))
    return player


PLAY = Play(change=Change(start=At(START_US + 10), end=At(WALL_US), pacing=Unlimited()))


def test_absent_and_null_are_told_apart_in_an_image() -> None:
    player = filled()

    player.do(PLAY)

    values = {shown.event.key: shown.event.kind for image in player.all(Image) for shown in image.events}
    assert {b"a": ValueKind.JSON, b"b": ValueKind.NULL, b"c": ValueKind.JSON} == values
    assert [b"d"] == [found.key for found in player.shown]


def test_the_clock_starts_behind_the_image() -> None:
    player = filled()
    player.answers = False
    player.do(Play(change=Change(start=At(START_US + 10), end=At(WALL_US), clock_hz=Fraction(0))))
    for _ in range(9):
        held, player.held = player.held, []
        for read in held:
            if isinstance(read, ReadImage):
                player.held.append(read)
            else:
                player._read(read)
        player.run(SECOND_US)
    assert [] == player.shown

    player.answers = True
    player.answer()
    player.run(2 * SECOND_US)

    assert [9 * SECOND_US + SECOND_US - 10] == player.times


def test_a_seek_during_an_image_drops_it() -> None:
    player = filled()
    player.answers = False
    player.do(PLAY)
    stale = [read for read in player.held if isinstance(read, ReadImage)]
    player.held.clear()

    player.do(Seek(to=At(START_US + SECOND_US)))
    for read in stale:
        player.receive(ImageRead(read.read, [event(START_US, key=b"stale")], None))
    player.answers = True
    player.answer()

    assert [1, 2] == [reset.epoch for reset in player.all(Reset)]
    assert [2, 2] == [image.epoch for image in player.all(Image)]
    assert [b"a", b"b", b"c"] == [shown.event.key for image in player.all(Image) for shown in image.events]


def test_a_store_that_fails_in_the_middle_of_an_image_is_told_and_asked_again() -> None:
    player = filled()
    player.answers = False
    player.do(PLAY)
    player.answer()
    assert [2] == [len(image.events) for image in player.all(Image)]

    player.away = {Source.STORE}
    player.answers = True
    player.answer()
    away = player.last(Failed)
    player.run(SECOND_US)
    player.away = set()
    player.run(6 * SECOND_US)

    assert ("store_unavailable", 250) == (away.code, away.retry_ms)
    assert 1 == len(player.all(Failed))
    assert [b"a", b"b", b"c"] == [found.key for _, image in images(player.told) for found in image]
    assert [b"d"] == [found.key for found in player.shown]


def test_an_image_is_read_no_further_than_the_viewer_takes_it() -> None:
    player = filled()
    player.answers = False
    player.do(PLAY)
    player.receive(OutboxFull())
    player.answers = True
    player.answer()
    player.run(SECOND_US)
    full = len(player.all(Image))

    player.receive(OutboxDrained())
    player.run(SECOND_US)

    assert 0 == full
    assert [b"a", b"b", b"c"] == [found.key for _, image in images(player.told) for found in image]


def test_a_viewer_that_takes_nothing_of_an_image_is_let_go() -> None:
    player = filled()
    player.do(PLAY)
    player.run(SECOND_US)
    player.answers = False
    player.do(Seek(to=At(START_US + 10)))
    player.receive(OutboxFull())

    player.run(11 * SECOND_US)

    assert [1008] == [close.code for close in player.closed]


def test_a_viewer_that_was_lost_in_the_middle_of_an_image_is_told_it_anew() -> None:
    player = filled()
    player.answers = False
    player.do(PLAY)
    player.answer()
    assert [False] == [image.last for image in player.all(Image)]
    after = filled()

    after.do(Resume(cursor=player.cursor, change=Change(image=True, pacing=Unlimited())))

    assert [] == after.all(Reset)
    assert [1, 2] == [image.part for image in after.all(Image)]
    assert [b"a", b"b", b"c"] == [shown.event.key for image in after.all(Image) for shown in image.events]
    assert [b"d"] == [found.key for found in after.shown]


def test_a_viewer_that_has_received_what_comes_behind_an_image_is_not_told_it_again() -> None:
    player = filled()
    player.do(PLAY)
    after = filled()

    after.do(Resume(cursor=player.cursor, after=player.shown[-1].cursor, change=Change(image=True, pacing=Unlimited())))

    assert [] == after.all(Image)
    assert [] == after.shown


def test_an_image_is_told_while_the_position_is_held() -> None:
    player = filled()

    player.do(Seek(to=At(START_US + 10)))

    assert Status.PAUSED is player.session.describe(player.now).status
    assert [b"a", b"b", b"c"] == [found.key for _, image in images(player.told) for found in image]


def test_images_begin_with_the_next_epoch() -> None:
    player = Player()
    player.has([event(START_US, key=b"a")])
    player.do(PLAY)
    player.do(SetControls(change=Change(image=True)))
    assert [] == player.all(Image)

    player.do(Tail())

    assert [[b"a"]] == [[shown.event.key for shown in image.events] for image in player.all(Image)]
