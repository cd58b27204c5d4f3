"""Every message in every version that is served, and how to make any such message."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hypothesis import strategies as st

import tivo.wire.messages
from tivo.wire.error_codes import ErrorCode
from tivo.wire.schema import Array, Blob, Field, Fixed, Kind, Message, Records, Structure, Text, structure

MODULES = [import_module(f"tivo.wire.messages.{module.name}") for module in iter_modules(tivo.wire.messages.__path__)]
MESSAGES: list[type[Message]] = [
    getattr(module, f"{module.API.name}{kind}") for module in MODULES for kind in ("Request", "Response")
]
CASES = [(message, version) for message in MESSAGES for version in range(message.api.first, message.api.last + 1)]
NAMES = [f"{message.__name__} v{version}" for message, version in CASES]

LAST_DATE_MS = 253_402_300_799_999
"""The end of the year 9999, where Python's dates end."""

NARROW: dict[str, st.SearchStrategy[int]] = {
    # kio holds these as members of an enum, so no other code can be told it
    "error_code": st.sampled_from(ErrorCode).map(int),
    "partition_error_code": st.sampled_from(ErrorCode).map(int),
    # kio holds these as dates, with None for -1
    "timestamp": st.integers(-1, LAST_DATE_MS),
    "transaction_start_time_ms": st.integers(-1, LAST_DATE_MS),
    "log_append_time_ms": st.integers(-1, LAST_DATE_MS),
    # kio holds these as durations made of floats, exact for some thousand years only
    "retention_time_ms": st.integers(-1, LAST_DATE_MS),
    "session_lifetime_ms": st.integers(-1, LAST_DATE_MS),
}
"""By field: values that all three codecs can hold. The others take all that their type allows."""


@cache
def messages(message: type[Message], version: int) -> st.SearchStrategy[Message]:
    """Any message of this type, as the version can express it."""
    return structures(structure(message, version))


def structures(kind: Structure) -> st.SearchStrategy[Message]:
    return st.builds(kind.type, **{field.name: values(field) for field in (*kind.fields, *kind.tagged)})


def values(field: Field) -> st.SearchStrategy[object]:
    plain = NARROW[field.name] if field.name in NARROW else kinds(field.kind)
    return st.none() | plain if field.nullable else plain


def kinds(kind: Kind) -> st.SearchStrategy[object]:
    match kind:
        case Fixed(code="?"):
            return st.booleans()
        case Fixed(size=16):
            return st.binary(min_size=16, max_size=16)
        case Fixed(size=size):
            return st.integers(-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1)
        case Text():
            # 127 bytes is where the compact length becomes two bytes long
            return st.text(max_size=20) | st.integers(125, 129).map("x".__mul__)
        case Blob():
            return st.binary(max_size=20) | st.integers(125, 129).map(b"x".__mul__)
        case Records():
            return st.binary(max_size=200).map(memoryview)
        case Array(element=element):
            return st.lists(kinds(element), max_size=3)
        case Structure():
            return structures(kind)
