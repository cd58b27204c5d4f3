"""Changes to settings."""

import pytest

from tests.unit.tivo.broker.test_topic_settings import DEFAULTS
from tivo.broker.config_changes import Change, Operation, changed, check_once, replaced
from tivo.broker.refusal import Refusal
from tivo.wire.error_codes import ErrorCode

SET, DELETE, APPEND, SUBTRACT = Operation


def test_setting_is_set_and_the_others_stay() -> None:
    after = changed({"retention.ms": "1", "segment.ms": "2"}, [Change("retention.ms", SET, "3")], DEFAULTS)

    assert {"retention.ms": "3", "segment.ms": "2"} == after


def test_setting_is_deleted() -> None:
    assert {} == changed({"retention.ms": "1"}, [Change("retention.ms", DELETE, None)], DEFAULTS)


def test_setting_that_is_not_there_can_be_deleted() -> None:
    assert {"segment.ms": "2"} == changed({"segment.ms": "2"}, [Change("retention.ms", DELETE, "x")], DEFAULTS)


def test_setting_that_another_version_took_can_be_deleted() -> None:
    assert {"segment.ms": "2"} == changed(
        {"no.such": "1", "segment.ms": "2"}, [Change("no.such", DELETE, None)], DEFAULTS
    )


def test_list_begins_as_its_default() -> None:
    assert {"cleanup.policy": "delete,compact"} == changed({}, [Change("cleanup.policy", APPEND, "compact")], DEFAULTS)


@pytest.mark.parametrize(
    ("present", "operation", "value", "after"),
    [
        ("compact", APPEND, "delete", "compact,delete"),
        ("compact", APPEND, " delete ,compact", "compact,delete"),
        ("compact,delete", SUBTRACT, "delete", "compact"),
        ("compact,delete", SUBTRACT, "shred", "compact,delete"),
        ("compact", SUBTRACT, "compact", ""),
    ],
)
def test_list_is_appended_to_and_subtracted_from(present: str, operation: Operation, value: str, after: str) -> None:
    changes = [Change("cleanup.policy", operation, value)]

    assert {"cleanup.policy": after} == changed({"cleanup.policy": present}, changes, DEFAULTS)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Change("no.such", DELETE, None), ErrorCode.INVALID_CONFIG),
        (Change("no.such", APPEND, "x"), ErrorCode.INVALID_CONFIG),
        (Change("retention.ms", APPEND, "1"), ErrorCode.INVALID_CONFIG),
        (Change("retention.ms", SUBTRACT, "1"), ErrorCode.INVALID_CONFIG),
        (Change("retention.ms", SET, None), ErrorCode.INVALID_REQUEST),
        (Change("cleanup.policy", 9, "delete"), ErrorCode.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_is_refused(change: Change, error: ErrorCode) -> None:
    with pytest.raises(Refusal, match=change.name) as refused:
        changed({}, [change], DEFAULTS)

    assert error is refused.value.code


def test_setting_is_changed_once() -> None:
    with pytest.raises(Refusal, match="2 times") as refused:
        changed({}, [Change("segment.ms", SET, "1"), Change("segment.ms", DELETE, None)], DEFAULTS)

    assert ErrorCode.INVALID_REQUEST is refused.value.code
    check_once(["segment.ms", "segment.bytes"])


def test_settings_as_a_whole() -> None:
    assert {"segment.ms": "1"} == replaced([("segment.ms", "1")])
    with pytest.raises(Refusal, match=r"segment\.ms is given no value"):
        replaced([("segment.ms", None)])


def test_look_for_names_that_come_twice_takes_each_once() -> None:
    class Names(list[str]):
        def count(self, value: str) -> int:
            raise AssertionError("it goes through all of them")

    check_once(Names(["a", "b"]))
