"""Commands at the very moment at which a window ends or turns: each is answered once, and the session plays on."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

import pytest

from tests.unit.tivo.playback.events import WALL_US, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import (
    At,
    Batches,
    Change,
    Command,
    EndAction,
    Loop,
    Pause,
    Play,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Stop,
    Subscribe,
    Tail,
    Unsubscribe,
)
from tivo.playback.notices import Acked, Failed, Reset

START_US, END_US = WALL_US - 100 * SECOND_US, WALL_US - 95 * SECOND_US

COMMANDS: dict[str, Callable[[str], Command]] = {
    "play": lambda ident: Play(id=ident),
    "pause": lambda ident: Pause(id=ident),
    "stop": lambda ident: Stop(id=ident),
    "tail": lambda ident: Tail(id=ident),
    "seek": lambda ident: Seek(id=ident, to=At(START_US + SECOND_US)),
    "seek to the end": lambda ident: Seek(id=ident, to=At(END_US)),
    "batches": lambda ident: Seek(id=ident, to=Batches(-2)),
    "step": lambda ident: Step(id=ident, n=2),
    "step back": lambda ident: Step(id=ident, n=-2, by=StepBy.BATCH),
    "loop": lambda ident: SetControls(id=ident, change=Change(loop=Loop(3))),
    "no loop": lambda ident: SetControls(id=ident, change=Change(loop=Loop())),
    "subscribe": lambda ident: Subscribe(id=ident, topics=("b",)),
    "unsubscribe": lambda ident: Unsubscribe(id=ident, topics=("a",)),
}


@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize("beside_us", [-1, 0, 1])
@pytest.mark.parametrize("names", [*combinations(COMMANDS, 2)], ids=" and ".join)
def test_commands_raced_against_the_end_of_a_window(names: tuple[str, str], beside_us: int, turns: int) -> None:
    for first, second in (names, names[::-1]):
        player = Player(topic("a"), topic("b"), patterns=("a",))
        player.has(past(99, 98, 97.5, 97.5, 95.000001, 90))
        change = Change(
            start=At(START_US), end=At(END_US), loop=Loop(turns), end_action=EndAction.PAUSE, clock_hz=Fraction(0)
        )
        player.do(Play(id="0", change=change))
        player.run(END_US - START_US + beside_us)
        for ident, name in (("1", first), ("2", second)):
            player.do(COMMANDS[name](ident))
        player.run(10 * SECOND_US)
        player.do(Play(id="3", change=Change(start=At(START_US), end=At(END_US), pacing=Speed(Fraction(100)))))
        player.run(10 * SECOND_US)

        assert ["0", "1", "2", "3"] == [told.id for told in player.told if isinstance(told, Acked | Failed)]
        epochs = [reset.epoch for reset in player.all(Reset)]
        assert sorted(set(epochs)) == epochs


def test_one_slow_topic_lets_no_other_run_ahead() -> None:
    player = Player(topic("a"), topic("b"))
    player.has(past(99, 98, 97))
    player.has(past(98.5, name="b"))
    player.answers = False
    player.do(Play(change=Change(start=At(START_US), end=At(END_US), pacing=Speed(Fraction(1_000)))))
    for _ in range(9):
        held, player.held = player.held, []
        for read in held:
            if getattr(read, "topic", topic("b")).name == "a":
                player._read(read)
            else:
                player.held.append(read)
        player.run(SECOND_US)
    before = list(player.shown)

    player.answers = True
    player.answer()
    player.run(SECOND_US)

    assert [] == before
    assert ["a", "b", "a", "a"] == [found.topic for found in player.shown]
