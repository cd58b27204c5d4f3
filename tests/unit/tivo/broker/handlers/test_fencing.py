"""What fenced producers are told."""

from tivo.broker.handlers.fencing import by_version
from tivo.wire.error_codes import ErrorCode


def test_older_versions_know_no_code_for_a_fenced_producer() -> None:
    assert ErrorCode.INVALID_PRODUCER_EPOCH is by_version(ErrorCode.PRODUCER_FENCED, 1, 2)
    assert ErrorCode.PRODUCER_FENCED is by_version(ErrorCode.PRODUCER_FENCED, 2, 2)


def test_other_codes_are_those_of_all_versions() -> None:
    assert ErrorCode.INVALID_TXN_STATE is by_version(ErrorCode.INVALID_TXN_STATE, 0, 2)
