"""The fields of a command: tolerant readers of times, speeds, switches and counts."""

import re
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from math import isfinite
from typing import Any, NoReturn, TypeVar

from tivo.model.errors import CommandError
from tivo.model.timeline import (
    DAY_US,
    MAX_TIME_US,
    MILLISECOND_US,
    MIN_TIME_US,
    SECOND_US,
    from_epoch,
    from_rfc_3339,
    parse_duration,
    parse_offset,
)
from tivo.playback.commands import (
    At,
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
    Rate,
    Speed,
    Time,
    Unlimited,
)

LARGEST_OFFSET = (1 << 53) - 1
"""What JavaScript can hold exactly."""

SLOWEST, FASTEST = Fraction(1, 1_000_000), Fraction(1_000_000_000)
"""Speeds and rates lie between these."""

_LONGEST_TEXT = 128
_LONGEST_NAME = 249
_MOST_TOPICS = 64
_MOST_TURNS = 1_000_000
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?")
_BATCHES = re.compile(r"[+-]\d+")
_COUNTED = re.compile(r"(now|pos)\s*([+-].+)")

_E = TypeVar("_E", bound=StrEnum)


class Fields:
    """The fields of one object; what nobody has taken at the end was not understood."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def take(self, name: str) -> Any:
        """A field's value, None where it is null or absent."""
        return self._fields.pop(name, None)

    def has(self, name: str) -> bool:
        """Whether a field is named, be it null."""
        return name in self._fields

    def left(self) -> list[str]:
        """The fields that were not taken."""
        return list(self._fields)


def refuse(field: str, value: Any, wanted: str, *, code: str = "bad_value") -> NoReturn:
    """Raise CommandError: the field, what it should be, and what it was."""
    raise CommandError(f"{field} is {wanted}, got {_shown(value)}", code=code, field=field)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


# ---------------------------------------------------------------- plain values


def read_text(fields: Fields, name: str) -> str:
    """A string that has to be there."""
    value = fields.take(name)
    if not isinstance(value, str) or not value:
        refuse(name, value, "a string", code="unknown_action" if name == "action" else "bad_value")
    return value


def read_count(fields: Fields, name: str, *, default: int | None, least: int, most: int) -> int:
    """A whole number within bounds, or the default where there is one."""
    value = fields.take(name)
    if value is None and default is not None:
        return default
    number = _number(value)
    if number is None or number.denominator != 1 or not least <= number <= most:
        refuse(name, value, f"a whole number from {least} to {most}")
    return number.numerator


def read_milliseconds(fields: Fields, name: str) -> int:
    """A span of milliseconds up to a day, in microseconds; 0 where it is not named."""
    value = fields.take(name)
    number = Fraction(0) if value is None else _number(value)
    if number is None or not 0 <= number * MILLISECOND_US <= DAY_US:
        refuse(name, value, "a number of milliseconds up to a day")
    return round(number * MILLISECOND_US)


def read_topics(fields: Fields) -> tuple[str, ...]:
    """One or more names or globs."""
    return _texts(fields.take("topics"), "topics")


