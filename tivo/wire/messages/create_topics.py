"""CreateTopics: new topics, with their partitions and settings."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import NO_UUID, Api, Boolean, Int8, Int16, Int32, Message, Since, Struct, Tag, Uuid

API = Api(key=19, name="CreateTopics", first=2, last=7, flexible=5)


class CreateTopicsRequest(Message):
    """The topics to make. `validate_only` makes none."""

    api = API

    topics: list[CreatableTopic] = []
    timeout_ms: Int32 = 60000
    validate_only: Boolean = False


class CreatableTopic(Struct):
    """One topic. -1 partitions or replicas: as many as the broker's default (v4 on, KIP-464)."""

    name: str = ""
    num_partitions: Int32 = 0
    replication_factor: Int16 = 0
    assignments: list[CreatableReplicaAssignment] = []
    configs: list[CreatableTopicConfig] = []


class CreatableReplicaAssignment(Struct):
    """The brokers that hold one partition."""

    partition_index: Int32 = 0
    broker_ids: list[Int32] = []


class CreatableTopicConfig(Struct):
    """A setting of the topic; None for the default."""

    name: str = ""
    value: str | None = ""


class CreateTopicsResponse(Message):
    """A result per topic."""

    api = API

    throttle_time_ms: Int32 = 0
    topics: list[CreatableTopicResult] = []


class CreatableTopicResult(Struct):
    """Whether one topic stands now, and as what. v5 on lists its settings (KIP-525), v7 its id."""

    name: str = ""
    topic_id: Annotated[Uuid, Since(7)] = NO_UUID
    error_code: Int16 = 0
    error_message: str | None = ""
    topic_config_error_code: Annotated[Int16, Since(5), Tag(0)] = 0
    num_partitions: Annotated[Int32, Since(5)] = -1
    replication_factor: Annotated[Int16, Since(5)] = -1
    configs: Annotated[list[CreatableTopicConfigs] | None, Since(5)] = []


class CreatableTopicConfigs(Struct):
    """A setting as it is in force, and where it comes from."""

    name: str = ""
    value: str | None = ""
    read_only: Boolean = False
    config_source: Int8 = -1
    is_sensitive: Boolean = False
