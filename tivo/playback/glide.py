"""A stretch of a playback in which nothing changes but time: what is due is read off a list.

`Playback.advance` looks at everything, since anything may have changed. Mostly nothing has: the
clock runs, the next events have been read, the viewer keeps up, and a wake-up has one event to
send. Then the list and the clock are enough. Both ways tell the same, word for word; the
simulation holds them against each other (`tests/conformance/playback/test_glide.py`).
"""

from collections.abc import Sequence

from tivo.model.event import Cursor, Event
from tivo.model.timeline import Now
from tivo.playback.credit import SLOW_US
from tivo.playback.handoff import Stage
from tivo.playback.merge import FRAME_BYTES, order_key, weight
from tivo.playback.pacing import Pace
from tivo.playback.reading import Reading

_MOST_EVENTS = 64


class Glide:
    """The next events, in order, and the steady time at which something else will have to be looked at."""

    __slots__ = ("_ahead", "_place", "until_us")

    def __init__(self, ahead: Sequence[Event], *, until_us: int) -> None:
        self._ahead = ahead
        self._place = 0
        self.until_us = until_us

    def due(self, pace: Pace, now: Now) -> Sequence[Event] | None:
        """The events that are due now, for one frame. None where the stretch is over."""
        if pace.clock is None or now.steady_us >= self.until_us:
            return None
        position_us = pace.clock.position(now.steady_us)
        ahead, first = self._ahead, self._place
        last, end = first, len(ahead)
        while last < end and ahead[last].time_us <= position_us:
            last += 1
        if last == end or position_us >= now.wall_us:
            return None
        events = ahead[first:last]
        if events and pace.lateness(events[0].time_us, now.steady_us) > SLOW_US:
            return None
        if len(events) > 1 and sum(map(weight, events)) > FRAME_BYTES:
            return None
        self._place = last
        return events

    def next_us(self, pace: Pace, now: Now) -> int | None:
        """Steady time at which the next event is due. None where the live edge comes before."""
        event_us = self._ahead[self._place].time_us
        due_us = pace.due(event_us)
        if due_us is None or event_us >= now.wall_us + due_us - now.steady_us:
            return None
        return due_us


def ahead_of(reading: Reading, cursor: Cursor, passed_us: int) -> Sequence[Event]:
    """The events that can be sent before a topic wants to read, none of them late; none where a topic has late ones."""
    tracks = reading.tracks.values()
    if any(track.stage is Stage.LATE for track in tracks):
        return ()
    count = min((track.spare for track in tracks), default=0)
    events = reading.upto(reading.horizon, min(count, _MOST_EVENTS)) if count > 1 else []
    return events if events and events[0].time_us >= passed_us and order_key(events[0]) > cursor else ()
