"""Messages ⇄ bytes: readers and writers compiled from the declarations, per message and version, when first needed.

Compiling takes about 1 ms per message, version and direction; what is compiled is kept for the life of the process.
"""

import struct
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any, NamedTuple, TypeVar

from tivo.model.errors import WireError
from tivo.wire.primitives import Buffer
from tivo.wire.reader import MOST_ELEMENTS, ReaderSource
from tivo.wire.schema import Message, structure
from tivo.wire.source import Source
from tivo.wire.writer import WriterSource

M = TypeVar("M", bound=Message)


class Compiled(NamedTuple):
    """A compiled reader or writer, and by line of its code the field that the line is about."""

    call: Callable[..., Any]
    code: CodeType
    fields: list[str]


def decode(message: type[M], version: int, buffer: memoryview, *, whole: bool = True, most: int = MOST_ELEMENTS) -> M:
    """The message that fills `buffer`, or opens it if `whole` is False. Records in it are views; all else is copied.

    `most` bounds the elements of its arrays and its tagged fields, all together.

    Raises WireError, which names message, version, field and evidence, for bytes that are not this message.
    """
    reader = READERS.get((message, version)) or _compiled_reader(message, version)
    made: M
    try:
        made, end = reader.call(buffer, 0, len(buffer), most)
    except (WireError, IndexError, struct.error, UnicodeDecodeError) as error:
        raise WireError(_story(message, version, reader, error)) from error
    if whole and end != len(buffer):
        raise WireError(f"{message.__name__} v{version} ends at byte {end}, {len(buffer) - end} more bytes follow")
    return made


def encode(message: Message, version: int, *, head: bytes = b"") -> list[Buffer]:
    """The buffers that make up `head` and `message`, to be written in turn; records are passed through, never copied.

    Raises WireError, which names message, version and field, for a value that this version cannot express. A field that
    the version lacks is not written.
    """
    kind = type(message)
    writer = WRITERS.get((kind, version)) or _compiled_writer(kind, version)
    written: list[Buffer] = []
    try:
        writer.call(message, head, written)
    except (WireError, struct.error, AttributeError, TypeError, UnicodeEncodeError) as error:
        raise WireError(_story(kind, version, writer, error)) from error
    return written


READERS: dict[tuple[type[Message], int], Compiled] = {}
WRITERS: dict[tuple[type[Message], int], Compiled] = {}


def _compiled_reader(message: type[Message], version: int) -> Compiled:
    source = ReaderSource(structure(message, version), flexible=_flexible(message, version))
    reader = READERS[message, version] = _compiled(source, "read", f"<{message.__name__} v{version} reader>")
    return reader


def _compiled_writer(message: type[Message], version: int) -> Compiled:
    source = WriterSource(structure(message, version), flexible=_flexible(message, version))
    writer = WRITERS[message, version] = _compiled(source, "write", f"<{message.__name__} v{version} writer>")
    return writer


def _flexible(message: type[Message], version: int) -> bool:
    api = message.api
    if not api.serves(version):
        raise WireError(f"{message.__name__} has versions {api.first} to {api.last}, not {version}")
    return api.is_flexible(version)


def _compiled(source: Source, function: str, file: str) -> Compiled:
    names = dict(source.constants)
    # The text is made of field names and numbers of our own declarations, never of anything received.
    exec(compile("\n".join(source.lines), file, "exec"), names)  # noqa: S102
    call = names[function]
    return Compiled(call, call.__code__, source.fields)


def _story(message: type[Message], version: int, compiled: Compiled, error: Exception) -> str:
    """What went wrong where: the line of the compiled code that failed tells the field."""
    field = compiled.fields[_failed_line(error.__traceback__, compiled.code) - 1]
    evidence = "the bytes end before it" if isinstance(error, IndexError) else error
    return f"{message.__name__} v{version}, {field}: {evidence}"


def _failed_line(trace: TracebackType | None, code: CodeType) -> int:
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return trace.tb_lineno
        trace = trace.tb_next
    raise AssertionError("the error did not come from the compiled code")
