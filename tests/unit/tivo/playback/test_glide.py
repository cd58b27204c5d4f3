"""A stretch in which only time moves: what it gives, and where it ends."""

from fractions import Fraction

from tests.unit.tivo.playback.events import event, now, offsets, past
from tests.unit.tivo.playback.player import Player
from tivo.model.timeline import SECOND_US
from tivo.playback.clock import PlaybackClock
from tivo.playback.commands import At, Change, Play
from tivo.playback.glide import Glide, ahead_of
from tivo.playback.handoff import Stage
from tivo.playback.merge import FIRST, order_key
from tivo.playback.pacing import Pace

AGO_US = now().wall_us - 100 * SECOND_US


def pace(speed: int = 1) -> Pace:
    """A clock that begins 100 seconds before now."""
    return Pace(clock=PlaybackClock(event_us=AGO_US, steady_us=0, speed=Fraction(speed)), timed=True)


def glide(*seconds: float, until_us: int = 60 * SECOND_US, value: bytes = b"1", speed: int = 1) -> Glide:
    """Events so many seconds behind the clock's beginning."""
    ahead = [
        event(AGO_US + round(after * SECOND_US), offset=offset, value=value) for offset, after in enumerate(seconds)
    ]
    return Glide([(each, pace(speed).due(each.time_us) or 0) for each in ahead], until_us=until_us)


def due(stretch: Glide, steady_us: int) -> list[int] | None:
    found = stretch.due(now(steady_us))
    return None if found is None else offsets([each for each, _ in found])


def test_events_come_when_the_clock_reaches_them_once_each() -> None:
    stretch = glide(1, 1, 2, 3)

    assert [] == due(stretch, SECOND_US - 1)
    assert [0, 1] == due(stretch, SECOND_US)
    assert [] == due(stretch, SECOND_US + 1)
    assert [2] == due(stretch, 2 * SECOND_US)
    assert [0, 1, 2] == offsets(stretch.sent)


def test_the_next_event_tells_when_to_wake() -> None:
    stretch = glide(1, 2)

    assert SECOND_US == stretch.next_us(now())


def test_it_is_over_before_its_last_event_since_what_lies_behind_that_is_not_known() -> None:
    stretch = glide(1, 2)

    assert due(stretch, 2 * SECOND_US) is None


def test_it_is_over_when_something_else_is_due() -> None:
    stretch = glide(1, 2, until_us=SECOND_US)

    assert due(stretch, SECOND_US) is None


def test_it_is_over_at_the_live_edge() -> None:
    stretch = glide(1, 1_000, speed=10)

    assert due(stretch, SECOND_US // 10) is None


def test_an_event_that_the_live_edge_overtakes_tells_no_time() -> None:
    assert glide(200, speed=10).next_us(now()) is None
    assert 200 * SECOND_US == glide(200).next_us(now())


def test_it_is_over_where_sending_is_more_than_a_second_late() -> None:
    stretch = glide(1, 50)

    assert [] == due(stretch, 0)
    assert due(stretch, 2 * SECOND_US + 1) is None


def test_it_is_over_where_a_frame_would_grow_too_large() -> None:
    small, large = glide(1, 1, 2, value=b"1" * 1_000), glide(1, 1, 2, value=b"1" * 200_000)

    assert [0, 1] == due(small, SECOND_US)
    assert due(large, SECOND_US) is None


def test_one_large_event_is_a_frame() -> None:
    stretch = glide(1, 2, value=b"1" * 500_000)

    assert [0] == due(stretch, SECOND_US)


def test_what_lies_ahead_ends_before_a_topic_wants_to_read() -> None:
    player = Player()
    player.has(past(*range(90, 10, -1)))
    player.do(Play(change=Change(start=At(now().wall_us - 100 * SECOND_US), end=At(now().wall_us - 10 * SECOND_US))))
    epoch = player.session._playback.epoch
    assert epoch is not None
    (track,) = epoch.reading.tracks.values()
    clock = pace()

    ahead = ahead_of(epoch.reading, clock, FIRST, 0)

    assert 64 == len(ahead)
    assert [10 * SECOND_US, 11 * SECOND_US] == [due_us for _, due_us in ahead[:2]]
    assert [] == ahead_of(epoch.reading, clock, order_key(ahead[0][0]), 0)
    assert [] == ahead_of(epoch.reading, clock, FIRST, ahead[0][0].time_us + 1)
    track.stage = Stage.LATE
    assert [] == ahead_of(epoch.reading, clock, FIRST, 0)
