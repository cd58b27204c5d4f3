"""What consumers tell each other through the broker about who reads what (pure): ConsumerProtocolAssignment."""

from msgspec import field

from tivo.model.errors import WireError
from tivo.wire.codec import decode
from tivo.wire.schema import Api, Int32, Message, Struct

_NO_API = -1
_LAYOUT = 0
"""All versions up to now begin with what version 0 has."""


class AssignedTopic(Struct):
    """Partitions of one topic."""

    topic: str = ""
    partitions: list[Int32] = field(default_factory=list)


class Assignment(Message):
    """The partitions that one member reads."""

    api = Api(_NO_API, "ConsumerProtocolAssignment", _LAYOUT, _LAYOUT)

    assigned_partitions: list[AssignedTopic] = field(default_factory=list)


def assigned(data: bytes) -> list[tuple[str, int]]:
    """Topic and partition of everything that a member reads, in order; nothing where the bytes are not a consumer's."""
    if len(data) < 2:
        return []
    try:
        told = decode(Assignment, _LAYOUT, memoryview(data)[2:], whole=False)
    except WireError:
        return []
    return sorted((topic.topic, partition) for topic in told.assigned_partitions for partition in topic.partitions)
