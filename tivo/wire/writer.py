"""Writes the Python that writes one message in one version: the counterpart of `reader`.

Bytes gather in one buffer; record batches stand between such buffers as they are, never copied or joined.
"""

from collections.abc import Callable, Sequence
from struct import Struct as Packer
from typing import NoReturn

from tivo.model.errors import WireError
from tivo.wire.primitives import Buffer, uvarint
from tivo.wire.schema import Array, Field, Fixed, Kind, Records, Structure, Text
from tivo.wire.source import BYTE, INT16, INT32, Source


class WriterSource(Source):
    """`write(message, head, out)`: appends the buffers that make up `head` and `message` to the list `out`."""

    def __init__(self, message: Structure, *, flexible: bool) -> None:
        super().__init__("def write(message, head, out):", flexible=flexible)
        self.constants |= {"uvarint": uvarint, "pieces": pieces, "refuse_uuid": refuse_uuid}
        self.line("written = bytearray(head)", "the message")
        self.structure(message, "message", "")
        self.flush()
        self.line("if written: out.append(written)", "the message")

    def structure(self, kind: Structure, struct: str, path: str) -> None:
        for field in kind.fields:
            self.value(field.kind, field.nullable, f"{struct}.{field.name}", path + field.name)
        if self.flexible:
            self.tagged(kind.tagged, struct, path)

    def value(self, kind: Kind, nullable: bool, expression: str, path: str) -> None:
        match kind:
            case Fixed(size=16):
                self.line(f"if len({expression}) != 16: refuse_uuid({expression})", path)
                self.run.append((kind, expression, path))
            case Fixed():
                self.run.append((kind, expression, path))
            case Structure():
                self.structure(kind, expression, path + ".")
            case Array():
                self.array(kind.element, nullable, expression, path)
            case Records():
                self.records(expression, path)
            case _:
                self.sized(kind, nullable, expression, path)

    def flush(self) -> None:
        if len(self.run) == 1 and self.run[0][0] is BYTE:
            [(_, value, path)] = self.run
            self.run = []
            self.line(f"written.append({value})", path)
        elif self.run:
            packer, values, path = self.take_run()
            self.line(f"written += {self.constant('pack', packer.pack)}({values})", path)

    def length(self, kind: Kind, length: str, path: str) -> None:
        """Writes a length or count; -1 stands for null."""
        if not self.flexible:
            self.run.append((INT16 if isinstance(kind, Text) else INT32, length, path))
            self.flush()
            return
        self.flush()
        self.line(f"if {length} < 127: written.append({length} + 1)", path)
        self.line(f"else: written += uvarint({length} + 1)", path)

    def sized(self, kind: Kind, nullable: bool, expression: str, path: str) -> None:
        value, length = self.name("value"), self.name("length")
        encoded = f"{value}.encode()" if isinstance(kind, Text) else value
        self.line(f"{value} = {expression}", path)
        if nullable:
            self.line(f'if {value} is None: {value}, {length} = b"", -1', path)
            self.line(f"else: {value} = {encoded}; {length} = len({value})", path)
        else:
            self.line(f"{value} = {encoded}; {length} = len({value})", path)
        self.length(kind, length, path)
        self.line(f"written += {value}", path)

    def records(self, expression: str, path: str) -> None:
        value, length = self.name("value"), self.name("length")
        self.line(f"{value}, {length} = pieces({expression})", path)
        self.length(Records(), length, path)
        with self.block(f"if {length} > 0:", path):
            self.line("out.append(written)", path)
            self.line(f"out += {value}", path)
            self.line("written = bytearray()", path)

    def array(self, element: Kind, nullable: bool, expression: str, path: str) -> None:
        value, length = self.name("value"), self.name("length")
        self.line(f"{value} = {expression}", path)
        self.line(
            f"{length} = -1 if {value} is None else len({value})" if nullable else f"{length} = len({value})", path
        )
        self.length(Array(element), length, path)
        elements = f"{value} or ()" if nullable else value
        if isinstance(element, Fixed):
            pack = self.constant("packs", Packs(element.code))
            self.line(f"if {length} > 0: written += {pack}[{length}](*{value})", path)
            return
        one = self.name("one")
        with self.block(f"for {one} in {elements}:", path):
            self.value(element, False, one, path)
            self.flush()

    def tagged(self, fields: tuple[Field, ...], struct: str, path: str) -> None:
        """Writes the tagged fields that differ from their default (KIP-482), each behind its number and size."""
        if not fields:
            self.run.append((BYTE, "0", path + "tags"))
            return
        self.flush()
        given = [self.name("given") for _ in fields]
        for name, field in zip(given, fields, strict=True):
            self.line(f"{name} = {struct}.{field.name} != {self.constant('default', field.default)}", path + field.name)
        self.line(f"written.append({' + '.join(given)})", path + "tags")
        for name, field in zip(given, fields, strict=True):
            with self.block(f"if {name}:", path + field.name):
                self.tag(field, struct, path)

    def tag(self, field: Field, struct: str, path: str) -> None:
        outer = self.name("outer")
        self.line(f"{outer} = written; written = bytearray()", path + field.name)
        self.value(field.kind, field.nullable, f"{struct}.{field.name}", path + field.name)
        self.flush()
        number = self.constant("tag", uvarint(field.tag or 0))
        self.line(f"{outer} += {number}; {outer} += uvarint(len(written)); {outer} += written", path + field.name)
        self.line(f"written = {outer}", path + field.name)


class Packs(dict[int, Callable[..., bytes]]):
    """What packs so many values of one code. Those for few values are kept: most arrays hold one to three."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def __missing__(self, count: int) -> Callable[..., bytes]:
        pack = Packer(f">{count}{self.code}").pack
        if count <= 64:
            self[count] = pack
        return pack


def pieces(records: Buffer | list[Buffer] | None) -> tuple[Sequence[Buffer], int]:
    """The buffers that hold the records, and their size together; -1 for null."""
    if records is None:
        return (), -1
    if isinstance(records, list):
        return records, sum(map(len, records))
    return (records,), len(records)


def refuse_uuid(value: bytes) -> NoReturn:
    raise WireError(f"a uuid has 16 bytes, this one {len(value)}")
