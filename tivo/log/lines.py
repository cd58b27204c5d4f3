"""Lines that prove themselves: a CRC-32C in hexadecimal, a space, the payload. The small files of the log hold them."""

from crc32c import crc32c

_PREFIX = 9


def encode_line(payload: bytes) -> bytes:
    """A payload without line breaks as a line that can be checked."""
    return b"%08x %s\n" % (crc32c(payload), payload)


def decode_line(line: bytes) -> bytes | None:
    """The payload of a line, its line break included; None where it is torn or damaged."""
    payload = line[_PREFIX:-1]
    return payload if line == encode_line(payload) else None
