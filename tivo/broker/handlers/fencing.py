"""What a producer that is fenced is told: there has been a code of its own for it since KIP-588."""

from tivo.wire.error_codes import ErrorCode


def by_version(error: ErrorCode, version: int, since: int) -> ErrorCode:
    """The code as a version of an API knows it: before `since`, PRODUCER_FENCED is INVALID_PRODUCER_EPOCH."""
    if error is ErrorCode.PRODUCER_FENCED and version < since:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return error
