from fractions import Fraction

import pytest

from tests.unit.tivo.playback.events import WALL_US, now, topic
from tivo.model.timeline import SECOND_US, Window
from tivo.playback import telling
from tivo.playback.controls import Controls
from tivo.playback.credit import Credit
from tivo.playback.cursor import Kept, from_token
from tivo.playback.epoch import Epoch, Outgoing
from tivo.playback.handoff import Track
from tivo.playback.merge import FIRST
from tivo.playback.notices import Status
from tivo.playback.progress import Bounds, Plan, Progress, Start
from tivo.playback.reading import Reading

MINUTE = Controls(window=Window(WALL_US - 60 * SECOND_US, WALL_US))


def epoch() -> Epoch:
    track = Track(topic(), Window(), Progress(base={0: 5}), start=Start.EDGE, plan=Plan(Bounds()))
    return Epoch(3, Reading([track]), MINUTE, Outgoing(credit=Credit()), from_us=WALL_US - 50 * SECOND_US, iteration=2)


def test_before_anything_is_played_it_stands_at_the_start_of_the_window() -> None:
    standing = telling.standing(Status.PAUSED, 0, MINUTE.window, None, now(), awaited={})
    state = telling.state(Status.PAUSED, "client", MINUTE, None, standing)

    assert ("paused", 0, {}) == (standing.mode, standing.epoch, standing.topics)
    assert WALL_US - 60 * SECOND_US == state.pos_us


def test_a_standing_holds_what_was_sent_of_every_topic() -> None:
    standing = telling.standing(Status.TAILING, 3, MINUTE.window, epoch(), now(), awaited={})

    assert ("tailing", 3, 2, tuple(FIRST)) == (
        standing.mode,
        standing.epoch,
        standing.iteration,
        tuple(standing.cursor),
    )
    assert {"a": Kept(topic().topic_id, {0: 5}, {}, None, True)} == standing.topics


def test_a_state_tells_the_position_and_a_token() -> None:
    made = epoch()
    standing = telling.standing(Status.PLAYING, 3, MINUTE.window, made, now(), awaited={})

    state = telling.state(Status.BUFFERING, "loop", MINUTE, made, standing)

    assert (Status.BUFFERING, "loop", WALL_US - 50 * SECOND_US) == (state.status, state.cause, state.pos_us)
    assert standing == from_token(state.cursor)
    assert 1 == state.controls["speed"]


def test_a_clock_tells_how_far_it_is() -> None:
    clock = telling.clock(Fraction(1), MINUTE.window, WALL_US - 45 * SECOND_US, 1_500, now())

    assert (0.25, 45_000, 45_000, 1) == (clock.fraction, clock.eta_ms, clock.lag_ms, clock.slip_ms)


@pytest.mark.parametrize(
    ("window", "position_us", "fraction", "eta_ms"),
    [
        (Window(), WALL_US, None, None),
        (Window(0, WALL_US), None, None, None),
        (Window(None, WALL_US), WALL_US - SECOND_US, None, 1_000),
        (Window(5, 5), 5, 0.0, 0),
    ],
)
def test_a_clock_tells_only_what_is_known(
    window: Window, position_us: int | None, fraction: float | None, eta_ms: int | None
) -> None:
    clock = telling.clock(Fraction(1), window, position_us, 0, now())

    assert (fraction, eta_ms) == (clock.fraction, clock.eta_ms)


def test_unlimited_there_is_no_time_to_come() -> None:
    assert telling.clock(None, MINUTE.window, WALL_US - SECOND_US, 0, now()).eta_ms is None
