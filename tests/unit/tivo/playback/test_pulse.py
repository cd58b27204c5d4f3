from fractions import Fraction

from tests.unit.tivo.playback.events import now
from tivo.model.timeline import SECOND_US
from tivo.playback.pulse import HUNGRY_US, Pulse


def test_the_clock_beats_one_step_after_it_began() -> None:
    pulse = Pulse()

    beats = [pulse.beats(Fraction(4), now(steady_us)) for steady_us in (0, 249_999, 250_000, 250_001, 500_000)]

    assert [False, False, True, False, True] == beats


def test_a_beat_that_comes_late_moves_no_later_one() -> None:
    pulse = Pulse()
    pulse.beats(Fraction(4), now(0))

    assert pulse.beats(Fraction(4), now(900_000))
    assert [SECOND_US] == list(pulse.times(now(900_000)))


def test_a_clock_that_is_switched_off_begins_anew() -> None:
    pulse = Pulse()
    pulse.beats(Fraction(1), now(0))

    assert not pulse.beats(Fraction(0), now(2 * SECOND_US))
    assert [] == list(pulse.times(now(2 * SECOND_US)))
    assert not pulse.beats(Fraction(1), now(2 * SECOND_US))


def test_a_short_wait_is_no_hunger() -> None:
    pulse = Pulse()
    pulse.watch(starved=True, now=now(0))
    pulse.watch(starved=True, now=now(100))

    assert pulse.is_starved
    assert not pulse.is_hungry(now(HUNGRY_US - 1))
    assert [HUNGRY_US] == list(pulse.times(now(100)))
    assert pulse.is_hungry(now(HUNGRY_US))
    assert [] == list(pulse.times(now(HUNGRY_US)))


def test_what_is_read_ends_the_wait() -> None:
    pulse = Pulse()
    pulse.watch(starved=True, now=now(0))
    pulse.watch(starved=False, now=now(1))

    assert not pulse.is_starved
    assert not pulse.is_hungry(now(HUNGRY_US))


def test_another_epoch_waits_anew() -> None:
    pulse = Pulse()
    pulse.watch(starved=True, now=now(0))

    pulse.eat()

    assert not pulse.is_hungry(now(HUNGRY_US))
