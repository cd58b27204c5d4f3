"""Faults that others shipped, put into the session on purpose: the simulation has to notice each.

A mutant changes a method for a while, as a mutation tool changes the source.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from tivo.model.event import Event, Lost
from tivo.model.timeline import Now
from tivo.playback.effects import Effect, ReadImage
from tivo.playback.epoch import Epoch
from tivo.playback.facts import FrontierRead
from tivo.playback.handoff import Stage, Track
from tivo.playback.imaging import Imaging
from tivo.playback.losses import Losses
from tivo.playback.merge import FIRST
from tivo.playback.pacing import Pace
from tivo.playback.playback import Playback


@contextmanager
def _changed(owner: type, **methods: Any) -> Iterator[None]:
    kept = {name: owner.__dict__[name] for name in methods}
    for name, method in methods.items():
        setattr(owner, name, method)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(owner, name, method)


def dedupe_by_time() -> AbstractContextManager[None]:
    """Handoff by time: what the log has from before the last event of the store is taken for a repeat of it."""
    kept = Track._unsent

    def unsent(self: Track, events: Any) -> list[Event]:
        found = kept(self, events)
        if self.stage is not Stage.LOG or self._read == FIRST:
            return found
        return [event for event in found if event.time_us > self._read.time_us]

    return _changed(Track, _unsent=unsent)


def frontier_after_page() -> AbstractContextManager[None]:
    """The frontier from which the log is read is taken after the last page, instead of before it."""
    enter_log, take_frontier = Track._enter_log, Track.take_frontier

    def ask_again(self: Track) -> None:
        self.stage = Stage.FRONTIER
        self.asked_again = True  # type: ignore[attr-defined]  # a mutant's own mark

    def take(self: Track, fact: FrontierRead) -> None:
        if not getattr(self, "asked_again", False):
            take_frontier(self, fact)
            return
        self.waiting = None
        goal = fact.frontier if self.goal is None else self.goal
        self._store_end = {p: min(o, goal.get(p, 0)) for p, o in fact.frontier.items()}
        enter_log(self)

    return _changed(Track, _enter_log=ask_again, take_frontier=take)


def late_events_dropped() -> AbstractContextManager[None]:
    """What the store gets behind the place read up to is left out."""
    kept = Track._unsent

    def unsent(self: Track, events: Any) -> list[Event]:
        return [] if self.stage is Stage.LATE else kept(self, events)

    return _changed(Track, _unsent=unsent)


def last_event_lost_at_the_wrap() -> AbstractContextManager[None]:
    """The next turn of a loop begins before the last event of this one is sent."""
    kept = Playback._turn

    def turn(self: Playback, now: Now) -> bool:
        tracks = self._epoch.reading.tracks.values()
        looping = self.controls.loop.turns != 1 and self._epoch.pace is not None
        if looping and all(track.complete for track in tracks) and sum(len(track.buffer) for track in tracks) == 1:
            return self._end(now)
        return kept(self, now)

    return _changed(Playback, _turn=turn)


def clock_before_first_page() -> AbstractContextManager[None]:
    """The clock runs from the command on, not from the first page on."""
    kept = Epoch.start

    def start(self: Epoch, now: Now) -> bool:
        if self.pace is None and self._at_us is not None and not self.hurry:
            self._repace(now)
        return kept(self, now)

    return _changed(Epoch, start=start)


def loss_not_told() -> AbstractContextManager[None]:
    """What is gone from the log and was never stored is passed over without a word."""

    def silent(self: Track, partition: int, start: int, end: int, reason: str) -> None:
        del self, partition, start, end, reason

    return _changed(Track, _tell_gap=silent)


def broken_passed_over() -> AbstractContextManager[None]:
    """What the log cannot give counts as read, as a natural hole does."""

    def silent(self: Losses, partition: int, lost: Iterable[Lost], **bounds: object) -> list[Lost]:
        del self, partition, lost, bounds
        return []

    return _changed(Losses, from_log=silent)


def broken_told_again() -> AbstractContextManager[None]:
    """What is read again when live is left is told again."""
    kept = Track.leave_live

    def leave_live(self: Track) -> list[int]:
        self._losses.live_begins()
        return kept(self)

    return _changed(Track, leave_live=leave_live)


def batches_too_close() -> AbstractContextManager[None]:
    """Batches are due as close together as their times are, whatever the smallest gap."""

    def spaced(self: Pace, event_us: int, *, not_before_us: int) -> Pace:
        del event_us, not_before_us
        return self

    return _changed(Pace, spaced=spaced)


def clock_before_the_image() -> AbstractContextManager[None]:
    """What is due goes out while the image is still being read."""
    kept = Epoch.start

    def start(self: Epoch, now: Now) -> bool:
        image, self.image = self.image, None
        started = kept(self, now)
        self.image = image
        return started

    return _changed(Epoch, start=start)


def image_of_what_comes() -> AbstractContextManager[None]:
    """The image holds what lies at the position too, which comes again."""
    kept = Imaging._next_read

    def next_read(self: Imaging, ids: Iterator[int], steady_us: int) -> list[Effect]:
        return [
            replace(effect, until=effect.until._replace(time_us=effect.until.time_us + 1_000_000))
            if isinstance(effect, ReadImage)
            else effect
            for effect in kept(self, ids, steady_us)
        ]

    return _changed(Imaging, _next_read=next_read)


MUTANTS: tuple[Callable[[], AbstractContextManager[None]], ...] = (
    dedupe_by_time,
    frontier_after_page,
    late_events_dropped,
    last_event_lost_at_the_wrap,
    clock_before_first_page,
    loss_not_told,
    broken_passed_over,
    broken_told_again,
    batches_too_close,
    clock_before_the_image,
    image_of_what_comes,
)
