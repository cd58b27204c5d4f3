"""An expression leaves events out and changes nothing else: neither the order nor what comes in live."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.query.interpreter import holds
from tests.conformance.query.making import conditions
from tests.conformance.query.writing import written
from tests.unit.tivo.playback.events import WALL_US, event, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import Event
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import At, Change, Pacing, Play, Speed, Unlimited
from tivo.query.expression import Expression

VALUES = [b'{"a": 1, "b": "a"}', b'{"a": "a", "b": null}', b"[1, 0]", b"7"]
ALL = Change(start=At(WALL_US - 60 * SECOND_US))

records = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(1, 40), st.sampled_from(VALUES), st.booleans()),
    max_size=25,
)


def events_of(made: list[tuple[str, int, int, bytes, bool]]) -> tuple[list[Event], list[Event]]:
    """What the store holds, and what comes in live behind it."""
    offsets: dict[tuple[str, int], int] = {}
    found: tuple[list[Event], list[Event]] = [], []
    for name, partition, ago, value, live in sorted(made, key=lambda each: each[4]):
        offset = offsets[name, partition] = offsets.get((name, partition), -1) + 1
        time_us = WALL_US - (0 if live else ago) * SECOND_US
        key = b"a" if ago % 2 else None
        found[live].append(event(time_us, topic=name, partition=partition, offset=offset, key=key, value=value))
    return found


def shown(change: Change, stored: list[Event], live: list[Event]) -> list[Event]:
    player = Player(topic("a", partitions=2), topic("b", partitions=2))
    player.has(stored)
    player.do(Play(change=change))
    player.run(90 * SECOND_US)
    player.has(live, stored=False)
    player.run(SECOND_US)
    return player.shown


@pytest.mark.parametrize("pacing", [Unlimited(), Speed(Fraction(7))], ids=["unlimited", "paced"])
@given(condition=conditions, made=records)
@settings(max_examples=40, deadline=None)
def test_what_is_shown_is_what_would_be_less_what_does_not_hold(
    pacing: Pacing, condition: Expression, made: list[tuple[str, int, int, bytes, bool]]
) -> None:
    stored, live = events_of(made)
    change = replace(ALL, pacing=pacing)

    everything = shown(change, stored, live)

    assert len(made) == len(everything)
    assert [each for each in everything if holds(condition, each)] == shown(
        replace(change, where=written(condition)), stored, live
    )
