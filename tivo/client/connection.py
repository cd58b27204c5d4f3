"""Messages of ours to a Kafka cluster, over aiokafka's connections: APIs and versions that aiokafka itself lacks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Generic, TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import RequestHeader_v1, RequestHeader_v2, ResponseHeader_v0, ResponseHeader_v1

from tivo.client.access import Bootstrap, access_of
from tivo.model.errors import BrokerError, WireError
from tivo.wire.codec import decode, encode
from tivo.wire.schema import Message

TIMEOUT_MS = 10_000

A = TypeVar("A", bound=Message)


class Connection:
    """Asks the brokers of a cluster. It never makes a topic by asking for it. Raises BrokerError where none answers."""

    def __init__(self, bootstrap: Bootstrap, *, client_id: str) -> None:
        self._access = access_of(bootstrap)
        self._bootstrap = self._access.bootstrap
        self._client_id = client_id
        self._client: AIOKafkaClient | None = None

    async def start(self) -> None:
        """Connect. Raises BrokerError where no bootstrap address answers; it may be called again."""
        client = AIOKafkaClient(**self._access.settings(), client_id=self._client_id, request_timeout_ms=TIMEOUT_MS)
        try:
            with _kafka_errors(f"no Kafka broker answers at {self._bootstrap}"):
                await client.bootstrap()
        except BrokerError:
            await client.close()
            raise
        self._client = client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ask(self, request: Message, answer: type[A], *, node: int | None = None, first: int = 0) -> A:
        """The answer of a broker, of any one or of this; at version `first` or later. Raises BrokerError."""
        client = self._client
        if client is None:
            raise BrokerError(f"not connected to {self._bootstrap}")
        with _kafka_errors(f"{self._bootstrap} did not answer {type(request).__name__}"):
            try:
                told: A = await client.send(
                    client.get_random_node() if node is None else node, _Request(request, answer, first)
                )
            except KafkaError:
                await client.force_metadata_update()  # a broker may have moved
                raise
        return told


class _Request(Generic[A]):
    """A message of ours in the form that aiokafka's connection sends; it settles the version with the broker."""

    def __init__(self, message: Message, answer: type[A], first: int) -> None:
        self._message = message
        self._answer = answer
        self._first = max(first, message.api.first)

    def prepare(self, served: Mapping[int, tuple[int, int]]) -> "_Versioned[A]":
        api = self._message.api
        first, last = served.get(api.key, (0, -1))
        version = min(last, api.last)
        if version < max(first, self._first):
            raise BrokerError(
                f"the broker serves {api.name} v{first} to v{last}, tivo needs v{self._first} to v{api.last}"
            )
        return _Versioned(self._message, self._answer, version)


class _Versioned(Generic[A]):
    """A request at one version: header and body out, header and answer in."""

    def __init__(self, message: Message, answer: type[A], version: int) -> None:
        self.API_KEY = message.api.key
        self.API_VERSION = version
        self.RESPONSE_TYPE = self
        self._message = message
        self._answer = answer
        self._flexible = message.api.is_flexible(version)

    def build_request_header(self, correlation_id: int, client_id: str) -> RequestHeader_v1 | RequestHeader_v2:
        header = RequestHeader_v2 if self._flexible else RequestHeader_v1
        return header(self, correlation_id=correlation_id, client_id=client_id)

    def encode(self) -> bytes:
        return b"".join(encode(self._message, self.API_VERSION))

    def parse_response_header(self, buffer: BytesIO) -> ResponseHeader_v0 | ResponseHeader_v1:
        header = ResponseHeader_v1 if self._flexible else ResponseHeader_v0
        return header.decode(buffer)

    def decode(self, buffer: BytesIO) -> A:
        return decode(self._answer, self.API_VERSION, memoryview(buffer.read()))


@contextmanager
def _kafka_errors(what: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, WireError, TimeoutError, OSError) as error:
        raise BrokerError(f"{what}: {error or type(error).__name__}") from error
