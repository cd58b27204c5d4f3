"""When the next events are due: by their times, evenly spaced, or at once; and thinning to a maximum rate."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from tivo.model.timeline import SECOND_US
from tivo.playback.clock import PlaybackClock
from tivo.playback.commands import Rate, Unlimited
from tivo.playback.controls import Controls

_EVENT = 1_000_000
"""A counting clock counts events by millionths, as the other one counts seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How sending goes on from one moment. Where `timed`, `clock` runs over event time, else over events.

    Unlimited it has no clock and everything is due.
    """

    clock: PlaybackClock | None
    timed: bool = False
    counted: int = 0

    @staticmethod
    def start(controls: Controls, *, event_us: int, steady_us: int) -> "Pace":
        """Begin at an event time, running."""
        match controls.pacing:
            case Unlimited():
                return Pace(clock=None)
            case Rate(per_second):
                # The first event is due at once, the next one a whole step later.
                return Pace(clock=PlaybackClock(event_us=_EVENT, steady_us=steady_us, speed=per_second))
            case _:
                assert controls.speed is not None
                clock = PlaybackClock(event_us=event_us, steady_us=steady_us, speed=controls.speed)
                return Pace(clock=clock, timed=True)

    def position(self, steady_us: int) -> int | None:
        """Event time by the clock; None where event times do not count."""
        return self.clock.position(steady_us) if self.clock is not None and self.timed else None

    def due(self, event_us: int) -> int | None:
        """Steady time at which an event time is reached; None where event times do not count."""
        return self.clock.due(event_us) if self.clock is not None and self.timed else None

    def quota(self, steady_us: int) -> int | None:
        """How many events are due now by count; None where they are not counted."""
        if self.clock is None or self.timed:
            return None
        return self.clock.position(steady_us) // _EVENT - self.counted

    def next_count(self) -> int | None:
        """Steady time at which the next event is due by count."""
        if self.clock is None or self.timed:
            return None
        return self.clock.due((self.counted + 1) * _EVENT)

    def count(self, events: int) -> "Pace":
        """After so many events were shown."""
        return self if self.clock is None or self.timed else replace(self, counted=self.counted + events)

    def moved(self, event_us: int, *, steady_us: int) -> "Pace":
        """At another position from now on; by count, the next event is due now."""
        if self.clock is None:
            return self
        place = event_us if self.timed else (self.counted + 1) * _EVENT
        return replace(self, clock=self.clock.moved(place, steady_us=steady_us))

    def spaced(self, event_us: int, *, not_before_us: int) -> "Pace":
        """Such that an event time is reached no sooner than at a steady time: where it would be, the clock waits."""
        due_us = self.due(event_us)
        if due_us is None or due_us >= not_before_us:
            return self
        return self.moved(event_us, steady_us=not_before_us)

    def lateness(self, event_us: int, steady_us: int) -> int:
        """How long ago the next event, of this time, was due; 0 where nothing is ever due."""
        due_us = self.due(event_us) if self.timed else self.next_count()
        return 0 if due_us is None else steady_us - due_us


_BURST = 4
"""A quarter of a cell's events may come at once, the rest is spread over it."""


@dataclass(slots=True)
class _Shown:
    """One topic in one cell: how many of its events came, how many were shown, how many places are kept for it."""

    came: int = 0
    shown: int = 0
    kept: int = 0


@dataclass(slots=True)
class Thinner:
    """Lets through at most `most` events a cell, evenly in time, to each of the topics its `share` of them.

    Event time is cut into cells of one shown second. A quarter of what a cell may show may come at
    once, the rest as the cell goes on. A topic may show its share, and more of what the others leave:
    so many places are kept for each of them as it filled in the cell before. What passes depends on
    the events and the speed alone, so it is the same on every replay of a window.
    """

    cell_us: int
    most: int
    share: int
    _cell: int | None = None
    _shown: int = 0
    _kept: int = 0
    _topics: dict[str, _Shown] = field(default_factory=dict)

    @staticmethod
    def of(max_rate: Fraction, speed: Fraction, topics: int) -> "Thinner":
        """For a rate in events per steady second, at a speed, over so many topics."""
        share = max_rate / max(topics, 1)
        seconds = max(1, -(-share.denominator // share.numerator))
        return Thinner(
            cell_us=max(1, round(SECOND_US * seconds * speed)),
            most=max(1, int(max_rate * seconds)),
            share=max(1, int(share * seconds)),
        )

    def is_like(self, other: "Thinner") -> bool:
        """Whether both let through the same, but for what has passed."""
        return (self.cell_us, self.most, self.share) == (other.cell_us, other.most, other.share)

    def passes(self, topic: str, time_us: int) -> bool:
        """Whether the next event, of this time, is shown."""
        cell, into_us = divmod(time_us, self.cell_us)
        if cell != self._cell:
            self._turn(cell)
        here = self._topics.get(topic)
        if here is None:
            here = self._topics[topic] = _Shown()
        here.came += 1
        if self._shown >= self.most:
            return False
        passes = here.shown < self._allowed(self.share, into_us) or (
            self._shown + self._kept - here.kept < self.most and self._shown < self._allowed(self.most, into_us)
        )
        if passes:
            self._shown += 1
            here.shown += 1
            if here.kept:
                here.kept -= 1
                self._kept -= 1
        return passes

    def _allowed(self, most: int, into_us: int) -> int:
        """How many of so many may have been shown by this time in a cell."""
        burst = -(-most // _BURST)
        return burst - -((most - burst) * into_us) // self.cell_us

    def _turn(self, cell: int) -> None:
        before = self._topics if self._cell == cell - 1 else {}
        self._cell, self._shown = cell, 0
        self._topics = {name: _Shown(kept=min(there.came, self.share)) for name, there in before.items() if there.came}
        self._kept = sum(here.kept for here in self._topics.values())
