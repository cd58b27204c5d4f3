"""What the settings of a topic come to when some of them are changed (pure)."""

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from tivo.broker.refusal import Refusal
from tivo.broker.topic_settings import KNOWN, LIST, Configs, TopicSettings
from tivo.wire.error_codes import ErrorCode


class Operation(IntEnum):
    """How one setting is changed, as numbered in IncrementalAlterConfigs."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class Change(NamedTuple):
    """One change; `operation` is a number that a client sent."""

    name: str
    operation: int
    value: str | None


def changed(configs: Configs, changes: Sequence[Change], defaults: TopicSettings) -> dict[str, str]:
    """The settings after all changes. Raises Refusal where one of them cannot be.

    A list that a topic does not have yet begins as its default. Whether the values may be is for
    `topic_settings.check`.
    """
    check_once([change.name for change in changes])
    after = dict(configs)
    for change in changes:
        if change.operation == Operation.DELETE:
            if after.pop(change.name, None) is None:  # one that another version took is there, and can go
                _known(change.name)
        else:
            after[change.name] = _value(after.get(change.name), change, defaults)
    return after


def replaced(configs: Sequence[tuple[str, str | None]]) -> dict[str, str]:
    """Settings that are given as a whole. Raises Refusal for one without a value or named twice."""
    check_once([name for name, _ in configs])
    return {name: _present(name, value) for name, value in configs}


def check_once(names: Sequence[str]) -> None:
    """Raises Refusal (INVALID_REQUEST) where a name comes twice: nobody says which of the two counts."""
    for name, times in Counter(names).items():
        if times > 1:
            raise Refusal(ErrorCode.INVALID_REQUEST, f"{name!r} is named {times} times")


def _value(present: str | None, change: Change, defaults: TopicSettings) -> str:
    value = _present(change.name, change.value)
    if change.operation == Operation.SET:
        return value
    known = KNOWN[_known(change.name)]
    if change.operation not in (Operation.APPEND, Operation.SUBTRACT):
        raise Refusal(ErrorCode.INVALID_REQUEST, f"{change.name}: there is no operation {change.operation}")
    if known.kind != LIST:
        raise Refusal(ErrorCode.INVALID_CONFIG, f"setting {change.name} is no list, it can be set or deleted only")
    items = _items(known.default(defaults) if present is None else present)
    if change.operation == Operation.APPEND:
        return ",".join([*items, *(item for item in _items(value) if item not in items)])
    return ",".join(item for item in items if item not in _items(value))


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _present(name: str, value: str | None) -> str:
    if value is None:
        raise Refusal(ErrorCode.INVALID_REQUEST, f"setting {name} is given no value")
    return value


def _known(name: str) -> str:
    if name not in KNOWN:
        raise Refusal(ErrorCode.INVALID_CONFIG, f"topics have no setting {name!r}")
    return name
