"""The server's side of one connection: bytes in, requests out; responses in, buffers out. No socket, no clock.

The shell (an `asyncio.BufferedProtocol`) receives into `get_buffer()`, reports with `received(n)`, and sends what
`respond()` gives, in the order of the requests.

**Views.** Records of a Produce request are views of the receive buffer. They stay valid for as long as anyone holds
them: the connection never overwrites or moves bytes that a view still shows, it goes on in a new buffer instead. So a
parked request may keep its records. Whoever holds views across reads only costs memory: let go of a request once it is
answered.

**Memory.** The buffer grows with the bytes that have arrived, at most doubling, never with the size that a frame
promises; once empty, it shrinks again if it had become large.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from tivo.model.errors import WireError
from tivo.wire.codec import decode
from tivo.wire.error_codes import ErrorCode
from tivo.wire.framing import ADDRESS, API_VERSIONS, SIZE, Address, read_address, read_client_id, response_frame
from tivo.wire.messages.api_versions import ApiVersion, ApiVersionsResponse
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from tivo.wire.primitives import Buffer
from tivo.wire.schema import Message

MAX_FRAME = 16 << 20
SMALLEST_FRAME = ADDRESS.size
SMALL_BUFFER = 64 << 10
FIRST_BUFFER = 4 << 10
"""Until something has come: whoever connects and goes, by the hundred, costs no more."""

KEPT_BUFFER = 1 << 20
"""An empty buffer above this size is given back: one frame of 16 MiB must not cost 16 MiB for ever."""
MOST_ASKED = 1 << 17
"""Elements and tagged fields of one request. They are worked on, and answered, while nobody else is served: 0.3 s."""
LEAST_ROOM = 16 << 10
BARE = -1
HTTP_BEGINNINGS = frozenset({b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI", b"DELE", b"PATC", b"CONN", b"PRI "})
"""How HTTP requests begin; as the size of a frame each is more than 1 GiB."""
"""The "version" of a SaslAuthenticate that came as nothing but its bytes, and is answered so (SaslHandshake v0)."""


class Request(NamedTuple):
    """A request, whole and well-formed. `size` is that of its frame in bytes."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    body: Message
    size: int


class Refusal(NamedTuple):
    """A request that is not served.

    In its turn, after the answers to what came before: send `reply` and go on, or if there is none close the connection
    with one line of log about `error`. `address` is None where not even that could be read.
    """

    error: WireError
    address: Address | None
    reply: list[Buffer] | None = None


Item: TypeAlias = Request | Refusal


def advertised(served: Mapping[int, type[Message]]) -> list[ApiVersion]:
    """What ApiVersions tells about the APIs in the table, by key. Produce is listed from version 0 on (KAFKA-18659)."""
    return [
        ApiVersion(
            api_key=api.key,
            min_version=api.first if api.advertised is None else api.advertised,
            max_version=api.last,
        )
        for _, api in sorted((key, request.api) for key, request in served.items())
    ]


