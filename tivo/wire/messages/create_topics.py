"""CreateTopics: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import NO_UUID, Api, Boolean, Int8, Int16, Int32, Message, Since, Struct, Tag, Uuid

API = Api(key=19, name="CreateTopics", first=2, last=7, flexible=5)


class CreateTopicsRequest(Message):
    """TODO."""

    api = API

    topics: list[CreatableTopic] = []
    timeout_ms: Int32 = 60000
    validate_only: Boolean = False


class CreatableTopic(Struct):
    """TODO."""

    name: str = ""
    num_partitions: Int32 = 0
    replication_factor: Int16 = 0
    assignments: list[CreatableReplicaAssignment] = []
    configs: list[CreatableTopicConfig] = []


class CreatableReplicaAssignment(Struct):
    """TODO."""

    partition_index: Int32 = 0
    broker_ids: list[Int32] = []


class CreatableTopicConfig(Struct):
    """TODO."""

    name: str = ""
    value: str | None = ""


class CreateTopicsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[CreatableTopicResult] = []


class CreatableTopicResult(Struct):
    """TODO."""

    name: str = ""
    topic_id: Annotated[Uuid, Since(7)] = NO_UUID
    error_code: Int16 = 0
    error_message: str | None = ""
    topic_config_error_code: Annotated[Int16, Since(5), Tag(0)] = 0
    num_partitions: Annotated[Int32, Since(5)] = -1
    replication_factor: Annotated[Int16, Since(5)] = -1
    configs: Annotated[list[CreatableTopicConfigs] | None, Since(5)] = []


class CreatableTopicConfigs(Struct):
    """TODO."""

    name: str = ""
    value: str | None = ""
    read_only: Boolean = False
    config_source: Int8 = -1
    is_sensitive: Boolean = False
