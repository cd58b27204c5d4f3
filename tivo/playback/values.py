"""What viewers write for a control, made into its value: tolerant in, one meaning out.

Every function raises CommandError that names the control and shows what was given.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

from tivo.model.errors import CommandError
from tivo.model.timeline import (
    DAY_US,
    MAX_TIME_US,
    MILLISECOND_US,
    MIN_TIME_US,
    SECOND_US,
    YEAR_US,
    from_epoch,
    from_rfc_3339,
    parse_duration,
    parse_offset,
)
from tivo.playback.commands import (
    At,
    Batches,
    FromNow,
    FromPosition,
    Loop,
    Pacing,
    Place,
    Position,
    Speed,
    Time,
    Unlimited,
)

SLOWEST, FASTEST = Fraction(1, 1_000_000), Fraction(10**9)
MOST_TURNS = 10**9
MOST_GLOBS, LONGEST_GLOB = 64, 249
LONGEST_WHERE = 4_096
MOST_BATCHES = 10_000
FASTEST_CATCH_UP = Fraction(4)
MOST_TOPICS = 256
"""Topics and globs that a session may name."""
_SHOWN = 80

_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_BATCHES = re.compile(r"[+-]\d{1,18}", re.ASCII)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

E = TypeVar("E", bound=StrEnum)


def wrong(field: str, wanted: str, given: object, *, code: str = "bad_value") -> CommandError:
    """What to raise for a control that cannot be used."""
    shown = repr(given if not isinstance(given, Decimal) else float(given))
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
    return CommandError(f"{field} must be {wanted}, got {shown}", code=code, field=field)


def decimal(given: Any) -> Decimal | None:
    """A finite number, from a number or its text; None where it is none. Its digits and exponent are bounded."""
    if isinstance(given, bool):
        return None
    if isinstance(given, str) and not _NUMBER.fullmatch(given.strip()):
        return None
    if not isinstance(given, int | str | Decimal):
        return None
    if isinstance(given, int) and given.bit_length() > 1_100:
        return None
    found = Decimal(given)
    return found if found.is_finite() and abs(found.adjusted()) < 330 else None


def number(given: Any, field: str, *, least: Fraction, most: Fraction, code: str = "bad_value") -> Fraction:
    """A number within bounds, exact: 7.3 is 73/10."""
    found = decimal(given)
    if found is None or not least <= Fraction(found) <= most:
        raise wrong(field, f"a number from {_short(least)} to {_short(most)}", given, code=code)
    return Fraction(found)


def whole(given: Any, field: str, *, least: int, most: int) -> int:
    """A whole number within bounds."""
    found = number(given, field, least=Fraction(least), most=Fraction(most))
    if found.denominator != 1:
        raise wrong(field, f"a whole number from {least} to {most}", given)
    return int(found)


def time(given: Any, field: str) -> Time:
    """A time in any of the ways of the protocol. In `pos` a bare offset counts from the position, else from now."""
    if given is None and field != "pos":
        return Place.UNBOUNDED
    text = given.strip() if isinstance(given, str) else None
    if text in set(Place):
        return Place(text)
    found = _offset(text, field) if text is not None else None
    return found if found is not None else At(_absolute(given, text, field))


def position(given: Any) -> Position:
    """A time, or with a sign and no unit so many batches on from the position, or back."""
    signed = isinstance(given, str) and _BATCHES.fullmatch(given.strip())
    if not signed and not (isinstance(given, int) and given < 0):
        return time(given, "pos")
    count = int(given)
    if not 0 < abs(count) <= MOST_BATCHES:
        raise wrong("pos", f"a time, or from 1 to {MOST_BATCHES} batches on or back", given, code="bad_time")
    return Batches(count)


def _offset(text: str, field: str) -> Time | None:
    """A time that counts from now or from the position; None where the text is none."""
    for name, kind in (("now", FromNow), ("pos", FromPosition)):
        if text.startswith(name):
            rest = text.removeprefix(name)
            offset_us = parse_offset(rest) if rest else 0
            return None if offset_us is None else kind(_within(offset_us, text, field))
    offset_us = parse_offset(text)
    if offset_us is None:
        return None
    kind = FromPosition if field == "pos" else FromNow
    return kind(_within(offset_us, text, field))


def _within(offset_us: int, text: str, field: str) -> int:
    if abs(offset_us) > MAX_TIME_US:
        raise wrong(field, "an offset of less than 8000 years", text, code="bad_time")
    return offset_us


def _absolute(given: Any, text: str | None, field: str) -> int:
    wanted = 'a time such as "2016-01-15T14:32:24Z", "-3d", "now" or seconds since 1970'
    found = decimal(given)
    if found is None and (text is None or len(text) > _SHOWN):
        raise wrong(field, wanted, given, code="bad_time")
    try:
        time_us = from_rfc_3339(text or "") if found is None else _since_1970(found)
    except ValueError:
        raise wrong(field, wanted, given, code="bad_time") from None
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise wrong(field, "a time between the years 1 and 9999", given, code="bad_time")
    return time_us


def _since_1970(number: Decimal) -> int:
    return from_epoch(int(number) if number == number.to_integral_value() else float(number))


def speed(given: Any) -> Pacing:
    """A factor, or unlimited."""
    if isinstance(given, str) and given.strip() == "unlimited":
        return Unlimited()
    found = decimal(given)
    if found is None or not SLOWEST <= Fraction(found) <= FASTEST:
        wanted = f'a number above 0 (from {_short(SLOWEST)} to {_short(FASTEST)}) or "unlimited"'
        raise wrong("speed", wanted, given, code="bad_speed")
    return Speed(Fraction(found))


def duration_us(given: Any, field: str, *, code: str = "bad_value", least_us: int = 0, most_us: int = YEAR_US) -> int:
    """A span in seconds, or with its unit: 90, "1m"."""
    text = given.strip() if isinstance(given, str) else ""
    span_us = parse_duration(text) if text and len(text) <= _SHOWN else None
    if span_us is None:
        found = decimal(given)
        span_us = round(Fraction(found) * SECOND_US) if found is not None else None
    if span_us is None or not least_us <= span_us <= most_us:
        longest = "a year" if most_us == YEAR_US else f"{most_us // SECOND_US} s"
        raise wrong(field, f'seconds, or a span such as "1m", of at most {longest}', given, code=code)
    return span_us


def loop(given: Any) -> Loop:
    """Whether and how often a window is played again. Text counts by its meaning, never by being there."""
    match given:
        case bool():
            return Loop(turns=None) if given else Loop()
        case str() if given.strip().lower() in _BOOLEANS:
            return loop(_BOOLEANS[given.strip().lower()])
        case dict():
            return _detailed_loop(given)
        case 0:
            return Loop()
        case _:
            wanted = "true, false, a count of turns, or {count, mode, gap_ms}"
            found = decimal(given)
            if found is None or found != found.to_integral_value() or not 1 <= found <= MOST_TURNS:
                raise wrong("loop", wanted, given, code="bad_loop")
            return Loop(turns=int(found))


def _detailed_loop(given: dict[str, Any]) -> Loop:
    unknown = sorted(given.keys() - {"count", "mode", "gap_ms"})
    if unknown:
        raise wrong("loop", "{count, mode, gap_ms}", given, code="bad_loop")
    if given.get("mode", "restart") != "restart":
        raise wrong("loop.mode", '"restart", the one that this gateway offers', given["mode"], code="bad_loop")
    count = given.get("count")
    turns = None if count is None else loop(count).turns
    gap_us = whole(given.get("gap_ms", 0), "loop.gap_ms", least=0, most=DAY_US // MILLISECOND_US) * MILLISECOND_US
    return Loop(turns=turns, gap_us=gap_us)


def choice(given: Any, field: str, kind: type[E]) -> E:
    """One of a few words."""
    if not isinstance(given, str) or given not in set(kind):
        raise wrong(field, f"one of {', '.join(kind)}", given)
    return kind(given)


def truth(given: Any, field: str) -> bool:
    """Yes or no. Text counts by its meaning, never by being there."""
    if given is None or isinstance(given, bool):
        return bool(given)
    found = _BOOLEANS.get(str(given).strip().lower()) if isinstance(given, str | int) else None
    if found is None:
        raise wrong(field, "true or false", given)
    return found


def catch_up(given: Any) -> Fraction:
    """The speed of `{"max_speed": 1.5}`."""
    if not isinstance(given, dict) or given.keys() != {"max_speed"}:
        raise wrong("catch_up", '{"max_speed": 1.5}', given)
    found = number(given["max_speed"], "catch_up.max_speed", least=Fraction(1), most=FASTEST_CATCH_UP)
    if found == 1:
        raise wrong("catch_up.max_speed", f"above 1, at most {FASTEST_CATCH_UP}", given["max_speed"])
    return found


def event_filter(given: Any) -> tuple[tuple[str, ...], str]:
    """The globs of `filter.key` and the expression of `filter.where`; none of either lets every event pass.

    The expression stays as it was written, so that the places told of it are those of its text.
    """
    if given is None:
        return (), ""
    if not isinstance(given, dict) or given.keys() - {"key", "where"}:
        raise wrong("filter", '{"key": glob or [globs], "where": expression}', given, code="bad_filter")
    keys, where = given.get("key"), given.get("where")
    where = "" if where is None else where
    if not isinstance(where, str) or len(where) > LONGEST_WHERE:
        raise wrong("filter.where", f"an expression of at most {LONGEST_WHERE} characters", where, code="bad_filter")
    globs = names(() if keys is None or keys == "" else keys, "filter.key", most=MOST_GLOBS, code="bad_filter", least=0)
    return globs, where if where.strip() else ""


def names(given: Any, field: str, *, most: int, code: str, least: int = 1) -> tuple[str, ...]:
    """One or several names or globs."""
    found: Sequence[Any] = (given,) if isinstance(given, str) else given
    if not isinstance(found, list | tuple) or not least <= len(found) <= most:
        raise wrong(field, f"a name or glob, or a list of {least} to {most} of them", given, code=code)
    for name in found:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_GLOB:
            raise wrong(field, f"a name or glob of 1 to {LONGEST_GLOB} characters", name, code=code)
    return tuple(found)


def off_or(read: Callable[[Any], Fraction | int], given: Any) -> Any:
    """A control that null, false and 0 switch off."""
    return 0 if given is None or given is False else read(given)


def _short(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6f}".rstrip("0")
