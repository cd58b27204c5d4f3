"""Headers: what stands around a message in a frame. (A frame is a size of four bytes and as many bytes.)

A request opens with header v1, in flexible versions v2 (tagged fields at the end, client_id still a plain string); a
response with header v0, in flexible versions v1. ApiVersions always answers with v0, since the client cannot know yet
what the broker speaks (KIP-511).
"""

from struct import Struct as Packer
from typing import NamedTuple, TypeVar

from tivo.model.errors import WireError
from tivo.wire.codec import decode, encode
from tivo.wire.primitives import Buffer, skip_tags
from tivo.wire.schema import Api, Message

M = TypeVar("M", bound=Message)

API_VERSIONS = 18
MOST_TAGS = 1_000
"""Tagged fields of a header. None is known."""

SIZE = Packer(">i")
ADDRESS = Packer(">hhi")
CLIENT_ID_LENGTH = Packer(">h")


class Address(NamedTuple):
    """The first eight bytes of every request, the same in all versions of everything."""

    api_key: int
    api_version: int
    correlation_id: int


def read_address(frame: memoryview) -> Address:
    """The address of a request. The frame must have eight bytes at least."""
    return Address(*ADDRESS.unpack_from(frame))


def read_client_id(frame: memoryview, *, flexible: bool) -> tuple[str | None, int]:
    """The client id of a request, and the position at which its message begins. Raises WireError."""
    at = ADDRESS.size + CLIENT_ID_LENGTH.size
    if len(frame) < at:
        raise WireError(f"the request header is cut short: it has {len(frame)} bytes")
    (length,) = CLIENT_ID_LENGTH.unpack_from(frame, ADDRESS.size)
    if not -1 <= length <= len(frame) - at:
        raise WireError(f"the length of client_id is {length}, {len(frame) - at} bytes are left")
    client_id = None
    if length >= 0:
        try:
            client_id = str(frame[at : at + length], "utf-8")
        except UnicodeDecodeError as error:
            raise WireError(f"client_id is not UTF-8: {error}") from error
        at += length
    return client_id, skip_tags(frame, at, len(frame), MOST_TAGS)[0] if flexible else at


def request_frame(request: Message, version: int, *, correlation_id: int, client_id: str | None) -> list[Buffer]:
    """The frame of a request, as buffers to be written in turn. Raises WireError as `encode`."""
    name = b"" if client_id is None else client_id.encode()
    head = (
        ADDRESS.pack(request.api.key, version, correlation_id)
        + CLIENT_ID_LENGTH.pack(-1 if client_id is None else len(name))
        + name
        + (b"\0" if request.api.is_flexible(version) else b"")
    )
    return _framed(request, version, head)


def response_frame(response: Message, version: int, *, correlation_id: int) -> list[Buffer]:
    """The frame of a response, as buffers to be written in turn. Raises WireError as `encode`."""
    head = SIZE.pack(correlation_id) + (b"\0" if _has_tags(response.api, version) else b"")
    return _framed(response, version, head)


def read_response(message: type[M], version: int, frame: memoryview) -> tuple[int, M]:
    """The correlation id and the response that fill a frame (without its size). Raises WireError."""
    if len(frame) < SIZE.size:
        raise WireError(f"the response header is cut short: it has {len(frame)} bytes")
    (correlation_id,) = SIZE.unpack_from(frame)
    at = SIZE.size
    if _has_tags(message.api, version):
        at, _ = skip_tags(frame, at, len(frame), MOST_TAGS)
    return correlation_id, decode(message, version, frame[at:])


def _has_tags(api: Api, version: int) -> bool:
    return api.is_flexible(version) and api.key != API_VERSIONS


def _framed(message: Message, version: int, head: bytes) -> list[Buffer]:
    buffers = encode(message, version, head=bytes(SIZE.size) + head)
    first = buffers[0]
    SIZE.pack_into(first, 0, sum(map(len, buffers)) - SIZE.size)
    return buffers
