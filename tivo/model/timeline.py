"""Time as tivo writes it: integer microseconds since 1970 UTC, and the ways people write it.

The only place where Kafka's milliseconds and RFC 3339 become microseconds.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MILLISECOND_US = 1_000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
MONTH_US = round(30.44 * DAY_US)
YEAR_US = round(365.24 * DAY_US)

_UNIT_US = {"y": YEAR_US, "M": MONTH_US, "d": DAY_US, "h": HOUR_US, "m": MINUTE_US, "s": SECOND_US}
_OFFSET = re.compile(r"([+-])(\d+(?:\.\d*)?|\.\d+)([yMdhms])", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([yMdhms]?)", re.ASCII)
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*([Zz]|[+-]\d\d:?\d\d)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MIN_TIME_US = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
MAX_TIME_US = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""Years 1 to 9999: what RFC 3339 can write and JavaScript can hold exactly."""


class Now(NamedTuple):
    """The two clocks, read together: UTC in microseconds, and a monotonic one for waiting only."""

    wall_us: int
    steady_us: int


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of event time: start ≤ t < end. None is unbounded."""

    start_us: int | None = None
    end_us: int | None = None

    def __contains__(self, time_us: int) -> bool:
        return (self.start_us is None or self.start_us <= time_us) and (self.end_us is None or time_us < self.end_us)

    @property
    def is_bounded(self) -> bool:
        return self.start_us is not None and self.end_us is not None

    @property
    def is_empty(self) -> bool:
        return self.start_us is not None and self.end_us is not None and self.end_us <= self.start_us


def from_kafka_ms(milliseconds: int) -> int:
    """Kafka's timestamp in microseconds."""
    return milliseconds * MILLISECOND_US


def to_kafka_ms(time_us: int) -> int:
    """A time in Kafka's milliseconds, rounded down."""
    return time_us // MILLISECOND_US


def from_rfc_3339(text: str) -> int:
    """Microseconds of an RFC 3339 time; without a zone it is UTC, without a time of day it is midnight.

    Raises ValueError where the text is no such time.
    """
    match = _RFC_3339.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2016-01-15T14:32:24Z")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    return (moment - _EPOCH) // _MICROSECOND + micro - _zone_us(zone)


def _zone_us(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    shift_us = int(digits[:2]) * HOUR_US + int(digits[2:]) * MINUTE_US
    return -shift_us if zone[0] == "-" else shift_us


def to_rfc_3339(time_us: int) -> str:
    """A time as RFC 3339 in UTC, to the microsecond where it has any."""
    moment = _EPOCH + timedelta(microseconds=time_us)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def from_epoch(number: int | float) -> int:
    """Microseconds of a number of seconds, ms, µs or ns since 1970, told apart by its size.

    Seconds reach to the year 5138, milliseconds from 1973 to 5138 and so on by thousands.
    Raises ValueError where it is not finite or beyond the year 9999.
    """
    size = abs(number)
    if not size < 1e20:
        raise ValueError(f"{number} is not a number of seconds, ms, µs or ns since 1970")
    for bound, numerator, denominator in ((1e11, SECOND_US, 1), (1e14, 1_000, 1), (1e17, 1, 1)):
        if size < bound:
            return round(number * numerator / denominator) if isinstance(number, float) else number * numerator
    return round(number / 1_000) if isinstance(number, float) else number // 1_000


def parse_offset(text: str) -> int | None:
    """Microseconds of an offset such as `-3d` or `+1.5h`; None where the text is not one."""
    match = _OFFSET.fullmatch(text.strip())
    if not match:
        return None
    sign, amount, unit = match.groups()
    span_us = round(float(amount) * _UNIT_US[unit])
    return -span_us if sign == "-" else span_us


def parse_duration(text: str) -> int | None:
    """Microseconds of a duration such as `1m`, `2.5h` or `90` (seconds); None where the text is not one."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        return None
    amount, unit = match.groups()
    return round(float(amount) * _UNIT_US[unit or "s"])
