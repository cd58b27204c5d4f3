"""The value of an event, read once for all that is asked of it.

Where only members are asked for, and all have names such as Python's, only these are made into objects: in half of
the time and less. What is read does not depend on it: a member that nobody can hold, such as 1e999, is taken for
bytes, and its neighbours for what they are.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec
from msgspec.structs import asdict

from tivo.model.event import Event, ValueKind
from tivo.query.fields import ABSENT

ValueReader: TypeAlias = Callable[[Event], object]

_JSON = msgspec.json.Decoder()
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (ValueError, RecursionError)


def value_of(event: Event) -> object:
    """The value: what its JSON says, its text, None where it is null, and bytes where it is none of these.

    Members of an object that nobody can hold are bytes too; of a list, the whole.
    """
    if event.value is None:
        return None
    try:
        if event.kind is ValueKind.JSON:
            return _whole(event.value)
        return event.value.decode() if event.kind is ValueKind.TEXT else event.value
    except _UNREADABLE:
        return event.value


def _whole(held: bytes) -> object:
    try:
        return _JSON.decode(held)
    except _UNREADABLE:
        return {name: _member(bytes(each)) for name, each in _MEMBERS.decode(held).items()}


def _member(held: bytes) -> object:
    try:
        return _JSON.decode(held)
    except _UNREADABLE:
        return held


def value_reader(paths: Iterable[tuple[str | int, ...]]) -> ValueReader:
    """Reads the value as far as these paths go into it."""
    names = list(dict.fromkeys(path[0] if path else 0 for path in paths))
    words = [name for name in names if isinstance(name, str) and name.isidentifier() and not name.startswith("_")]
    if words != names:
        return value_of
    kind = msgspec.defstruct("Members", [(word, object, ABSENT) for word in words], gc=False)
    decode = msgspec.json.Decoder(kind).decode

    def read(event: Event) -> object:
        if event.kind is not ValueKind.JSON:
            return value_of(event)
        try:
            return asdict(decode(event.value or b""))
        except _UNREADABLE:
            return value_of(event)

    return read
