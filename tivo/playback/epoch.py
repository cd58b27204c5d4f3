"""One epoch: sends what is due of what was read, in order, each event once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from tivo.model.event import Cursor, Event
from tivo.model.timeline import HOUR_US, MIN_TIME_US, SECOND_US, Now, Window
from tivo.playback.commands import Frames, OnSlow, Speed
from tivo.playback.controls import Controls
from tivo.playback.credit import SLOW_US, Credit
from tivo.playback.effects import Effect, Send, Tell
from tivo.playback.facts import ImageRead, ReadAnswer, ReadFailed, Source
from tivo.playback.glide import Due, ahead_of
from tivo.playback.imaging import Imaging
from tivo.playback.losses import slow_gaps
from tivo.playback.merge import FIRST, FRAME_BYTES, LAST, behind, order_key, weight
from tivo.playback.notices import Events, Shown, Skipped
from tivo.playback.pacing import Pace, Thinner
from tivo.playback.reading import Reading
from tivo.playback.steps import Steps

FRAME_EVENTS = 256
_COALESCE_US = 16_000
_FAR_US = HOUR_US
"""Nobody waits longer than this without having looked again."""


@dataclass(slots=True)
class Outgoing:
    """What outlives an epoch: the number of the last frame, the viewer's credit, how long the clock has waited.

    Where frames are coalesced, none goes out before `quiet_until_us`.
    """

    credit: Credit
    frames: int = 0
    slip_us: int = 0
    quiet_until_us: int = 0


class Epoch:
    """A position that moves over one reading.

    `from_us` is where it begins (None: at the first event). While `hurry` everything that was read
    is due, until nothing is unsent. With `delay_us` it follows the live edge at that distance. Nothing
    is shown before its `image`, where it has one, was told.
    """

    def __init__(
        self,
        number: int,
        reading: Reading,
        controls: Controls,
        out: Outgoing,
        *,
        from_us: int | None,
        iteration: int = 1,
    ) -> None:
        self.number = number
        self.iteration = iteration
        self.reading = reading
        self.controls = controls
        self.from_us = from_us
        self.window: Window = controls.window
        self.pace: Pace | None = None
        self.image: Imaging | None = None
        self.cursor = FIRST
        self.hurry = False
        self.delay_us: int | None = None
        self.not_before_us: int | None = None
        self.thinned = 0
        self.chases = False
        self.began_us = 0
        self._thinned_us = 0
        self._passed_us = MIN_TIME_US
        self._out = out
        self._at_us = from_us
        self._thinner: Thinner | None = None
        self._batch: tuple[int, int] | None = None

    # ------------------------------------------------------------ the position

    def edge_us(self, now: Now) -> int:
        """The live edge: the position never passes it."""
        return now.wall_us - (self.delay_us or 0)

    def position(self, now: Now) -> int | None:
        """Event time now showing; None before the first event where the window has no start."""
        if self.reading.live or self.hurry:
            return self._clamped(self.edge_us(now), now)
        if self.pace is None or not self.pace.timed:
            return self._at_us
        moved_us = self._clamped(self._moved(now), now)
        first = self.reading.first_behind(self.cursor)
        if first is not None:
            moved_us = min(moved_us, first.time_us)
        horizon_us = self.reading.horizon.time_us
        if horizon_us < moved_us:
            moved_us = max(horizon_us, self._at_us if self._at_us is not None else horizon_us)
        return moved_us

    def _clamped(self, time_us: int, now: Now) -> int:
        time_us = min(time_us, self.edge_us(now))
        return time_us if self.window.end_us is None else min(time_us, self.window.end_us)

    def start(self, now: Now) -> bool:
        """Start the clock if it may: image told, first pages there, and known where to begin. Whether it runs."""
        if self.pace is not None:
            return True
        if self.image is not None or not self._ready or (self.not_before_us or now.steady_us) > now.steady_us:
            return False
        if self.delay_us is not None:
            self._at_us = self.edge_us(now)
        elif self._at_us is None:
            first = self.reading.first
            self._at_us = self._clamped(first.time_us if first is not None else self.edge_us(now), now)
            self._passed_us = self._at_us
        self.began_us = self._thinned_us = now.steady_us
        self._repace(now)
        return True

    @property
    def _ready(self) -> bool:
        """Whether what has been read tells where the clock begins: no event before the first one may still come."""
        reading = self.reading
        if not reading.ready or self.delay_us is not None or self._at_us is not None:
            return reading.ready
        first = reading.first
        return reading.exhausted or reading.complete if first is None else order_key(first) <= reading.horizon

    def take(self, fact: ReadAnswer | ImageRead, now: Now) -> bool:
        """Take an answer to a read of image or events; False where nobody waits for it any more.

        What the position has passed is noted: what comes in from here on with an earlier time comes late.
        """
        if self.timed:
            passed_us = min(self.position(now) or MIN_TIME_US, self.reading.horizon.time_us)
            self._passed_us = max(self._passed_us, passed_us)
        if self.image is not None and isinstance(fact, ImageRead | ReadFailed) and self.image.take(fact, now.steady_us):
            return True
        return not isinstance(fact, ImageRead) and self.reading.take(fact, now.steady_us) is not None

    @property
    def away(self) -> set[Source]:
        """The neighbours whose last answer was a failure."""
        image = None if self.image is None else self.image.away
        return {*self.reading.away} | ({image} if image else set())

    def retries_us(self, now: Now, *, reads: bool) -> Iterator[int]:
        """Steady times at which failed reads are tried again: of the image, and of events where it `reads`."""
        if reads and self.reading.retry_us is not None:
            yield self.reading.retry_us
        if self.image is not None and self.image.retry_us is not None and self.image.retry_us > now.steady_us:
            yield self.image.retry_us

    def place(self, at_us: int | None) -> None:
        """Stand at a position that has been shown, without a clock."""
        self._at_us = at_us
        self._passed_us = MIN_TIME_US if at_us is None else at_us

    def hold(self, now: Now) -> list[Effect]:
        """Hold the position where it is."""
        self.place(self.position(now))
        self.chases = self.chases or self.reading.live or self.hurry
        self.pace = None
        self.hurry = False
        self.delay_us = None
        flushed = self.flush(now)
        left = self.reading.leave_live() if self.reading.live else self.reading.doubt()
        return [*flushed, *left]

    def catch_up(self, now: Now) -> list[Effect]:
        """Nothing is unsent: be at the live edge now, and send what comes as it comes."""
        skipped = self.jump(self.edge_us(now), now) if self.timed else []
        self.hurry = self.chases = False
        self.reading.go_live()
        self._thin_at(Fraction(1))
        return skipped

    def fall_behind(self, now: Now, *, hurry: bool) -> list[Effect]:
        """What comes is not sent as it comes any more: go on behind the last event sent, at once or by the clock."""
        cancelled = self.reading.leave_live()
        self.hurry = hurry
        if not hurry:
            self._at_us = self._clamped(max(self.cursor.time_us, self._at_us or self.cursor.time_us), now)
            self._passed_us = self._at_us
            self._repace(now)
        return cancelled

    def starved(self, now: Now) -> bool:
        """Whether it waits for something to be read."""
        reading = self.reading
        if reading.live:
            return False
        if self.image is not None:
            return not self._out.credit.blocked(now.steady_us)
        if self.pace is None:
            return not self._ready
        if not self.timed:
            return reading.drained and not reading.exhausted and not reading.complete
        return reading.horizon.time_us < self._clamped(self._moved(now), now)

    def steer(self, controls: Controls, now: Now) -> None:
        """Go on under other controls, from the same position."""
        running = self.pace is not None
        if running:
            self._at_us = self.position(now)
        self.chases = self.chases and controls.pacing == self.controls.pacing
        self.controls = controls
        self.window = controls.window
        self.pace = None
        if running:
            self._repace(now)

    def jump(self, to_us: int, now: Now) -> list[Effect]:
        """Cut a silence: be at `to_us` now."""
        from_us = self.position(now)
        assert self.pace is not None, "only a clock that runs can jump"
        self._at_us = self._passed_us = to_us
        self.pace = self.pace.moved(to_us, steady_us=now.steady_us)
        return [Tell(Skipped(from_us=from_us, to_us=to_us))] if from_us is not None and from_us < to_us else []

    def _repace(self, now: Now) -> None:
        assert self._at_us is not None
        controls = self.controls if self.delay_us is None else Controls()
        if self.is_chasing:
            controls = replace(controls, pacing=Speed(controls.catch_up))
        self.pace = Pace.start(controls, event_us=self._at_us, steady_us=now.steady_us)
        self._thin_at(Fraction(1) if self.hurry or self.reading.live else controls.speed)

    def _thin_at(self, speed: Fraction | None) -> None:
        """Thin to the maximum rate at a speed; where there is none, events are not thinned."""
        rate = self.controls.max_rate
        thinner = Thinner.of(rate, speed, len(self.reading.tracks)) if rate and speed is not None else None
        if thinner is None or self._thinner is None or not thinner.is_like(self._thinner):
            self._thinner = thinner

    @property
    def is_chasing(self) -> bool:
        """Whether it was held at the live edge, and goes faster than was asked for until it is there again."""
        return self.chases and self.delay_us is None and self.controls.chase is not None

    @property
    def speed(self) -> Fraction | None:
        """Event seconds per steady second, as it is; None where the pacing knows no speed."""
        return self.controls.catch_up if self.is_chasing else self.controls.speed

    # ------------------------------------------------------------ what is due

    @property
    def timed(self) -> bool:
        """Whether event times count: not in live, not while it hurries, not without a clock."""
        return self.pace is not None and self.pace.timed and not self.hurry and not self.reading.live

    def _at_edge(self, now: Now) -> bool:
        """Whether the clock has reached the live edge, so that everything unsent is due."""
        return self._moved(now) >= self.edge_us(now)

    def _moved(self, now: Now) -> int:
        """Where the clock is, whatever was read and sent; while it waits for a gap, at the batch before."""
        assert self.pace is not None
        moved_us = self.pace.position(now.steady_us)
        assert moved_us is not None, "only a clock over event times has a position"
        return moved_us if self._batch is None else max(moved_us, self._batch[0])

    def _spaced(self, now: Now) -> Cursor:
        """How far `min_gap` lets go: to the end of the next batch where that is due, the clock held back for it.

        One batch at a time, since where the next one comes too soon the clock waits anew.
        """
        gap_us = self.controls.min_gap_us
        if not gap_us or not self.timed or self.delay_us is not None:
            return LAST
        first = self.reading.first_behind(self.cursor)
        if first is None or order_key(first) > self.reading.horizon:
            return LAST
        assert self.pace is not None, "a clock runs"
        if self._batch is not None and first.time_us > self._batch[0]:
            self.pace = self.pace.spaced(first.time_us, not_before_us=self._batch[1] + gap_us)
        if self._moved(now) < first.time_us and not self._at_edge(now):
            return self.cursor
        return behind(first.time_us)

    def _bound(self, now: Now) -> Cursor:
        if not self.timed or (self.delay_us is None and self._at_edge(now)):
            return LAST
        return behind(self._clamped(self._moved(now), now))

    def _quota(self, now: Now) -> int:
        quota = None if self.hurry or self.reading.live or self.pace is None else self.pace.quota(now.steady_us)
        return FRAME_EVENTS if quota is None else min(quota, FRAME_EVENTS)

    def send_due(self, now: Now) -> list[Effect]:
        """Frames with everything that is due and may be sent."""
        effects: list[Effect] = []
        if self.is_quiet(now):
            return effects
        more = True
        while more and not self._out.credit.blocked(now.steady_us):
            events, more = self._next(now)
            frame = self.frame(events, now) if events else None
            if frame is not None:
                effects.append(Send(frame))
        if (
            self.thinned
            and self._thinned_us + SECOND_US <= now.steady_us
            and not self._out.credit.blocked(now.steady_us)
        ):
            effects += self.flush(now)
        if self._out.credit.blocked(now.steady_us) and self.controls.on_slow is OnSlow.DROP:
            effects += self._drop(now)
        return effects

    def step(self, steps: Steps, now: Now) -> list[Effect]:
        """While held: frames with what the steps still take, at once and not thinned. Late events do not count."""
        effects: list[Effect] = []
        self._thinner = None
        while not steps.done and not self._out.credit.blocked(now.steady_us):
            events = self._stepped(steps)
            frame = self.frame(events, now) if events else None
            if frame is None:
                reading = self.reading
                steps.done = steps.is_over(reading.horizon.time_us) or reading.exhausted or reading.complete
                break
            effects.append(Send(frame))
        return effects

    def _stepped(self, steps: Steps) -> list[Event]:
        """The next events that the steps take."""
        taken: list[Event] = []
        for event in _fitting(self.reading.upto(LAST, FRAME_EVENTS)):
            late = order_key(event) <= self.cursor or event.time_us < self._passed_us
            if not late and not steps.takes(event.time_us):
                break
            taken.append(event)
        return taken

    def is_quiet(self, now: Now) -> bool:
        """Whether what is due waits for the next of the coalesced frames. What has no time of its own never does."""
        if self.controls.frames is not Frames.COALESCE or now.steady_us >= self._out.quiet_until_us:
            return False
        return self.reading.live or self.hurry or (self.pace is not None and self.pace.clock is not None)

    def ahead(self) -> list[Due]:
        """The next events, where nothing but time stands between them and the viewer; else none."""
        controls = self.controls
        if not self.timed or self.delay_us is not None or self.thinned or controls.max_gap_us or controls.min_gap_us:
            return []
        assert self.pace is not None, "a clock runs"
        return ahead_of(self.reading, self.pace, self.cursor, self._passed_us)

    def glided(self, due: Sequence[Due], now: Now) -> Events | None:
        """A frame of events off that list; None where all were thinned out. They are counted when it has `landed`."""
        tracks = self.reading.tracks
        since_us = now.wall_us - now.steady_us
        shown = [
            Shown(event, tracks[event.topic].topic.topic_id, due_us + since_us)
            for event, due_us in due
            if self._thinner is None or self._passes(event.topic, event.time_us, now)
        ]
        return self._framed(shown, now, live=False) if shown else None

    def landed(self, events: Sequence[Event]) -> None:
        """These events went out off the list, the next ones."""
        if events:
            self.cursor = order_key(events[-1])
            self._taken(events, len(events))

    def _next(self, now: Now) -> tuple[list[Event], bool]:
        """The events of the next frame, and whether more may be due behind them."""
        quota = self._quota(now)
        if quota <= 0:
            return [], False
        spaced = self._spaced(now)
        events = self.reading.upto(min(self._bound(now), spaced), quota)
        if events and self._slipped(events, now):
            events = self.reading.upto(min(self._bound(now), spaced), quota)
        fitting = _fitting(events)
        return fitting, len(events) == quota or len(fitting) < len(events) or (bool(events) and spaced < LAST)

    def _slipped(self, events: list[Event], now: Now) -> bool:
        """Where sending is more than a second late, the clock has waited: it goes on from the next event."""
        if self.pace is None or self.hurry or self.reading.live:
            return False
        fresh = next((event for event in events if order_key(event) > self.cursor), None)
        if fresh is None or not self._passed_us <= fresh.time_us <= self.edge_us(now):
            return False
        late_us = self.pace.lateness(fresh.time_us, now.steady_us)
        if late_us <= SLOW_US:
            return False
        self._out.slip_us += late_us
        self.pace = self.pace.moved(fresh.time_us, steady_us=now.steady_us)
        return True

    # ------------------------------------------------------------ frames

    def frame(self, events: Sequence[Event], now: Now) -> Events | None:
        """One frame of these events; None where all of them were thinned out."""
        tracks = self.reading.tracks
        shown: list[Shown] = []
        for event in events:
            mark = self._mark(event, now)
            if self._passes(event.topic, max(event.time_us, self.cursor.time_us), now):
                shown.append(Shown(event, tracks[event.topic].topic.topic_id, self._due_wall(event, mark, now), mark))
        live = self.reading.live
        self._taken(events, len(shown))
        return self._framed(shown, now, live=live) if shown else None

    def _framed(self, shown: list[Shown], now: Now, *, live: bool) -> Events:
        self._out.frames += 1
        self._out.quiet_until_us = (now.steady_us // _COALESCE_US + 1) * _COALESCE_US
        self._out.credit.sent(self._out.frames, now.steady_us)
        thinned, self.thinned = self.thinned, 0
        due_us = shown[0].due_us if shown else now.wall_us
        return Events(
            epoch=self.number,
            n=self._out.frames,
            due_us=due_us,
            late_us=max(0, now.wall_us - due_us),
            iteration=self.iteration,
            live=live,
            thinned=thinned,
            cursor=None,
            events=shown,
        )

    def _passes(self, topic: str, time_us: int, now: Now) -> bool:
        """Whether the next event, of this time, is shown; it is counted where it is thinned out."""
        if self._thinner is None or self._thinner.passes(topic, time_us):
            return True
        if not self.thinned:
            self._thinned_us = now.steady_us
        self.thinned += 1
        return False

    def flush(self, now: Now) -> list[Effect]:
        """A frame that only counts, where events were thinned out and none is there to tell it with."""
        return [Send(self._framed([], now, live=self.reading.live))] if self.thinned else []

    def _mark(self, event: Event, now: Now) -> Literal["", "late", "early"]:
        key = order_key(event)
        if key > self.cursor and event.time_us <= now.wall_us:
            self.cursor = key
            if self.controls.min_gap_us:
                self._note_batch(event.time_us)
            return "late" if (self.timed or self.pace is None) and event.time_us < self._passed_us else ""
        return "late" if key <= self.cursor else "early"

    def _note_batch(self, time_us: int) -> None:
        """Note when a batch was due, which the next one is held away from: not when it was sent, or delays add up."""
        if self.timed and (self._batch is None or time_us > self._batch[0]):
            assert self.pace is not None, "a clock runs"
            self._batch = time_us, self.pace.due(time_us) or 0

    def _due_wall(self, event: Event, mark: str, now: Now) -> int:
        """Wall time at which an event was due: now, unless a clock told an earlier one."""
        if mark or not self.timed:
            return now.wall_us
        assert self.pace is not None
        due_us = self.pace.due(event.time_us)
        return now.wall_us if due_us is None else now.wall_us - max(0, now.steady_us - due_us)

    def _taken(self, events: Sequence[Event], shown: int) -> None:
        self.reading.sent(events)
        if self.pace is not None:
            self.pace = self.pace.count(shown)
        if self.cursor > FIRST and (self._at_us is None or self.cursor.time_us > self._at_us):
            self._at_us = self.cursor.time_us

    def _drop(self, now: Now) -> list[Effect]:
        """Leave out what has been due for more than a second: the viewer does not keep up and wants the newest."""
        dropped: list[Event] = []
        while events := self.reading.upto(self._bound(now), FRAME_EVENTS):
            overdue = [event for event in events if self._overdue(event, now)]
            if overdue != events[: len(overdue)] or not overdue:
                break
            for event in overdue:
                self._mark(event, now)
            self._taken(overdue, 0)
            dropped += overdue
        return [Tell(gap) for gap in slow_gaps(dropped)]

    def _overdue(self, event: Event, now: Now) -> bool:
        if self.timed:
            assert self.pace is not None
            return self.pace.lateness(event.time_us, now.steady_us) > SLOW_US
        return self._out.credit.slow(now.steady_us)

    # ------------------------------------------------------------ silences and timers

    def cut_silence(self, now: Now) -> list[Effect]:
        """Where nothing is due for longer than `max_gap`, be that much before the next event."""
        gap_us = self.controls.max_gap_us
        if not gap_us or not self.timed or self._at_edge(now) or self.delay_us is not None:
            return []
        target_us = self._next_time()
        if target_us is None:
            return []
        assert self.pace is not None and self.pace.clock is not None
        due_us = self.pace.due(target_us)
        assert due_us is not None, "the clock runs"
        if due_us - now.steady_us <= gap_us:
            return []
        speed = self.pace.clock.speed
        to_us = min(target_us - gap_us * speed.numerator // speed.denominator, self.edge_us(now))
        return self.jump(to_us, now)

    def _next_time(self) -> int | None:
        """Time of the next event in order, or of the window's end behind the last; None where it is not known yet."""
        first = self.reading.first
        if first is not None:
            return first.time_us if order_key(first) <= self.reading.horizon else None
        return self.window.end_us if self.reading.complete else None

    def next_us(self, now: Now) -> Iterator[int]:
        """Steady times at which something becomes due by itself."""
        if self.pace is None:
            if self.not_before_us is not None and self.not_before_us > now.steady_us:
                yield self.not_before_us
            return
        if not self._out.credit.blocked(now.steady_us):
            if self.thinned:
                yield self._thinned_us + SECOND_US
            yield from self._due_us(now)
        elif self.timed and self.controls.on_slow is OnSlow.DROP:
            yield from self._overdue_us(now)

    def _overdue_us(self, now: Now) -> Iterator[int]:
        """Steady time at which the next event has been due for more than a second, and is left out."""
        assert self.pace is not None
        first = self.reading.first
        overdue_us = None if first is None else self.pace.due(first.time_us)
        if overdue_us is not None and overdue_us + SLOW_US >= now.steady_us:
            yield overdue_us + SLOW_US + 1

    def _due_us(self, now: Now) -> Iterator[int]:
        assert self.pace is not None
        count_us = self.pace.next_count()
        if self.hurry or self.reading.live:
            if self.is_quiet(now) and not self.reading.drained:
                yield self._out.quiet_until_us
        elif self.pace.timed:
            yield from self._timed_us(now)
        elif count_us is not None and self._next_time() is not None:
            yield self.gridded(count_us)

    def _timed_us(self, now: Now) -> Iterator[int]:
        assert self.pace is not None
        target_us = self._next_time()
        if target_us is None:
            yield from self._hunger_us(now)
            return
        due_us = self.pace.due(target_us)
        assert due_us is not None, "the clock runs"
        yield self.gridded(min(due_us, self._edge_due(now)) if self.delay_us is None else due_us)

    def _hunger_us(self, now: Now) -> Iterator[int]:
        """Steady time at which the position comes to the end of what was read."""
        assert self.pace is not None
        due_us = self.pace.due(self.reading.horizon.time_us + 1)
        assert due_us is not None, "the clock runs"
        if now.steady_us < due_us < now.steady_us + _FAR_US:
            yield due_us

    def gridded(self, steady_us: int) -> int:
        """When what is due at a steady time goes out: then, or with the coalesced frame behind it."""
        if self.controls.frames is not Frames.COALESCE:
            return steady_us
        return max(-(-steady_us // _COALESCE_US) * _COALESCE_US, self._out.quiet_until_us)

    def _edge_due(self, now: Now) -> int:
        """Steady time at which the clock reaches the live edge; far away where it never gains on it."""
        assert self.pace is not None and self.pace.clock is not None
        speed = self.pace.clock.speed
        gain = speed.numerator - speed.denominator
        if gain <= 0:
            return now.steady_us + _FAR_US
        behind_us = self.edge_us(now) - self._moved(now)
        return now.steady_us + max(0, -(-behind_us * speed.denominator // gain))


def _fitting(events: list[Event]) -> list[Event]:
    """The first events that together keep a frame within its bytes, at least one."""
    room = FRAME_BYTES
    for index, event in enumerate(events):
        room -= weight(event)
        if room < 0 and index:
            return events[:index]
    return events
