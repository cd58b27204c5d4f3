"""The playback clock: event time as a straight line over steady time."""

from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackClock:
    """One anchor (event time, steady time), a speed and whether it runs. Times are integer microseconds.

    Everything is worked out from the anchor in whole numbers, never by adding up steps, so there is
    no drift however long it runs: 7.3 is 73/10, not a float. A change is a new clock, anchored at
    the steady time of the change. `position` rounds down and `due` up, so that
    `clock.position(clock.due(t)) >= t` and one microsecond earlier it is not.
    """

    event_us: int
    steady_us: int
    speed: Fraction = Fraction(1)
    running: bool = True

    def position(self, steady_us: int) -> int:
        """Event time at a steady time."""
        if not self.running:
            return self.event_us
        return self.event_us + (steady_us - self.steady_us) * self.speed.numerator // self.speed.denominator

    def due(self, event_us: int) -> int | None:
        """First steady time at which the position reaches `event_us`; None while paused."""
        if not self.running:
            return None
        return self.steady_us - (self.event_us - event_us) * self.speed.denominator // self.speed.numerator

    def with_speed(self, speed: Fraction | int, *, steady_us: int) -> "PlaybackClock":
        """The same position at another speed from now on."""
        assert speed > 0, f"speed must be above 0, got {speed}"
        return replace(self, event_us=self.position(steady_us), steady_us=steady_us, speed=Fraction(speed))

    def paused(self, *, steady_us: int) -> "PlaybackClock":
        """Held where it is."""
        return replace(self, event_us=self.position(steady_us), steady_us=steady_us, running=False)

    def resumed(self, *, steady_us: int) -> "PlaybackClock":
        """Running on from where it is."""
        return replace(self, event_us=self.position(steady_us), steady_us=steady_us, running=True)

    def moved(self, event_us: int, *, steady_us: int) -> "PlaybackClock":
        """At another position, running or held as before."""
        return replace(self, event_us=event_us, steady_us=steady_us)
