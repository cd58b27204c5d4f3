"""What a playback tells as time passes: its clock, and that it waits for something to be read."""

from collections.abc import Iterator
from fractions import Fraction

from tivo.model.timeline import SECOND_US, Now

HUNGRY_US = 250_000
"""Whoever waits shorter than this is not told of it."""


class Pulse:
    """Two timers of the steady clock."""

    __slots__ = ("_clock_us", "_starved_us")

    def __init__(self) -> None:
        self._clock_us: int | None = None
        self._starved_us: int | None = None

    @property
    def is_starved(self) -> bool:
        """Whether it waits for something to be read."""
        return self._starved_us is not None

    def is_hungry(self, now: Now) -> bool:
        """Whether it has waited so long that the viewer should know."""
        return self._starved_us is not None and now.steady_us - self._starved_us >= HUNGRY_US

    def watch(self, *, starved: bool, now: Now) -> None:
        """Note whether it waits now."""
        if not starved:
            self._starved_us = None
        elif self._starved_us is None:
            self._starved_us = now.steady_us

    def eat(self) -> None:
        """It waits for something else from now on."""
        self._starved_us = None

    def beats(self, hz: Fraction, now: Now) -> bool:
        """Whether the clock is to be told now, so many times a second, first one step from now; 0 is never."""
        if not hz:
            self._clock_us = None
            return False
        step_us = SECOND_US * hz.denominator // hz.numerator
        if self._clock_us is None:
            self._clock_us = now.steady_us + step_us
        if self._clock_us > now.steady_us:
            return False
        self._clock_us += step_us * ((now.steady_us - self._clock_us) // step_us + 1)
        return True

    def times(self, now: Now) -> Iterator[int]:
        """Steady times at which something will have to be told."""
        if self._starved_us is not None and not self.is_hungry(now):
            yield self._starved_us + HUNGRY_US
        if self._clock_us is not None:
            yield self._clock_us
