"""Every request that is served, with something in every field, and where its lengths and counts stand.

Written from the codec's own declarations, so that whatever is served is covered.
"""

from collections.abc import Iterator
from functools import cache
from struct import pack
from typing import Any, NamedTuple

from tests.conformance.wire.cases import CASES
from tivo.broker.handlers import SERVED
from tivo.wire.framing import request_frame
from tivo.wire.primitives import uvarint
from tivo.wire.schema import Array, Blob, Field, Fixed, Kind, Message, Records, Structure, Text, structure


class Length(NamedTuple):
    """A length or count: where it stands in the frame, and how many bytes it has (0 for a varint of one byte)."""

    at: int
    size: int
    path: str


class Sample(NamedTuple):
    """A request as a whole frame, and its lengths in the order of the wire."""

    request: type[Message]
    version: int
    message: Message
    frame: bytes
    lengths: list[Length]

    def __str__(self) -> str:
        return f"{self.request.api.name}-v{self.version}"


@cache
def samples(*, newest: bool = False) -> list[Sample]:
    """One for each API and version that is served, or for the newest version of each."""
    requests = [(kind, version) for kind, version in CASES if kind in SERVED.values()]
    return [_sample(kind, version) for kind, version in requests if not newest or version == kind.api.last]


def altered(sample: Sample, length: Length) -> Iterator[tuple[str, bytes]]:
    """The frame with each thing that the length should not be; its own size fits."""
    for what, value in _impossible(length.size).items():
        body = sample.frame[4 : length.at] + value + sample.frame[length.at + (length.size or 1) :]
        yield f"{length.path} is {what}", len(body).to_bytes(4) + body


def _impossible(size: int) -> dict[str, bytes]:
    if size == 0:
        return {
            "null": b"\0",
            "one too many": b"\xff\x01",
            "huge": uvarint(2**31),
            "10 bytes long": b"\xff" * 9 + b"\x01",
            "beyond 64 bits": b"\xff" * 9 + b"\x7f",
            "without an end": b"\xff" * 11,
        }
    form = {2: ">h", 4: ">i"}[size]
    most = (1 << 8 * size - 1) - 1
    return {str(value): pack(form, value) for value in (-1, -2, most, -most - 1, most // 2)}


def full(kind: Kind, name: str = "") -> Any:
    """A value with something in every field, one element in every array."""
    match kind:
        case Fixed(code="?"):
            return True
        case Fixed(size=16):
            return bytes(range(16))
        case Fixed():
            return 1
        case Text():
            return name or "text"
        case Blob():
            return b"blob"
        case Records():
            return memoryview(b"records")
        case Array(element=element):
            return [full(element)]
        case Structure(type=made, fields=fields, tagged=tagged):
            return made(**{field.name: full(field.kind, field.name) for field in (*fields, *tagged)})


def _sample(kind: type[Message], version: int) -> Sample:
    declared = structure(kind, version)
    message = full(declared)
    frame = b"".join(request_frame(message, version, correlation_id=7, client_id="me"))
    flexible = kind.api.is_flexible(version)
    places = _Places(flexible=flexible, at=4 + 8 + 2 + 2 + flexible)
    places.structure(declared, message, "")
    assert places.at == len(frame), (
        f"{kind.__name__} v{version}: {places.at} bytes were accounted for, not {len(frame)}"
    )
    return Sample(kind, version, message, frame, [Length(12, 2, "client_id"), *places.found])


class _Places:
    """Walks over a message as it is written."""

    def __init__(self, *, flexible: bool, at: int) -> None:
        self.at = at
        self.found: list[Length] = []
        self._flexible = flexible

    def structure(self, kind: Structure, value: Any, path: str) -> None:
        for field in kind.fields:
            self._value(field.kind, getattr(value, field.name), path + field.name)
        if self._flexible:
            self._tagged(kind.tagged, value, path)

    def _value(self, kind: Kind, value: Any, path: str) -> None:
        if isinstance(kind, Fixed):
            self.at += kind.size
        elif isinstance(kind, Structure):
            self.structure(kind, value, path + ".")
        else:
            self._length(2 if isinstance(kind, Text) else 4, path)
            if isinstance(kind, Array):
                for element in value:
                    self._value(kind.element, element, path)
            else:
                self.at += len(value.encode() if isinstance(value, str) else value)

    def _tagged(self, fields: tuple[Field, ...], value: Any, path: str) -> None:
        self._varint(path + "tags")
        for field in fields:
            self.at += 1  # its tag
            self._varint(path + field.name)
            self._value(field.kind, getattr(value, field.name), path + field.name)

    def _length(self, size: int, path: str) -> None:
        if self._flexible:
            self._varint(path)
        else:
            self.found.append(Length(self.at, size, path))
            self.at += size

    def _varint(self, path: str) -> None:
        self.found.append(Length(self.at, 0, path))
        self.at += 1
