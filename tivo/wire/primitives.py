"""Variable-length integers and tagged fields, as Kafka writes them.

Unsigned ones (KIP-482: lengths, counts and tags of flexible versions) and zigzag ones (records of a batch) share one
form: seven bits per byte, the lowest first, the top bit set on all but the last. Fixed-size integers are `struct`'s.
"""

from typing import TypeAlias

from tivo.model.errors import WireError

Buffer: TypeAlias = bytes | bytearray | memoryview

LONGEST = 10
"""Bytes of the longest variable-length integer that is allowed: 64 bits."""

_HALF = 1 << 63


def read_uvarint(view: Buffer, at: int) -> tuple[int, int]:
    """The unsigned integer that begins at `at`, and the position behind it.

    Raises WireError if the bytes end inside it, or if it holds more than 64 bits.
    """
    value = shift = 0
    try:
        for position in range(at, at + LONGEST):
            byte = view[position]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> 64:
                    raise WireError(f"the varint at byte {at} holds more than 64 bits")
                return value, position + 1
            shift += 7
    except IndexError:
        raise WireError(f"the varint at byte {at} is cut short at byte {len(view)}") from None
    raise WireError(f"the varint at byte {at} is longer than {LONGEST} bytes")


def read_varint(view: Buffer, at: int) -> tuple[int, int]:
    """The signed (zigzag) integer that begins at `at`, and the position behind it. Raises WireError likewise."""
    if at < len(view) and (byte := view[at]) < 0x80:  # nearly all of them: 3 times as fast
        return (byte >> 1) ^ -(byte & 1), at + 1
    value, after = read_uvarint(view, at)
    return (value >> 1) ^ -(value & 1), after


def wrapped(value: int) -> int:
    """`value` as 64 bits hold it, which is what Kafka's sums of times come to where they pass the end."""
    return value if -_HALF <= value < _HALF else (value + _HALF) % (2 * _HALF) - _HALF


def read_tag(view: memoryview, at: int, size: int) -> tuple[int, int, int]:
    """The number of the tagged field at `at`, where it ends, and where its value begins."""
    tag, at = read_uvarint(view, at)
    length, at = read_uvarint(view, at)
    if length > size - at:
        raise WireError(f"tagged field {tag} has {length} bytes, {size - at} are left")
    return tag, at + length, at


def skip_tags(view: memoryview, at: int, size: int, most: int) -> tuple[int, int]:
    """The position behind the tagged fields that begin at `at`, and their number. Raises WireError above `most`."""
    count, at = read_uvarint(view, at)
    if count > most:
        raise WireError(f"{count} tagged fields, at most {most} more are read")
    for _ in range(count):
        _, at, _ = read_tag(view, at, size)
    return at, count


def uvarint(value: int) -> bytes:
    """`value` (0 ≤ value < 2⁶⁴) as it is written."""
    if value < 0x80:
        return SMALL[value]
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def varint(value: int) -> bytes:
    """`value` (−2⁶³ ≤ value < 2⁶³), zigzag, as it is written."""
    return uvarint((value << 1) ^ (value >> 63))


SMALL = tuple(bytes((value,)) for value in range(0x80))
