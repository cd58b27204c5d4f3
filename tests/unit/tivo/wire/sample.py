"""A message with a field of every kind, for the tests of schema, reader, writer and codec."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import (
    NO_UUID,
    Api,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Message,
    NullableSince,
    RecordsOut,
    Since,
    Struct,
    Tag,
    TaggedStruct,
    Until,
    Uuid,
)

API = Api(key=99, name="Sample", first=0, last=4, flexible=3)


class Leader(TaggedStruct, frozen=True):
    node: Int32 = -1


class SampleRequest(Message):
    """v0 has the plain fields, v1 allows null, v2 adds and drops a field, v3 is flexible, v4 adds tagged fields."""

    api = API

    flag: Boolean = False
    tiny: Int8 = 0
    name: Annotated[str | None, NullableSince(1)] = ""
    blob: bytes = b""
    maybe: bytes | None = None
    added: Annotated[Int64, Since(2)] = -1
    dropped: Annotated[Int16, Until(1)] = 7
    uuid: Uuid = NO_UUID
    numbers: list[Int32] = []
    names: Annotated[list[str] | None, NullableSince(1)] = []
    points: list[Point] = []
    parts: list[Part] = []
    leader: Annotated[Leader, Since(4), Tag(1)] = Leader()
    notes: Annotated[list[Note], Since(4), Tag(0)] = []


class Point(Struct):
    x: Int32 = 0
    y: Int32 = 0


class Part(Struct):
    index: Int32 = 0
    records: RecordsOut = None


class Note(Struct):
    text: str = ""
    author: Annotated[str | None, Since(4), Tag(0)] = None


class SampleResponse(Message):
    api = API

    error_code: Int16 = 0
