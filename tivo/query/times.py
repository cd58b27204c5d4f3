"""Times in expressions: what is compared with a time is read as one."""

from tivo.model.timeline import from_epoch, from_rfc_3339

_LONGEST = 64


def as_time(given: object) -> int | None:
    """Microseconds of an RFC 3339 text, or of a number since 1970 in the unit that its size tells; None of all else."""
    try:
        if type(given) is str:
            return from_rfc_3339(given) if len(given) <= _LONGEST else None
        return from_epoch(given) if type(given) is int or type(given) is float else None
    except ValueError:
        return None
