"""DeleteTopics: topics to delete, by name, from v6 on by id as well."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import NO_UUID, Api, Int16, Int32, Message, NullableSince, Since, Struct, Until, Uuid

API = Api(key=20, name="DeleteTopics", first=1, last=6, flexible=4)


class DeleteTopicsRequest(Message):
    """Names up to v5; from v6 on `topics`."""

    api = API

    topics: Annotated[list[DeleteTopicState], Since(6)] = []
    topic_names: Annotated[list[str], Until(5)] = []
    timeout_ms: Int32 = 0


class DeleteTopicState(Struct):
    """A topic by name, or by id if the name is None."""

    name: str | None = None
    topic_id: Uuid = NO_UUID


class DeleteTopicsResponse(Message):
    """A result per topic."""

    api = API

    throttle_time_ms: Int32 = 0
    responses: list[DeletableTopicResult] = []


class DeletableTopicResult(Struct):
    """Whether one topic is gone."""

    name: Annotated[str | None, NullableSince(6)] = ""
    topic_id: Annotated[Uuid, Since(6)] = NO_UUID
    error_code: Int16 = 0
    error_message: Annotated[str | None, Since(5)] = None
