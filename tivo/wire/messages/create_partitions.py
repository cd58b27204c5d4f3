"""CreatePartitions: TODO."""

from __future__ import annotations

from tivo.wire.schema import Api, Boolean, Int16, Int32, Message, Struct

API = Api(key=37, name="CreatePartitions", first=0, last=3, flexible=2)


class CreatePartitionsRequest(Message):
    """TODO."""

    api = API

    topics: list[CreatePartitionsTopic] = []
    timeout_ms: Int32 = 0
    validate_only: Boolean = False


class CreatePartitionsTopic(Struct):
    """TODO."""

    name: str = ""
    count: Int32 = 0
    assignments: list[CreatePartitionsAssignment] | None = []


class CreatePartitionsAssignment(Struct):
    """TODO."""

    broker_ids: list[Int32] = []


class CreatePartitionsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[CreatePartitionsTopicResult] = []


class CreatePartitionsTopicResult(Struct):
    """TODO."""

    name: str = ""
    error_code: Int16 = 0
    error_message: str | None = None
