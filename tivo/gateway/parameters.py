"""What stands in a query string, as values; a wrong one is refused by its name."""

from collections.abc import Mapping

from tivo.gateway.problems import Problem
from tivo.model.timeline import Window
from tivo.playback import values
from tivo.playback.commands import At, FromNow, Place


def time_of(text: str, field: str, *, now_us: int) -> int | None:
    """A time as people write it; None is unbounded. Raises CommandError, which is told as 400 `bad_time`."""
    match values.time(text or Place.UNBOUNDED, field):
        case At(time_us):
            return time_us
        case FromNow(offset_us):
            return now_us + offset_us
        case Place():
            return None
        case _:
            raise values.wrong(field, "a time that does not count from a position", text, code="bad_time")


def window_of(query: Mapping[str, str], *, now_us: int) -> Window:
    """`start` and `end`, half open. Raises Problem or CommandError where either is no time or start lies after end."""
    start_us = time_of(query.get("start", ""), "start", now_us=now_us)
    end_us = time_of(query.get("end", ""), "end", now_us=now_us)
    if start_us is not None and end_us is not None and start_us > end_us:
        raise bad("bad_window", "start", f"start {query['start']!r} lies after end {query['end']!r}")
    return Window(start_us, end_us)


def count_of(query: Mapping[str, str], field: str, *, default: int, at_most: int, at_least: int = 1) -> int:
    """A whole number within bounds. Raises Problem 400."""
    text = query.get(field)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not at_least <= int(text) <= at_most:
        raise bad("bad_request", field, f"{field} must be a whole number from {at_least} to {at_most}, got {text!r}")
    return int(text)


def bad(code: str, field: str, detail: str) -> Problem:
    """The answer to a parameter that cannot be used."""
    return Problem(400, code, detail, errors=[{"field": field, "detail": detail}])
