"""The controls of a session as they stand, and how a viewer's change becomes the next ones."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

from tivo.model.errors import CommandError
from tivo.model.timeline import MAX_TIME_US, MILLISECOND_US, MIN_TIME_US, SECOND_US, Now, Window, to_rfc_3339
from tivo.playback.commands import (
    At,
    Batches,
    Change,
    EndAction,
    Fit,
    Frames,
    FromNow,
    FromPosition,
    Loop,
    OnSlow,
    Pacing,
    Place,
    Position,
    Rate,
    Speed,
    Time,
)
from tivo.playback.topics import event_filter
from tivo.playback.where import Passes, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Everything that a viewer can set, resolved."""

    window: Window = field(default_factory=Window)
    pacing: Pacing = field(default_factory=lambda: Speed(Fraction(1)))
    max_gap_us: int = 0
    min_gap_us: int = 0
    max_rate: Fraction = Fraction(0)
    loop: Loop = field(default_factory=Loop)
    end_action: EndAction | None = None
    keys: tuple[str, ...] = ()
    where: Where = field(default_factory=Where)
    image: bool = False
    catch_up: Fraction = Fraction(0)
    on_slow: OnSlow = OnSlow.STRETCH
    frames: Frames = Frames.EXACT
    clock_hz: Fraction = Fraction(4)

    @property
    def at_end(self) -> EndAction:
        """What happens at the end of the window: the viewer's choice, or tail where the window has no end."""
        if self.end_action is not None:
            return self.end_action
        return EndAction.TAIL if self.window.end_us is None else EndAction.PAUSE

    @property
    def passes(self) -> Passes | None:
        """Whether an event is wanted; None where all are."""
        return event_filter(self.keys, self.where)

    @property
    def speed(self) -> Fraction | None:
        """Event seconds per steady second; None where the pacing knows no speed."""
        match self.pacing:
            case Speed(factor):
                return factor
            case Fit(duration_us):
                assert self.window.start_us is not None and self.window.end_us is not None
                return Fraction(max(self.window.end_us - self.window.start_us, 1), duration_us)
            case _:
                return None

    @property
    def chase(self) -> Fraction | None:
        """The speed at which the live edge is caught up with; None where it is not, or no faster than what is set."""
        speed = self.speed
        return self.catch_up if speed is not None and speed < self.catch_up else None

    def open_ended(self) -> "Controls":
        """The same without an end, and without what needs one."""
        return replace(self._unfitted(), window=Window(self.window.start_us, None), loop=Loop())

    def within(self, window: Window) -> "Controls":
        """The same over another window; one without bounds cannot be fit into a time, and goes on at its speed."""
        return replace(self if window.is_bounded else self._unfitted(), window=window)

    def _unfitted(self) -> "Controls":
        speed = self.speed
        return replace(self, pacing=Speed(speed)) if isinstance(self.pacing, Fit) and speed is not None else self

    def describe(self) -> dict[str, Any]:
        """The controls as `state` tells them, JSON-ready."""
        loop: Any = self.loop.turns != 1
        if (self.loop.turns or 0) > 1 or self.loop.gap_us:
            loop = {"count": self.loop.turns, "mode": "restart", "gap_ms": self.loop.gap_us // MILLISECOND_US}
        speed = self.speed
        told: dict[str, Any] = {"speed": number(speed) if speed is not None else None, "loop": loop}
        match self.pacing:
            case Fit(duration_us):
                told["fit"] = duration_us / SECOND_US
            case Rate(per_second):
                told["rate"] = number(per_second)
            case Speed():
                pass
            case _:
                told["speed"] = "unlimited"
        told["max_gap"] = self.max_gap_us / SECOND_US if self.max_gap_us else None
        told["min_gap"] = self.min_gap_us / SECOND_US if self.min_gap_us else None
        told["max_rate"] = number(self.max_rate) if self.max_rate else None
        told["end_action"] = self.at_end.value
        by_key: dict[str, Any] = {"key": list(self.keys)} if self.keys else {}
        told["filter"] = by_key | ({"where": self.where.text} if self.where.text else {}) or None
        told["image"] = self.image
        told["catch_up"] = {"max_speed": number(self.catch_up)} if self.catch_up else None
        told["on_slow"] = self.on_slow.value
        told["frames"] = self.frames.value
        told["clock_hz"] = number(self.clock_hz)
        return told


def number(value: Fraction) -> int | float:
    """A fraction as JSON writes it."""
    return value.numerator if value.denominator == 1 else float(value)


class Moment(NamedTuple):
    """What a viewer's times count from."""

    now: Now
    position_us: int | None


_CONTROLS = (
    "pacing",
    "max_gap_us",
    "min_gap_us",
    "max_rate",
    "loop",
    "end_action",
    "keys",
    "image",
    "catch_up",
    "on_slow",
    "frames",
    "clock_hz",
)


def apply(change: Change, controls: Controls, moment: Moment) -> Controls:
    """The next controls. Raises CommandError, naming the control at fault; then nothing has changed."""
    window = _window(change, controls.window, moment)
    given = {name: value for name in _CONTROLS if (value := getattr(change, name)) is not None}
    changed = replace(controls.within(window), **given)
    if changed.loop.turns != 1 and not window.is_bounded:
        raise CommandError(
            "a loop needs a window with a start and an end",
            code="loop_unbounded",
            field="loop" if change.loop else "end",
        )
    if changed.loop.turns != 1 and window.is_empty:
        raise CommandError("a loop needs a window that is longer than nothing", code="bad_loop", field="loop")
    if changed.max_gap_us and changed.min_gap_us > changed.max_gap_us:
        raise CommandError(
            f"min_gap ({changed.min_gap_us / SECOND_US} s) is longer than max_gap ({changed.max_gap_us / SECOND_US} s)",
            code="bad_value",
            field="min_gap" if change.min_gap_us is not None else "max_gap",
        )
    if isinstance(changed.pacing, Fit) and not window.is_bounded:
        raise CommandError("fit needs a window with a start and an end", code="bad_window", field="fit")
    return changed


def _window(change: Change, window: Window, moment: Moment) -> Window:
    start_us, end_us = window.start_us, window.end_us
    if change.start is not None:
        start_us = _bound(change.start, moment, "start")
    if change.end is not None:
        end_us = _bound(change.end, moment, "end")
    if start_us is not None and end_us is not None and start_us > end_us:
        raise CommandError(
            f"start ({_shown(start_us)}) lies after end ({_shown(end_us)})",
            code="bad_window",
            field="start" if change.start else "end",
        )
    return Window(start_us, end_us)


def _shown(time_us: int) -> str:
    """A time for people; one that counts from another may lie beyond the years that there are."""
    return to_rfc_3339(time_us) if MIN_TIME_US <= time_us <= MAX_TIME_US else f"{time_us} µs"


def _bound(time: Time, moment: Moment, name: str) -> int | None:
    """A bound of the window; None is unbounded, as the beginning is at the start and the end at the end."""
    match time:
        case Place.UNBOUNDED:
            return None
        case Place.BEGINNING if name == "start":
            return None
        case Place.END if name == "end":
            return None
        case Place():
            raise CommandError(f"{name} cannot be {time.value!r}", code="bad_time", field=name)
        case _:
            return resolve(time, moment, name)


def resolve(time: At | FromNow | FromPosition, moment: Moment, name: str) -> int:
    """The absolute time that a viewer meant. Raises CommandError where it counts from a position that is not known."""
    match time:
        case At(time_us):
            return time_us
        case FromNow(offset_us):
            return moment.now.wall_us + offset_us
        case _:
            if moment.position_us is None:
                raise CommandError(
                    f"{name} counts from the position, which is not known before the first event",
                    code="bad_time",
                    field=name,
                )
            return moment.position_us + time.offset_us


def target(to: Position, controls: Controls, moment: Moment) -> int | None:
    """The position that a viewer means; None is the first event of a window without a start.

    Raises CommandError where it lies outside the window or in the future. Batches were counted before.
    """
    assert not isinstance(to, Batches), "where a batch lies has to be looked for"
    window, wall_us = controls.window, moment.now.wall_us
    match to:
        case Place.BEGINNING | Place.UNBOUNDED:
            return window.start_us
        case Place.END:
            return wall_us if window.end_us is None else min(window.end_us, wall_us)
        case _:
            at_us = resolve(to, moment, "pos")
    if at_us not in window and at_us != window.end_us:
        raise CommandError(f"pos ({at_us}) lies outside the window", code="bad_time", field="pos")
    if at_us > wall_us and not (isinstance(to, FromNow) and to.offset_us == 0):
        raise CommandError(f"pos ({at_us}) lies in the future", code="bad_time", field="pos")
    return at_us
