"""A Kafka broker that answers as a test tells it, on a loopback port: for clients that bring their own driver."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from tivo.wire.connection import Request, ServerConnection, advertised
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tivo.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from tivo.wire.schema import NO_UUID, Message

Answer: TypeAlias = Callable[[Any], Message | None]
"""What a request is answered with; None closes the connection."""

NODE = 7
_UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


class Peer:
    """One broker. `topics` is what it tells in Metadata, `answers` what it does with the other requests.

    As long as it `falls`, every request closes its connection. Metadata tells of the `others` too.
    """

    def __init__(self, answers: Mapping[type[Message], Answer], upto: Mapping[type[Message], int]) -> None:
        self.topics: list[MetadataResponseTopic] = []
        self.asked: list[Message] = []
        self.port = 0
        self.falls = False
        self.others: list[MetadataResponseBroker] = []
        self._answers: dict[type[Message], Answer] = {
            ApiVersionsRequest: self._versions,
            MetadataRequest: self.metadata,
            **answers,
        }
        self._upto = {message.api.key: version for message, version in upto.items()}
        self._served: dict[int, type[Message]] = {message.api.key: message for message in self._answers}

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _versions(self, _: ApiVersionsRequest) -> ApiVersionsResponse:
        apis = advertised(self._served)
        for each in apis:
            each.max_version = min(each.max_version, self._upto.get(each.api_key, each.max_version))
        return ApiVersionsResponse(api_keys=apis)

    def metadata(self, request: MetadataRequest) -> MetadataResponse:
        told = {topic.name: topic for topic in self.topics}
        wanted = [*told] if request.topics is None else [topic.name for topic in request.topics]
        return MetadataResponse(
            brokers=[MetadataResponseBroker(node_id=NODE, host="127.0.0.1", port=self.port), *self.others],
            controller_id=NODE,
            topics=[told.get(name) or a_topic(name or "", NO_UUID, error_code=_UNKNOWN) for name in wanted],
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ServerConnection(self._served)
        try:
            while arrived := await reader.read(16_384):
                room = connection.get_buffer()
                room[: len(arrived)] = arrived
                room.release()
                for item in connection.received(len(arrived)):
                    assert isinstance(item, Request), item
                    self.asked.append(item.body)
                    answer = None if self.falls else self._answers[type(item.body)](item.body)
                    if answer is None:
                        return
                    writer.writelines(connection.respond(item, answer))
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(
    answers: Mapping[type[Message], Answer], *, upto: Mapping[type[Message], int] | None = None
) -> AsyncIterator[Peer]:
    """A broker that listens. Of some messages it serves no version beyond `upto`."""
    told = Peer(answers, upto or {})
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    async with server:
        told.port = server.sockets[0].getsockname()[1]
        yield told


def a_topic(name: str, topic_id: bytes, *partitions: int, error_code: int = 0) -> MetadataResponseTopic:
    """A topic whose partitions are led by the peer."""
    return MetadataResponseTopic(
        name=name,
        topic_id=topic_id,
        error_code=error_code,
        partitions=[
            MetadataResponsePartition(partition_index=index, leader_id=NODE, replica_nodes=[NODE], isr_nodes=[NODE])
            for index in partitions
        ],
    )
