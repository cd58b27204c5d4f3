"""What of an event can be named, made into functions of the event and of its value as read."""

from collections.abc import Callable
from enum import Enum
from operator import attrgetter
from typing import TypeAlias

from tivo.model.event import Event
from tivo.query.expression import Name

Reader: TypeAlias = Callable[[Event, object], object]
"""Gives a value of an event; its second argument is the event's own value, read."""


class Absence(Enum):
    """What is not there: no member of this name, no header, no number."""

    ABSENT = "absent"


ABSENT = Absence.ABSENT


def field(name: Name, path: tuple[str | int, ...]) -> Reader:
    """Reads something of the event."""
    match name:
        case Name.VALUE:
            return _member(*path) if len(path) == 1 else _path(path)
        case Name.KEY:
            return lambda event, value: _text(event.key)
        case Name.HEADERS:
            return _header(str(path[0]))
        case Name.TIME:
            return lambda event, value: event.time_us
        case Name.RECEIVED:
            return lambda event, value: event.received_us
        case _:  # topic, partition or offset
            read = attrgetter(name)
            return lambda event, value: read(event)


def _member(step: str | int) -> Reader:
    kind = dict if isinstance(step, str) else list

    def read(event: Event, value: object) -> object:
        return _step(value, step) if type(value) is kind else ABSENT

    return read


def _path(path: tuple[str | int, ...]) -> Reader:
    def read(event: Event, value: object) -> object:
        for step in path:
            value = _step(value, step)
        return value

    return read


def _step(value: object, step: str | int) -> object:
    if type(value) is dict and type(step) is str:
        return value.get(step, ABSENT)
    if type(value) is list and type(step) is int and step < len(value):
        return value[step]
    return ABSENT


def _header(name: str) -> Reader:
    """Of a header that comes more than once the last counts."""

    def read(event: Event, value: object) -> object:
        for each, held in reversed(event.headers):
            if each == name:
                return _text(held)
        return ABSENT

    return read


def _text(held: bytes | None) -> object:
    try:
        return None if held is None else held.decode()
    except UnicodeDecodeError:
        return held
