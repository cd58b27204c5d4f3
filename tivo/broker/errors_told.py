"""Which errors stand in a response, wherever its message keeps them (pure).

One place for all APIs: what is told to clients is counted, and what only a client that is wrong gets is logged.
"""

from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from tivo.wire.error_codes import ErrorCode
from tivo.wire.schema import Message, Struct

ORDINARY = frozenset(
    {
        ErrorCode.OFFSET_OUT_OF_RANGE,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.ILLEGAL_GENERATION,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.REBALANCE_IN_PROGRESS,
        ErrorCode.UNSUPPORTED_VERSION,
        ErrorCode.TOPIC_ALREADY_EXISTS,
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.KAFKA_STORAGE_ERROR,
        ErrorCode.GROUP_ID_NOT_FOUND,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.MEMBER_ID_REQUIRED,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.ELECTION_NOT_NEEDED,
        ErrorCode.TOPIC_AUTHORIZATION_FAILED,
        ErrorCode.GROUP_AUTHORIZATION_FAILED,
        ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
        ErrorCode.OPERATION_NOT_ATTEMPTED,
        ErrorCode.UNSTABLE_OFFSET_COMMIT,
    }
)
"""What clients that do nothing wrong are told in the course of things, and what access control logs: no line of log."""


_CODES = ("error_code", "partition_error_code")


class Told(NamedTuple):
    """An error in a response, and the words that go with it, if the message has any."""

    code: int
    message: str | None


class _Where(NamedTuple):
    """The field of a struct that holds an error code, if it has one; its lists of structs that have one somewhere."""

    code: str | None
    lists: tuple[tuple[str, "_Where"], ...]


def errors_in(response: Message) -> list[Told]:
    """The errors of a response in the order of its fields; NONE is none."""
    found: list[Told] = []
    _gather(response, _where(type(response)), found)
    return found


def _gather(struct: Any, where: _Where, found: list[Told]) -> None:
    if where.code is not None and (code := getattr(struct, where.code)):
        found.append(Told(code, getattr(struct, "error_message", None)))
    for name, inner in where.lists:
        for element in getattr(struct, name) or ():
            _gather(element, inner, found)


@cache
def _where(kind: type[Struct]) -> _Where:
    fields = msgspec.structs.fields(kind)
    elements = [(field.name, _element(field.type)) for field in fields]
    lists = [(name, _where(element)) for name, element in elements if element is not None]
    return _Where(
        code=next((field.name for field in fields if field.name in _CODES), None),
        lists=tuple((name, where) for name, where in lists if where.code or where.lists),
    )


def _element(hint: Any) -> type[Struct] | None:
    """The class of the structs that a field holds a list of; None for any other field."""
    if get_origin(hint) is list:
        (element,) = get_args(hint)
        return element if isinstance(element, type) and issubclass(element, Struct) else None
    choices = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
    return next((found for choice in choices if (found := _element(choice)) is not None), None)
