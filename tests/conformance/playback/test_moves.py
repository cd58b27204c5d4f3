"""Steps, positions in batches and gaps, held against a model that has everything in one list."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tivo.playback.events import WALL_US, event, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import Event
from tivo.model.timeline import SECOND_US
from tivo.playback.commands import At, Batches, Change, Play, Seek, SetControls, Speed, Step, StepBy
from tivo.playback.notices import Acked, Failed
from tivo.playback.progress import Bounds

Record = tuple[int, str, int, bool]
"""Seconds after the start, topic, partition, and whether its key passes the filter."""

RECORDS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from("ab"), st.integers(0, 1), st.booleans()), min_size=1, max_size=40
)
STEPS = st.lists(
    st.tuples(st.sampled_from([-40, -5, -2, -1, 1, 2, 5, 40]), st.sampled_from(StepBy)), min_size=1, max_size=8
)


@dataclass
class Line:
    """What a viewer that steps has to see: all events in order, and how many of them lie at or before the position."""

    events: list[Event]
    shown: int = 0

    def step(self, n: int, by: StepBy) -> list[Event]:
        units = self._units(by)
        if n > 0:
            before = self.shown
            for unit in [unit for unit in units if unit > before][:n]:
                self.shown = unit
            return self.events[before : self.shown]
        # The ends of the units before the one shown last, nearest first; each unit begins where the one before ends.
        ends = [0, *(unit for unit in units if unit < self.shown)]
        if self.shown and by is StepBy.BATCH:
            ends = [
                end for end in ends if not end or self.events[end - 1].time_us < self.events[self.shown - 1].time_us
            ]
        before = ends[:0:-1][: 2 * -n - 1]
        if not before:
            return []
        start = ends[ends.index(before[-1]) - 1]
        self.shown = before[min(-n, len(before)) - 1]
        return self.events[start : self.shown]

    def _units(self, by: StepBy) -> list[int]:
        """How many events there are up to the end of each unit."""
        count = len(self.events)
        if by is StepBy.EVENT:
            return list(range(1, count + 1))
        times = [found.time_us for found in self.events]
        return [end for end in range(1, count + 1) if end == count or times[end] != times[end - 1]]


def world(records: list[Record], stored: int, room: int) -> tuple[Player, list[Event]]:
    """A player of these records, of which the store holds the first; and those that pass the filter, in order."""
    player = Player(topic("a", partitions=2), topic("b", partitions=2), room=Bounds(events=room))
    offsets: dict[tuple[str, int], int] = {}
    events: list[Event] = []
    for place, (seconds, name, partition, passes) in enumerate(records):
        offset = offsets[name, partition] = offsets.get((name, partition), -1) + 1
        time_us = WALL_US - 100 * SECOND_US + seconds * SECOND_US
        found = event(time_us, topic=name, partition=partition, offset=offset, key=b"k" if passes else b"x")
        player.has([found], stored=place < stored)
        events.append(found)
    player.do(SetControls(change=Change(keys=("k",))))
    return player, sorted(found for found in events if found.key == b"k")


@given(records=RECORDS, stored=st.integers(0, 40), room=st.sampled_from([8, 2_000]), steps=STEPS)
@settings(max_examples=400, deadline=None)
def test_steps_show_what_a_list_of_everything_shows(
    records: list[Record], stored: int, room: int, steps: list[tuple[int, StepBy]]
) -> None:
    # Out of the log events are sorted as far as there is room, so that needs enough of it.
    player, events = world(records, stored, room if stored >= len(records) else 2_000)
    line = Line(events)

    for n, by in steps:
        before = len(player.shown)
        player.do(Step(n=n, by=by))

        assert line.step(n, by) == player.shown[before:], (n, by)
        assert line.shown == 0 or line.events[line.shown - 1].time_us == player.last(Acked).state.pos_us

    assert {""} >= set(player.marks)
    assert [] == player.all(Failed)


@given(records=RECORDS, stored=st.integers(0, 40), n=st.integers(1, 9), by=st.sampled_from(StepBy))
@settings(deadline=None)
def test_a_step_on_and_one_back_come_to_the_same_place(records: list[Record], stored: int, n: int, by: StepBy) -> None:
    player, events = world(records, stored, 2_000)
    player.do(Step(n=1, by=by))
    there = len(player.shown)
    player.do(Step(n=n, by=by))
    if len(player.shown) == there:
        return  # there was only one
    units = len({found.time_us for found in player.shown} if by is StepBy.BATCH else player.shown)
    before = len(player.shown)

    player.do(Step(n=-(units - 1), by=by))

    assert events[:there][-1] == player.shown[before:][-1]


@given(records=RECORDS, stored=st.integers(0, 40), start=st.integers(-1, 7), number=st.integers(-9, 9).filter(bool))
@settings(deadline=None)
def test_batches_are_counted_from_the_position(records: list[Record], stored: int, start: int, number: int) -> None:
    player, events = world(records, stored, 2_000)
    here_us = WALL_US - 100 * SECOND_US + start * SECOND_US
    player.do(Seek(to=At(here_us)))
    ahead = sorted({found.time_us for found in events if found.time_us > here_us})
    behind = sorted({found.time_us for found in events if found.time_us < here_us}, reverse=True)

    player.do(Seek(to=Batches(number)))

    way = ahead if number > 0 else behind
    assert (way[: abs(number)] or [here_us])[-1] == player.last(Acked).state.pos_us


@given(
    times=st.lists(st.integers(0, 3_000_000), min_size=1, max_size=40),
    speed=st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(73, 10), Fraction(1_000)]),
    gap_us=st.integers(1, 700_000),
    jitter=st.lists(st.integers(1, 900_000), min_size=1, max_size=5),
)
@settings(deadline=None)
def test_batches_are_due_as_far_apart_as_their_times_or_the_gap_says(
    times: list[int], speed: Fraction, gap_us: int, jitter: list[int]
) -> None:
    player = Player()
    start_us = WALL_US - 100 * SECOND_US
    player.has(event(start_us + time_us, offset=offset) for offset, time_us in enumerate(sorted(times)))
    window = Change(start=At(start_us), end=At(WALL_US), pacing=Speed(speed), min_gap_us=gap_us, clock_hz=Fraction(0))
    player.do(Play(change=window))
    for late_us in 40 * jitter:
        player.late(late_us)
        player.run(SECOND_US)

    shown = sorted({(found.time_us, due_us) for found, due_us in zip(player.shown, player.times, strict=True)})
    assert sorted({start_us + time_us for time_us in times}) == [time_us for time_us, _ in shown]
    for (before_us, due_before), (time_us, due_us) in pairwise(shown):
        ideal = max(Fraction(gap_us), (time_us - before_us) / speed)
        assert abs(due_us - due_before - ideal) <= 1
