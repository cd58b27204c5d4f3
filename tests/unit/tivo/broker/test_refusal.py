"""Errors and Kafka's codes."""

import pytest

from tivo.broker.refusal import Refusal, code_of
from tivo.model.errors import LogError, OffsetOutOfRange, RecordError, TivoError, UnknownTopic
from tivo.wire.error_codes import ErrorCode


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refusal(ErrorCode.INVALID_CONFIG, "odd"), ErrorCode.INVALID_CONFIG),
        (UnknownTopic("t"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (OffsetOutOfRange("t-0", 9, log_start=0, log_end=1), ErrorCode.OFFSET_OUT_OF_RANGE),
        (LogError("no space left"), ErrorCode.KAFKA_STORAGE_ERROR),
        (RecordError("odd"), ErrorCode.INVALID_REQUEST),
    ],
)
def test_every_error_has_a_code(error: TivoError, code: ErrorCode) -> None:
    assert code is code_of(error)
