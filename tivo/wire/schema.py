"""The words in which messages declare their fields, and what they come to in one version.

A message declares every field once, with its type, its default and the versions that have it:

    class FetchPartition(Struct):
        partition: Int32 = 0
        current_leader_epoch: Annotated[Int32, Since(9)] = -1

`str`, `bytes` and `list` need no further word; `| None` makes a field nullable, in all versions or from `NullableSince`
on. A version that lacks a field does not write it, and reads its default in its place. KIP-482 describes the flexible
versions (compact lengths, tagged fields).
"""

from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias, cast, get_args, get_origin

import msgspec

from tivo.wire.primitives import Buffer


class Struct(msgspec.Struct, kw_only=True, gc=False):
    """Base of every structure inside a message. A msgspec struct: these are made by the million, and import fast."""


class TaggedStruct(msgspec.Struct, kw_only=True, gc=False, frozen=True):
    """Base of a structure that is the value of a tagged field: frozen, since its default is shared by all messages."""


class Api(NamedTuple):
    """One kind of request and its response: the versions that are spoken, both ends included.

    `flexible` is the first flexible version, None where there is none. `advertised` is the lowest version that is
    *listed*, where that differs from `first`.
    """

    key: int
    name: str
    first: int
    last: int
    flexible: int | None = None
    advertised: int | None = None

    def serves(self, version: int) -> bool:
        return self.first <= version <= self.last

    def is_flexible(self, version: int) -> bool:
        return self.flexible is not None and version >= self.flexible


class Message(Struct):
    """Base of every request and response."""

    api: ClassVar[Api]


class Fixed(NamedTuple):
    """A value of fixed size: its code in the `struct` module and its size in bytes."""

    code: str
    size: int


class RecordsMark:
    """Marks a field that holds record batches, kept as they are: read as a view, written as buffers, never copied."""


class Since(NamedTuple):
    """The first version that has the field."""

    version: int


class Until(NamedTuple):
    """The last version that has the field."""

    version: int


class NullableSince(NamedTuple):
    """The first version in which the field may be null."""

    version: int


class Tag(NamedTuple):
    """A tagged field: written with its number, and only where it differs from its default."""

    number: int


Boolean: TypeAlias = Annotated[bool, Fixed("?", 1)]
Int8: TypeAlias = Annotated[int, Fixed("b", 1)]
Int16: TypeAlias = Annotated[int, Fixed("h", 2)]
Int32: TypeAlias = Annotated[int, Fixed("i", 4)]
Int64: TypeAlias = Annotated[int, Fixed("q", 8)]
Uuid: TypeAlias = Annotated[bytes, Fixed("16s", 16)]
RecordsIn: TypeAlias = Annotated[memoryview | None, RecordsMark()]
RecordsOut: TypeAlias = Annotated[Buffer | list[Buffer] | None, RecordsMark()]

NO_UUID = bytes(16)
UNKNOWN_OPERATIONS = -(1 << 31)
"""What an `authorized_operations` field holds when nobody asked for it (KIP-430)."""


# ---------------------------------------------------------------- what the words come to in one version


class Text(NamedTuple):
    """A UTF-8 string behind its length."""


class Blob(NamedTuple):
    """Bytes behind their length, copied when read."""


class Records(NamedTuple):
    """Record batches behind their length, not copied."""


class Array(NamedTuple):
    """Elements behind their count."""

    element: "Kind"


class Structure(NamedTuple):
    """A struct in one version: plain fields in the order of the wire, tagged ones by number."""

    type: type[msgspec.Struct]
    fields: tuple["Field", ...]
    tagged: tuple["Field", ...]


Kind: TypeAlias = Fixed | Text | Blob | Records | Array | Structure


class Field(NamedTuple):
    """A field of a struct in one version; `tag` is None for a plain one."""

    name: str
    kind: Kind
    nullable: bool
    tag: int | None
    default: object


def structure(struct: type[msgspec.Struct], version: int) -> Structure:
    """What `struct` holds in `version`."""
    present = [found for info in _declared(struct) if (found := _field(info, version)) is not None]
    tagged = sorted((found for found in present if found.tag is not None), key=lambda found: found.tag or 0)
    return Structure(struct, tuple(found for found in present if found.tag is None), tuple(tagged))


@cache
def _declared(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of all versions. Kept: to make types of the annotations is half the work of compiling."""
    return msgspec.structs.fields(struct)


def _field(info: msgspec.structs.FieldInfo, version: int) -> Field | None:
    """The field in `version`; None if that version lacks it."""
    plain, words = _words(info.type)
    first, last = words.get(Since, Since(0)), words.get(Until, Until(version))
    if not first.version <= version <= last.version:
        return None
    choices = get_args(plain) if NoneType in get_args(plain) else (plain,)
    nullable = len(choices) > 1 and version >= words.get(NullableSince, NullableSince(0)).version
    tag = words[Tag].number if Tag in words else None
    default = info.default if info.default_factory is msgspec.NODEFAULT else info.default_factory()
    return Field(info.name, _kind(choices[0], words, version), nullable, tag, default)


def _words(hint: Any) -> tuple[Any, dict[type, Any]]:
    """A type without its marks, and the marks by their kind."""
    if get_origin(hint) is not Annotated:
        return hint, {}
    plain, *marks = get_args(hint)
    return plain, {type(mark): mark for mark in marks}


def _kind(plain: Any, words: dict[type, Any], version: int) -> Kind:
    if RecordsMark in words:
        return Records()
    if Fixed in words:
        return cast(Fixed, words[Fixed])
    if plain is str:
        return Text()
    if plain is bytes:
        return Blob()
    if get_origin(plain) is list:
        return Array(_kind(*_words(get_args(plain)[0]), version))
    return structure(plain, version)