def _texts(value: Any, field: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not 0 < len(names) <= _MOST_TOPICS:
        refuse(field, value, f"a name or glob, or a list of up to {_MOST_TOPICS}", code="bad_glob")
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            refuse(field, name, f"a name or glob of 1 to {_LONGEST_NAME} characters", code="bad_glob")
    return tuple(names)


def _number(value: Any) -> Fraction | None:
    """A finite number, also written as a string, exactly as it was written; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Fraction(value) if abs(value) < 1 << 128 else None
    if isinstance(value, float):
        return Fraction(repr(value)) if isfinite(value) else None
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT and _NUMBER.fullmatch(value.strip()):
        return Fraction(value.strip())
    return None


# ---------------------------------------------------------------- times


def read_optional_time(fields: Fields, name: str) -> Time | None:
    """A bound of a window; null is unbounded, absent is None."""
    if not fields.has(name):
        return None
    value = fields.take(name)
    return Place.UNBOUNDED if value is None else _time(value, name, counted=FromNow)


def read_position(fields: Fields, name: str) -> Time | None:
    """A position; offsets count from the position, whole signed numbers count batches."""
    value = fields.take(name)
    if value is None:
        return None
    batches = isinstance(value, str) and _BATCHES.fullmatch(value.strip())
    if batches or (type(value) is int and value < 0):
        raise CommandError(
            f"{name} in batches ({_shown(value)}) is not offered by this server yet", code="not_offered", field=name
        )
    return _time(value, name, counted=FromPosition)


def _time(value: Any, field: str, *, counted: type[FromNow] | type[FromPosition]) -> Time:
    try:
        if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            return _time_in_words(value.strip(), counted)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _within(At(from_epoch(value)))
    except (ValueError, OverflowError):
        pass
    refuse(field, value, "a time: RFC 3339, a number since 1970, an offset such as -3d, or a name", code="bad_time")


def _time_in_words(text: str, counted: type[FromNow] | type[FromPosition]) -> Time:
    """Raises ValueError where the text is no time."""
    name = text.lower()
    if name == "now":
        return FromNow(0)
    if name in ("beginning", "end", "unbounded"):
        return Place(name)
    from_what = _COUNTED.fullmatch(text)
    if from_what:
        counted = FromNow if from_what[1] == "now" else FromPosition
        text = from_what[2]
    offset_us = parse_offset(text)
    if offset_us is not None:
        return _within(counted(offset_us))
    if from_what:
        raise ValueError(text)
    number = _number(text)
    if number is not None:
        return _within(At(from_epoch(number.numerator if number.denominator == 1 else float(number))))
    return At(from_rfc_3339(text))


_T = TypeVar("_T", At, FromNow, FromPosition)


def _within(time: _T) -> _T:
    """Raises ValueError for what lies beyond years 1 to 9999, or is counted further than that."""
    if not MIN_TIME_US <= time[0] <= MAX_TIME_US:
        raise ValueError(time)
    return time


# ---------------------------------------------------------------- controls


def read_change(fields: Fields) -> Change:
    """The controls that a command names."""
    _refuse_what_is_not_offered(fields)
    return Change(
        start=read_optional_time(fields, "start"),
        end=read_optional_time(fields, "end"),
        pos=read_position(fields, "pos"),
        pacing=_pacing(fields),
        max_gap_us=_off_or(fields, "max_gap", _span),
        max_rate=_off_or(fields, "max_rate", _rate),
        loop=_loop(fields),
        end_action=_choice(fields, "end_action", EndAction),
        keys=_keys(fields),
        on_slow=_choice(fields, "on_slow", OnSlow),
        frames=_choice(fields, "frames", Frames),
        clock_hz=_clock_hz(fields),
    )


def _refuse_what_is_not_offered(fields: Fields) -> None:
    for name, idle in (("image", (None, False)), ("catch_up", (None, False)), ("min_gap", (None, 0))):
        value = fields.take(name)
        if value not in idle:
            raise CommandError(
                f"{name} ({_shown(value)}) is not offered by this server yet", code="not_offered", field=name
            )


def _pacing(fields: Fields) -> Pacing | None:
    """At most one of speed, fit and rate."""
    named = {name: value for name in ("speed", "fit", "rate") if (value := fields.take(name)) is not None}
    if len(named) > 1:
        raise CommandError(f"only one of {' and '.join(named)} can set the pace", code="bad_speed", field=[*named][-1])
    for name, value in named.items():
        if name == "fit":
            return Fit(_span(value, "fit", code="bad_speed", least_us=1))
        if name == "speed" and isinstance(value, str) and value.strip().lower() == "unlimited":
            return Unlimited()
        number = _number(value)
        if number is None or not SLOWEST <= number <= FASTEST:
            wanted = f"a number from {float(SLOWEST):g} to {float(FASTEST):g}"
            refuse(name, value, wanted + (' or "unlimited"' if name == "speed" else ""), code="bad_speed")
        return Speed(number) if name == "speed" else Rate(number)
    return None


def _span(value: Any, field: str, *, code: str = "bad_value", least_us: int = 0) -> int:
    """A span in seconds, or with a unit (`1m`), in microseconds."""
    number = _number(value)
    span_us: int | None = None
    if number is not None and number <= MAX_TIME_US // SECOND_US:
        span_us = round(number * SECOND_US)
    elif isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        span_us = parse_duration(value.strip())
    if span_us is None or not least_us <= span_us <= MAX_TIME_US:
        refuse(field, value, "a number of seconds, or a span such as 1m", code=code)
    return span_us


def _rate(value: Any, field: str) -> Fraction:
    number = _number(value)
    if number is None or not (number == 0 or SLOWEST <= number <= FASTEST):
        refuse(field, value, "a number of events per second, 0 for no limit")
    return number


def _off_or(fields: Fields, name: str, read: Any) -> Any:
    """A control that null or 0 switches off; None where it is not named."""
    if not fields.has(name):
        return None
    value = fields.take(name)
    return read(0 if value is None else value, name)


def _loop(fields: Fields) -> Loop | None:
    """A switch, a count of turns, or an object with count, mode and gap_ms. 1 is the switch, as "1" is."""
    if not fields.has("loop"):
        return None
    value = fields.take("loop")
    if isinstance(value, dict):
        inner = Fields(value)
        mode = inner.take("mode")
        gap_us = read_milliseconds(inner, "gap_ms")
        turns = read_count(inner, "count", default=_MOST_TURNS + 1, least=1, most=_MOST_TURNS)
        if inner.left() or mode not in (None, "restart"):
            what = "ping-pong is not offered by this server yet" if mode == "pingpong" else f"got {_shown(mode)}"
            raise CommandError(f'loop takes count, mode ("restart") and gap_ms: {what}', code="bad_loop", field="loop")
        return Loop(None if turns > _MOST_TURNS else turns, gap_us)
    switch = _switch(value)
    if switch is not None:
        return Loop(None) if switch else Loop()
    number = _number(value)
    if number is None or number.denominator != 1 or not 2 <= number <= _MOST_TURNS:
        refuse("loop", value, "true, false, a count of turns, or an object", code="bad_loop")
    return Loop(number.numerator)


def _switch(value: Any) -> bool | None:
    """True or false, also as text and by value; None where it is neither."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return {0: False, 1: True}.get(value) if isinstance(value, int) else None


def _choice(fields: Fields, name: str, kind: type[_E]) -> _E | None:
    value = fields.take(name)
    if value is None:
        return None
    names = [member.value for member in kind]
    if not isinstance(value, str) or value.strip().lower() not in names:
        refuse(name, value, "one of " + ", ".join(names))
    return kind(value.strip().lower())


def _keys(fields: Fields) -> tuple[str, ...] | None:
    if not fields.has("filter"):
        return None
    value = fields.take("filter")
    if value is None:
        return ()
    if not isinstance(value, dict):
        refuse("filter", value, 'an object such as {"key": "sensor-*"}', code="bad_filter")
    inner = Fields(value)
    if inner.take("where") is not None:
        raise CommandError("filter.where is not offered by this server yet", code="not_offered", field="filter")
    key = inner.take("key")
    if inner.left():
        refuse("filter", inner.left()[0], "an object with key", code="bad_filter")
    return () if key is None or key == [] else _texts(key, "filter")


def _clock_hz(fields: Fields) -> Fraction | None:
    value = fields.take("clock_hz")
    if value is None:
        return None
    number = _number(value)
    if number is None or not (number == 0 or Fraction(1, 60) <= number <= 60):
        refuse("clock_hz", value, "0, or a number up to 60")
    return number
