"""ListPartitionReassignments: partitions that are on their way to other brokers (KIP-455)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Message, Struct

API = Api(key=46, name="ListPartitionReassignments", first=0, last=0, flexible=0)


class ListPartitionReassignmentsRequest(Message):
    """The partitions asked about; None means all."""

    api = API

    timeout_ms: Int32 = 60_000
    topics: list[ListPartitionReassignmentsTopics] | None = None


class ListPartitionReassignmentsTopics(Struct):
    """Partitions of one topic."""

    name: str = ""
    partition_indexes: list[Int32] = []


class ListPartitionReassignmentsResponse(Message):
    """The partitions that are under way."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: str | None = ""
    topics: list[OngoingTopicReassignment] = []


class OngoingTopicReassignment(Struct):
    """Partitions of one topic."""

    name: str = ""
    partitions: list[OngoingPartitionReassignment] = []


class OngoingPartitionReassignment(Struct):
    """One partition, the brokers that hold it, those to come and those to go."""

    partition_index: Int32 = 0
    replicas: list[Int32] = []
    adding_replicas: list[Int32] = []
    removing_replicas: list[Int32] = []
