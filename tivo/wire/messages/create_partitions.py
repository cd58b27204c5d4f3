"""CreatePartitions: more partitions for topics that are there."""

from __future__ import annotations

from tivo.wire.schema import Api, Boolean, Int16, Int32, Message, Struct

API = Api(key=37, name="CreatePartitions", first=0, last=3, flexible=2)


class CreatePartitionsRequest(Message):
    """The topics and how many partitions each shall have. `validate_only` changes nothing."""

    api = API

    topics: list[CreatePartitionsTopic] = []
    timeout_ms: Int32 = 0
    validate_only: Boolean = False


class CreatePartitionsTopic(Struct):
    """`count` is the new total. `assignments` names replicas for the new partitions; None leaves them to the broker."""

    name: str = ""
    count: Int32 = 0
    assignments: list[CreatePartitionsAssignment] | None = None


class CreatePartitionsAssignment(Struct):
    """The brokers that hold one new partition."""

    broker_ids: list[Int32] = []


class CreatePartitionsResponse(Message):
    """A result per topic."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[CreatePartitionsTopicResult] = []


class CreatePartitionsTopicResult(Struct):
    """Whether one topic has the partitions now."""

    name: str = ""
    error_code: Int16 = 0
    error_message: str | None = None
