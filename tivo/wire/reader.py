"""Writes the Python that reads one message in one version.

The code is straight-line: runs of fixed-size values, together with the length or count behind them, are one
`unpack_from`, arrays are loops in place, and no function is called per field. Every length is compared with the bytes
that are left before it is used, and a count before anything is made for it. `unpack_from` itself checks the bounds of a
run.
"""

from struct import unpack_from
from typing import NoReturn

from tivo.model.errors import WireError
from tivo.wire.primitives import read_tag, read_uvarint, skip_tags
from tivo.wire.schema import Array, Blob, Field, Fixed, Kind, Structure, Text
from tivo.wire.source import BYTE, INT16, INT32, Source, is_packed, smallest

MOST_ELEMENTS = 1 << 20
"""In all arrays of a message together, with its tagged fields, unless a reader is told another number. 16 MiB of the
smallest elements would otherwise become 600 MiB of objects."""


class ReaderSource(Source):
    """`read(view, at, size, most)`: the message at `at` in a view of `size` bytes, and the position behind it.

    `most` bounds the elements of its arrays and its tagged fields, all together.
    """

    def __init__(self, message: Structure, *, flexible: bool) -> None:
        super().__init__("def read(view, at, size, most):", flexible=flexible)
        self.constants |= {
            "read_uvarint": read_uvarint,
            "read_tag": read_tag,
            "skip_tags": skip_tags,
            "unpack_from": unpack_from,
            "refuse_length": refuse_length,
            "refuse_elements": refuse_elements,
            "refuse_tag": refuse_tag,
        }
        self.line("elements = 0", "the message")
        made = self.structure(message, "")
        self.flush()
        self.line(f"return {made}, at", "the message")

    def structure(self, kind: Structure, path: str) -> str:
        """Reads the fields; gives the expression that makes the struct, good once the run is flushed."""
        made = {field.name: self.value(field, path + field.name) for field in kind.fields}
        if self.flexible:
            made |= self.tagged(kind.tagged, path)
        return self.made_of(kind, made)

    def made_of(self, kind: Structure, values: dict[str, str]) -> str:
        struct = self.constant(kind.type.__name__, kind.type)
        return f"{struct}({', '.join(f'{name}={value}' for name, value in values.items())})"

    def value(self, field: Field, path: str) -> str:
        """Reads one value; gives its name, good once the run is flushed."""
        match field.kind:
            case Fixed():
                return self.fixed(field.kind, path)
            case Structure():
                return self.assign(self.structure(field.kind, path + "."), path)
            case _:
                return self.measured(field, path)

    def fixed(self, kind: Fixed, path: str) -> str:
        name = self.name("v")
        self.run.append((kind, name, path))
        return name

    def flush(self) -> None:
        if len(self.run) == 1 and self.run[0][0] is BYTE:
            [(_, name, path)] = self.run
            self.run = []
            self.line(f"{name} = view[at]; at += 1", path)
        elif self.run:
            packer, names, path = self.take_run()
            self.line(f"{names}, = {self.constant('unpack', packer.unpack_from)}(view, at)", path)
            self.line(f"at += {packer.size}", path)

    def assign(self, expression: str, path: str) -> str:
        self.flush()
        name = self.name("v")
        self.line(f"{name} = {expression}", path)
        return name

    def measured(self, field: Field, path: str) -> str:
        """Reads a value that stands behind its length or count."""
        length, name = self.length(field.kind, path), self.name("v")
        if not field.nullable:
            self.fill(name, field.kind, length, path)
            return name
        with self.block(f"if {length} == -1:", path):
            self.line(f"{name} = None", path)
        with self.block("else:", path):
            self.fill(name, field.kind, length, path)
        return name

    def length(self, kind: Kind, path: str) -> str:
        """Reads a length or count; -1 stands for null."""
        if not self.flexible:
            name = self.fixed(INT16 if isinstance(kind, Text) else INT32, path)
            self.flush()
            return name
        name = self.fixed(BYTE, path)
        self.flush()
        self.line(f"if {name} > 127: {name}, at = read_uvarint(view, at - 1)", path)
        self.line(f"{name} -= 1", path)
        return name

    def fill(self, name: str, kind: Kind, length: str, path: str) -> None:
        if isinstance(kind, Array):
            least = smallest(kind.element, flexible=self.flexible)
            self.line(f"if not 0 <= {length} * {least} <= size - at: refuse_length({length}, size - at)", path)
            self.line(f"elements += {length}", path)
            self.line("if elements > most: refuse_elements(elements, most)", path)
            self.elements(name, kind.element, length, path)
            return
        self.line(f"if not 0 <= {length} <= size - at: refuse_length({length}, size - at)", path)
        span = f"view[at : at + {length}]"
        match kind:
            case Text():
                self.line(f'{name} = str({span}, "utf-8")', path)
            case Blob():
                self.line(f"{name} = bytes({span})", path)
            case _:
                self.line(f"{name} = {span}", path)
        self.line(f"at += {length}", path)

    def elements(self, name: str, kind: Kind, length: str, path: str) -> None:
        if isinstance(kind, Fixed):
            self.line(f'{name} = list(unpack_from(f">{{{length}}}{kind.code}", view, at))', path)
            self.line(f"at += {length} * {kind.size}", path)
        elif isinstance(kind, Structure) and is_packed(kind, flexible=self.flexible):
            self.packed(name, kind, length, path)
        else:
            self.line(f"{name} = []", path)
            with self.block(f"for _ in range({length}):", path):
                made = self.element(kind, path)
                self.flush()
                self.line(f"{name}.append({made})", path)

    def element(self, kind: Kind, path: str) -> str:
        if isinstance(kind, Structure):
            return self.structure(kind, path + ".")
        return self.measured(Field(name="", kind=kind, nullable=False, tag=None, default=None), path)

    def packed(self, name: str, kind: Structure, length: str, path: str) -> None:
        """Structs of fixed-size fields only: all of them by one unpacker."""
        made = {field.name: self.value(field, f"{path}.{field.name}") for field in kind.fields}
        packer, names, _ = self.take_run()
        unpack = self.constant("unpack", packer.iter_unpack)
        self.line(f"end = at + {length} * {packer.size}", path)
        self.line(f"{name} = [{self.made_of(kind, made)} for {names}, in {unpack}(view[at:end])]", path)
        self.line("at = end", path)

    def tagged(self, fields: tuple[Field, ...], path: str) -> dict[str, str]:
        """Reads the tagged fields: the known ones by name, others are passed over (KIP-482)."""
        count = self.fixed(BYTE, path + "tags")
        self.flush()
        if not fields:
            with self.block(f"if {count}:", path + "tags"):
                self.line(f"at, {count} = skip_tags(view, at - 1, size, most - elements)", path + "tags")
                self.line(f"elements += {count}", path + "tags")
            return {}
        found = {field.name: self.assign(self.default(field), path + field.name) for field in fields}
        tag, end = self.name("tag"), self.name("end")
        with self.block(f"if {count}:", path + "tags"):
            self.line(f"{count}, at = read_uvarint(view, at - 1)", path + "tags")
            self.line(f"elements += {count}", path + "tags")
            self.line("if elements > most: refuse_elements(elements, most)", path + "tags")
            with self.block(f"for _ in range({count}):", path + "tags"):
                self.line(f"{tag}, {end}, at = read_tag(view, at, size)", path + "tags")
                for field in fields:
                    with self.block(f"if {tag} == {field.tag}:", path + field.name):
                        value = self.value(field, path + field.name)
                        self.flush()
                        self.line(f"{found[field.name]} = {value}", path + field.name)
                        self.line(f"if at != {end}: refuse_tag({tag}, at, {end})", path + field.name)
                self.line(f"at = {end}", path + "tags")
        return found

    def default(self, field: Field) -> str:
        """An expression for the default; an empty list is a new one each time."""
        return "[]" if isinstance(field.kind, Array) else self.constant("default", field.default)


def refuse_length(length: int, left: int) -> NoReturn:
    if length == -1:
        raise WireError("null, where this version allows none")
    if length < 0:
        raise WireError(f"a negative length: {length}")
    raise WireError(f"its length is {length}, only {left} bytes are left")


def refuse_elements(elements: int, most: int) -> NoReturn:
    raise WireError(f"with it there are {elements} elements of arrays and tagged fields, at most {most} are read")


def refuse_tag(tag: int, at: int, end: int) -> NoReturn:
    raise WireError(f"tagged field {tag} should end at byte {end}, its value ends at byte {at}")
