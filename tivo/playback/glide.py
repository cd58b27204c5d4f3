"""A stretch of a playback in which nothing changes but time: what is due is read off a list.

`Playback.advance` looks at everything, since anything may have changed. Mostly nothing has: the
clock runs, the next events have been read, the viewer keeps up, and a wake-up has one event to
send. Then the list and the clock are enough. Both ways tell the same, word for word; the
simulation holds them against each other (`tests/conformance/playback/test_glide.py`).
"""

from collections.abc import Sequence
from typing import TypeAlias

from tivo.model.event import Cursor, Event
from tivo.model.timeline import Now
from tivo.playback.credit import SLOW_US
from tivo.playback.handoff import Stage
from tivo.playback.merge import FRAME_BYTES, order_key, weight
from tivo.playback.pacing import Pace
from tivo.playback.reading import Reading

Due: TypeAlias = tuple[Event, int]
"""An event and the steady time at which it is due."""

_MOST_EVENTS = 64


class Glide:
    """The next events and when they are due, in steady time, and the time at which all is to be looked at."""

    __slots__ = ("_ahead", "_place", "until_us")

    def __init__(self, ahead: Sequence[Due], *, until_us: int) -> None:
        self._ahead = ahead
        self._place = 0
        self.until_us = until_us

    @property
    def sent(self) -> list[Event]:
        """The events that were due so far."""
        return [event for event, _ in self._ahead[: self._place]]

    def due(self, now: Now) -> Sequence[Due] | None:
        """What is due now, for one frame. None where the stretch is over, or the live edge comes first."""
        steady_us = now.steady_us
        ahead, first = self._ahead, self._place
        last, end = first, len(ahead)
        while last < end and ahead[last][1] <= steady_us:
            last += 1
        if last == end or steady_us >= self.until_us or ahead[last][0].time_us > now.wall_us:
            return None
        due = ahead[first:last]
        if due and steady_us - due[0][1] > SLOW_US:
            return None
        if len(due) > 1 and sum(weight(event) for event, _ in due) > FRAME_BYTES:
            return None
        self._place = last
        return due

    def next_us(self, now: Now) -> int | None:
        """Steady time at which the next event is due. None where the live edge comes before."""
        event, due_us = self._ahead[self._place]
        return due_us if event.time_us < now.wall_us + due_us - now.steady_us else None


def ahead_of(reading: Reading, pace: Pace, cursor: Cursor, passed_us: int) -> list[Due]:
    """The events that can be sent before a topic wants to read, none of them late; none where a topic has late ones."""
    tracks = reading.tracks.values()
    if any(track.stage is Stage.LATE for track in tracks):
        return []
    count = min((track.spare for track in tracks), default=0)
    events = reading.upto(reading.horizon, min(count, _MOST_EVENTS)) if count > 1 else []
    if not events or events[0].time_us < passed_us or order_key(events[0]) <= cursor:
        return []
    return [(event, due_us) for event in events if (due_us := pace.due(event.time_us)) is not None]
