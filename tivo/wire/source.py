"""What the compiled readers and writers have in common: lines of code, and the field that each line is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct as Packer
from typing import Any

from tivo.wire.schema import Fixed, Kind, Structure, Text

BYTE = Fixed("B", 1)
INT16 = Fixed("h", 2)
INT32 = Fixed("i", 4)


class Source:
    """Straight-line code in the making.

    Values of fixed size wait in a run, to be read or written by one `struct` call when something else must happen.
    """

    def __init__(self, signature: str, *, flexible: bool) -> None:
        self.flexible = flexible
        self.lines = [signature]
        self.fields = ["the message"]
        self.constants: dict[str, Any] = {}
        self.run: list[tuple[Fixed, str, str]] = []
        self.depth = 1
        self.made = 0

    def line(self, text: str, path: str) -> None:
        self.lines.append("    " * self.depth + text)
        self.fields.append(path)

    @contextmanager
    def block(self, head: str, path: str) -> Iterator[None]:
        """Lines written meanwhile stand below `head`."""
        self.line(head, path)
        self.depth += 1
        yield
        self.depth -= 1

    def name(self, prefix: str) -> str:
        """A name that nothing else bears."""
        self.made += 1
        return f"{prefix}{self.made}"

    def constant(self, prefix: str, value: object) -> str:
        """The name under which the code finds `value`."""
        name = self.name(prefix)
        self.constants[name] = value
        return name

    def take_run(self) -> tuple[Packer, str, str]:
        """The run so far, which starts anew: its packer, its values as a list, and its fields."""
        packer = Packer(">" + "".join(kind.code for kind, _, _ in self.run))
        values = ", ".join(value for _, value, _ in self.run)
        paths = ", ".join(path for _, _, path in self.run)
        self.run = []
        return packer, values, paths


def smallest(kind: Kind, *, flexible: bool) -> int:
    """The fewest bytes that a value of this kind takes."""
    match kind:
        case Fixed(size=size):
            return size
        case Structure(fields=fields):
            return sum(smallest(field.kind, flexible=flexible) for field in fields) + flexible
        case _ if flexible:
            return 1
        case Text():
            return INT16.size
        case _:
            return INT32.size


def is_packed(kind: Kind, *, flexible: bool) -> bool:
    """Whether the kind is a struct of fixed-size fields only, all of the same size on the wire."""
    return isinstance(kind, Structure) and not flexible and all(isinstance(field.kind, Fixed) for field in kind.fields)
