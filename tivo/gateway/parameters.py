"""What stands in a query string, as values; a wrong one is refused by its name."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from starlette.requests import Request

from tivo.gateway.problems import Problem
from tivo.model.timeline import Window
from tivo.playback import values
from tivo.playback.commands import At, FromNow, Place

TICKET = "ticket"
"""Any request may bring one; who comes with it has been asked at the gate."""
_SHOWN = 80


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


def check_known(query: Iterable[str], known: Collection[str]) -> None:
    """Raises Problem 400 for a parameter that the route does not have: it was meant to change the answer."""
    for name in query:
        if name not in known and name != TICKET:
            near = get_close_matches(name, known, 1)
            has = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known) or 'none'}"
            raise bad("bad_request", name[:_SHOWN], f"{name[:_SHOWN]!r} is no parameter of this address; {has}")


def check_documented(request: Request) -> None:
    """The same for a route that FastAPI knows the parameters of."""
    check_known(request.query_params, [each.alias for each in request.scope["route"].dependant.query_params])


def bad(code: str, field: str, detail: str) -> Problem:
    """The answer to a parameter that cannot be used."""
    return Problem(400, code, detail, errors=[{"field": field, "detail": detail}])
