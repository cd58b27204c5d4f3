"""Refusals, and the one place where errors become Kafka's codes."""

from tivo.model.errors import LogError, OffsetOutOfRange, RequestError, TivoError, UnknownTopic
from tivo.wire.error_codes import ErrorCode


class Refusal(RequestError):
    """The client asked for what cannot be done; `code` tells it so, the message tells people."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def code_of(error: TivoError) -> ErrorCode:
    """Kafka's code for an error that a client is about to be told."""
    match error:
        case Refusal():
            return error.code
        case UnknownTopic():
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        case OffsetOutOfRange():
            return ErrorCode.OFFSET_OUT_OF_RANGE
        case LogError():
            return ErrorCode.KAFKA_STORAGE_ERROR
        case _:
            return ErrorCode.INVALID_REQUEST