class ServerConnection:
    """One connection. `served` says which requests are understood, by API key.

    `closed` is set once a refusal without a reply was given: nothing is read from then on. Whoever has not said who he
    is may be held to small frames and a few APIs (`only`) until `open_up`.
    """

    def __init__(
        self,
        served: Mapping[int, type[Message]],
        *,
        max_frame: int = MAX_FRAME,
        only: Collection[int] | None = None,
    ) -> None:
        self.closed = False
        self.takes_bare = False
        """Whether the next frames are messages of logging in and nothing else, as after SaslHandshake v0."""
        self._served = served
        self._max_frame = max_frame
        self._only = only
        self._buffer = bytearray(FIRST_BUFFER)
        self._start = 0  # what has arrived and is no whole frame yet lies from start to end
        self._end = 0

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return self._end - self._start

    def open_up(self, max_frame: int) -> None:
        """From here on take every API, in frames up to this size."""
        self._max_frame = max_frame
        self._only = None

    def get_buffer(self) -> memoryview:
        """Room to receive into, never empty; let go of it after `received`."""
        self._make_room()
        return memoryview(self._buffer)[self._end :]

    def received(self, count: int) -> list[Item]:
        """The requests that are whole now that `count` bytes were written to the buffer, in order."""
        self._end += count
        items: list[Item] = []
        while not self.closed and (item := self._next()) is not None:
            items.append(item)
            self.closed = isinstance(item, Refusal) and item.reply is None
        if self.closed:
            self._start = self._end
        return items

    def respond(self, request: Request, response: Message) -> list[Buffer]:
        """The buffers that answer `request`, to be sent in turn. Raises WireError as `encode`."""
        if request.api_version == BARE:
            assert isinstance(response, SaslAuthenticateResponse), response
            said = response.auth_bytes
            return [] if response.error_code else [SIZE.pack(len(said)) + said]  # nothing would look like a success
        return response_frame(response, request.api_version, correlation_id=request.correlation_id)

    def _next(self) -> Item | None:
        if self.pending < SIZE.size:
            return None
        (size,) = SIZE.unpack_from(self._buffer, self._start)
        least = 0 if self.takes_bare else SMALLEST_FRAME
        if not least <= size <= self._max_frame:
            if bytes(self._buffer[self._start : self._start + SIZE.size]) in HTTP_BEGINNINGS:
                return Refusal(WireError("an HTTP request, not Kafka: this is the Kafka port"), None)
            return Refusal(WireError(f"a frame has {least} to {self._max_frame} bytes, not {size}"), None)
        begin = self._start + SIZE.size
        if self._end < begin + size:
            return None
        self._start = begin + size
        return self._parse(memoryview(self._buffer)[begin : begin + size])

    def _parse(self, frame: memoryview) -> Item:
        if self.takes_bare:
            body = SaslAuthenticateRequest(auth_bytes=bytes(frame))
            return Request(SaslAuthenticateRequest.api.key, BARE, 0, None, body, len(frame))
        address = read_address(frame)
        message = self._served.get(address.api_key)
        if message is None:
            return Refusal(WireError(f"API key {address.api_key} is not served"), address)
        if self._only is not None and address.api_key not in self._only:
            name = ErrorCode.ILLEGAL_SASL_STATE.name
            return Refusal(WireError(f"{message.api.name} before the client has said who it is: {name}"), address)
        if not message.api.serves(address.api_version):
            return self._refuse_version(message, address)
        try:
            client_id, at = read_client_id(frame, flexible=message.api.is_flexible(address.api_version))
            # librdkafka 2.16 writes the null topics of Metadata v12 three bytes too long; Kafka reads past such rests
            asked = decode(message, address.api_version, frame[at:], whole=False, most=MOST_ASKED)
        except WireError as error:
            return Refusal(error, address)
        return Request(*address, client_id, asked, len(frame))

    def _refuse_version(self, message: type[Message], address: Address) -> Refusal:
        """Whoever speaks a newer ApiVersions than we do learns what to speak (KIP-511); all else is refused."""
        api = message.api
        error = WireError(f"{api.name} is served in versions {api.first} to {api.last}, not {address.api_version}")
        if api.key != API_VERSIONS:
            return Refusal(error, address)
        response = ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=advertised(self._served))
        return Refusal(error, address, response_frame(response, 0, correlation_id=address.correlation_id))

    def _make_room(self) -> None:
        pending = self.pending
        is_seen = _is_seen(self._buffer)
        if pending or is_seen:
            missing = self._missing(pending)
            if missing <= len(self._buffer) - self._end:
                return
            needed = pending + min(missing, max(pending, SMALL_BUFFER))
            if is_seen or needed > len(self._buffer):
                self._replace(max(needed, min(len(self._buffer), KEPT_BUFFER)))
            elif self._start:
                view = memoryview(self._buffer)
                view[:pending] = view[self._start : self._end]
        elif len(self._buffer) > KEPT_BUFFER or (self._end and len(self._buffer) < SMALL_BUFFER):
            self._replace(SMALL_BUFFER)
        self._start, self._end = 0, pending

    def _missing(self, pending: int) -> int:
        """Bytes that the frame in progress still lacks; a useful number where no frame has begun."""
        if pending < SIZE.size:
            return LEAST_ROOM
        return SIZE.size + int(SIZE.unpack_from(self._buffer, self._start)[0]) - pending

    def _replace(self, capacity: int) -> None:
        """Goes on in a new buffer; the old one belongs to the views of it, if there are any."""
        fresh = bytearray(capacity)
        fresh[: self.pending] = memoryview(self._buffer)[self._start : self._end]
        self._buffer = fresh


def _is_seen(buffer: bytearray) -> bool:
    """Whether any view of the buffer is alive: Python refuses to change the size of such a buffer."""
    try:
        buffer.append(buffer.pop())
    except BufferError:
        return True
    return False
